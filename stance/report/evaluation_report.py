"""The report of an evaluation: how good a model is, where it errs, and what other thresholds would do."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sklearn.metrics import precision_recall_curve

from stance.bootstrap import Estimate, Resamples, defined, ratios
from stance.config import EvaluateConfig
from stance.decision import FloatArray
from stance.design import FEW_DOCUMENTS
from stance.errors import ConfigError
from stance.evaluation import NO_LABEL, Evaluation, Judged, Judgement, Slice
from stance.figures import counted
from stance.predict import Predictor
from stance.quality import resamples_of
from stance.ranking import Ranking
from stance.report.mistakes import find_mistakes
from stance.report.page import check_page, write_page
from stance.report.palette import label_colour
from stance.report.plots import Plot, reliability, risk, trade_off
from stance.report.sweep import sweep
from stance.report.words import Words, find_words

STEPS = 20
"""Shares of the sentences at which it is told how many decisions are wrong."""

_SECTIONS = {
    "summary": "In short",
    "labels": "Label by label",
    "thresholds": "Precision against recall",
    "reliability": "Are the probabilities right?",
    "band": "Where the model is sure",
    "slices": "In parts of the sentences",
    "confusion": "What is taken for what",
    "contrast": "Fine distinctions",
    "leakage": "Seen before?",
    "mistakes": "The most telling errors",
    "made": "How this was made",
}


def report_path(config: EvaluateConfig) -> Path:
    """Where the report of an evaluation goes.

    Raises:
        ConfigError: no page can be written there.
    """
    path = Path(config.output).with_suffix(".html") if config.report is None else Path(config.report)
    check_page(path)
    if path == Path(config.output):
        raise ConfigError(f"output and report are both {path}: expected output to end in .json.")
    return path


def report_evaluation(config: EvaluateConfig, evaluation: Evaluation, judged: Judged, predictor: Predictor) -> Path:
    """Writes the report of an evaluation, and says where.

    Args:
        config: that it was made by.
        evaluation: what was found.
        judged: what the model and its rivals said.
        predictor: the model.
    """
    path = report_path(config)
    model, columns = judged.model, range(len(judged.model.labels))
    sweeps = [
        sweep(label, model.decided.probabilities[:, column], model.gold[:, column], predictor.thresholds[label])
        for column, label in enumerate(model.labels)
    ]
    mistakes = find_mistakes(model)
    resamples = resamples_of(model, draws=evaluation.draws, seed=evaluation.seed)
    there = {"slices": evaluation.slices, "contrast": evaluation.contrast, "leakage": evaluation.leakage}
    write_page(
        path,
        "evaluation",
        {anchor: title for anchor, title in _SECTIONS.items() if there.get(anchor, title)},
        script="thresholds.js",
        kicker="Evaluation report",
        heading=f"How good is “{Path(evaluation.model).name}” on the {evaluation.split} split?",
        facts=f"Labels that it gives to {counted(evaluation.quality.n, 'sentence')}, beside those to be given",
        evaluation=evaluation,
        labels=model.labels,
        no_label=NO_LABEL,
        systems={"this model": evaluation.quality, **{name: one.quality for name, one in evaluation.baselines.items()}},
        few=FEW_DOCUMENTS,
        sweeps=sweeps,
        sweep_data=[asdict(one) for one in sweeps],
        trade_offs=[_trade_off(evaluation, model, column) for column in columns],
        reliabilities=[_reliability(model, resamples, column) for column in columns],
        bands=predictor.bands,
        risks=_risks(model, resamples, predictor),
        slices=_by_column(evaluation.slices),
        phenomena=_weakest_first(evaluation),
        texts={example.id: example.text for example in model.examples},
        mistakes=mistakes,
        words=find_words(predictor, model, mistakes, seed=evaluation.seed) if config.words else Words(None, {}),
        figures=config.output,
    )
    return path


def _trade_off(evaluation: Evaluation, model: Judgement, column: int) -> Plot:
    label = model.labels[column]
    own = evaluation.quality.labels[label]
    rivals = [rival.quality.labels[label] for rival in evaluation.baselines.values()]
    return trade_off(
        f"trade-off-{column}",
        label_colour(column),
        _curve(model, column),
        (own.recall, own.precision),
        [(rival.recall.value, rival.precision.value) for rival in rivals if rival.recall and rival.precision],
    )


def _curve(model: Judgement, column: int) -> tuple[FloatArray, FloatArray]:
    """Rising recalls, and the highest precision at which each can be had."""
    if not model.gold[:, column].any():
        return np.empty(0), np.empty(0)
    precisions, recalls, _ = precision_recall_curve(model.gold[:, column], model.decided.probabilities[:, column])
    # The last point is one of no threshold; before it precisions of the same recall rise.
    recalls, first = np.unique(recalls[:-1][::-1], return_index=True)
    return recalls, precisions[:-1][::-1][first]


def _reliability(model: Judgement, resamples: Resamples, column: int) -> Plot:
    probabilities, gold = model.decided.probabilities[:, column], model.gold[:, column]
    bins = Ranking(probabilities, gold).bins
    inside = bins[:, None] == np.unique(bins)
    found = resamples.estimate(ratios(resamples, inside & gold[:, None], inside))
    means = (probabilities @ inside) / inside.sum(axis=0)
    return reliability(
        f"reliability-{column}",
        label_colour(column),
        [(mean, share) for mean, share in zip(means.tolist(), found, strict=True) if isinstance(share, Estimate)],
    )


def _risks(model: Judgement, resamples: Resamples, predictor: Predictor) -> list[Plot]:
    """Label by label, the share of wrong decisions among the surest twentieth, two twentieths, and so on."""
    sizes = np.unique(-(-len(model.examples) * np.arange(1, STEPS + 1) // STEPS))
    thresholds = np.array([predictor.thresholds[label] for label in model.labels])
    surest_first = np.argsort(-np.abs(model.decided.probabilities - thresholds), axis=0, kind="stable")
    places = np.argsort(surest_first, axis=0)
    wrong = model.decided.carried != model.gold
    found = []
    for column in range(len(model.labels)):
        inside = places[:, [column]] < sizes
        found.append(defined(resamples.estimate(ratios(resamples, inside & wrong[:, [column]], inside))))
    most = max(one.high for curve in found for one in curve)
    shares = (sizes / len(model.examples)).tolist()
    return [
        risk(f"risk-{column}", label_colour(column), list(zip(shares, curve, strict=True)), most)
        for column, curve in enumerate(found)
    ]


def _by_column(slices: Sequence[Slice]) -> dict[str, list[Slice]]:
    return {
        column: [part for part in slices if part.column == column]
        for column in dict.fromkeys(part.column for part in slices)
    }


def _weakest_first(evaluation: Evaluation) -> list[tuple[str, Estimate]]:
    if evaluation.contrast is None:
        return []
    return sorted(evaluation.contrast.phenomena.items(), key=lambda named: named[1].value)
