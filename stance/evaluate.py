"""Evaluation: a trained model and labelled sentences in, figures with intervals out, beside two simple baselines."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stance.baselines.keywords import keyword_list
from stance.baselines.regressions import tfidf
from stance.bootstrap import Resamples, check_draws, defined, ratios
from stance.config import Baseline, DataConfig, EvaluateConfig
from stance.contrast import ContrastGroup, read_contrast, score
from stance.data import Example, Splits, gold_matrix, hash_examples, read_from, read_split, read_splits
from stance.decision import Decided
from stance.errors import DataError
from stance.evaluation import ContrastLeakage, Evaluation, Judged, Judgement, Leakage, Overlap, Rival
from stance.files import check_apart, check_no_folder, write_text
from stance.groups import grouped, lengths
from stance.labels import label_sets
from stance.leakage import find_overlaps
from stance.predict import Predictor
from stance.quality import measure_confusion, measure_quality, measure_slices, resamples_of

log = logging.getLogger(__name__)

LENGTH = "length"
"""The column of slices by number of words, which is computed."""


def decide(predictor: Predictor, examples: Sequence[Example]) -> Decided:
    """What a model says about the sentences of examples."""
    probabilities = predictor.predict_proba([example.text for example in examples])
    return predictor.model_file.decision.decide(probabilities)


def judge(predictor: Predictor, examples: Sequence[Example]) -> Judgement:
    """What a model says about the sentences of examples, beside the labels that they carry."""
    return Judgement(predictor.labels, examples, gold_matrix(examples, predictor.labels), decide(predictor, examples))


def evaluate(config: EvaluateConfig) -> Evaluation:
    """Judges a model on one split, and on contrast sets if there are any; writes ``config.output`` as JSON.

    Raises:
        ModelError: the model cannot be had, or what it keeps of its training data is not its own.
        ConfigError, DataError: the data cannot be had, or carry labels that the model does not know, or lack a column.
    """
    evaluation, *_ = evaluate_in_full(config)
    return evaluation


def evaluate_in_full(config: EvaluateConfig) -> tuple[Evaluation, Judged, Predictor]:
    """As ``evaluate``; also gives what was said about each sentence, and the model: what a report is made from."""
    check_draws(config.draws, config.seed)
    check_no_folder(Path(config.output))
    check_apart(Path(config.output), **read_from(config.data))
    predictor = Predictor.from_config(config.model)
    examples = read_split(config.split, predictor.labels, config.data, config.columns)
    slices = {LENGTH: lengths([example.text for example in examples]), **_by_column(examples, config)}
    groups = [] if config.data.contrast is None else read_contrast(Path(config.data.contrast), predictor.labels)
    judged, answers = _judge(predictor, examples, groups, baselines=config.baselines)
    contrast = {name: score(groups, given) for name, given in answers.items() if groups}
    resamples = resamples_of(judged.model, draws=config.draws, seed=config.seed)
    data_sha256 = hash_examples(examples)
    evaluation = Evaluation(
        model=config.model.path,
        weights_sha256=predictor.model_file.weights_sha256,
        split=config.split,
        data_sha256=data_sha256,
        draws=config.draws,
        seed=config.seed,
        quality=measure_quality(judged.model, resamples),
        confusion=measure_confusion(judged.model, resamples),
        slices=measure_slices(judged.model, resamples, slices, told=f"The {config.split} sentences"),
        contrast=contrast.get(_MODEL),
        leakage=_leakage(
            predictor, judged.model, resamples, _contrast_leakage(predictor, groups, answers[_MODEL]), config
        ),
        trained_on_it=any(part["sha256"] == data_sha256 for part in predictor.model_file.data.values()),
        baselines={
            name: Rival(measure_quality(rival, resamples), contrast.get(name)) for name, rival in judged.rivals.items()
        },
    )
    write_text(Path(config.output), json.dumps(evaluation.to_dict(), indent=2) + "\n")
    return evaluation, judged, predictor


_MODEL = "model"


def _by_column(examples: Sequence[Example], config: EvaluateConfig) -> dict[str, list[str]]:
    told = f"The {config.split} sentences"
    for column in config.columns:
        if not any(column in example.columns for example in examples):
            raise DataError(f"{told} have no column '{column}' to judge by. Check by= and time=.")
    columns = {column: [example.columns.get(column) for example in examples] for column in config.columns}
    return grouped(columns, config, ids=[example.id for example in examples], told=told)


def _judge(
    predictor: Predictor, examples: Sequence[Example], groups: Sequence[ContrastGroup], *, baselines: bool
) -> tuple[Judged, Mapping[str, list[tuple[str, ...]]]]:
    """What the model and the baselines say, and which labels they give the members of contrast sets."""
    labels = predictor.labels
    together = [*examples, *(member for group in groups for member in group.members)]
    model = judge(predictor, together)
    rivals = _rivals(predictor, [example.text for example in together]) if baselines else {}
    said = {_MODEL: model, **{name: replace(model, decided=decided) for name, decided in rivals.items()}}
    inside = np.arange(len(together)) < len(examples)
    judgements = {name: one.among(inside) for name, one in said.items()}
    answers = {name: label_sets(one.decided.carried[~inside], labels) for name, one in said.items()}
    return Judged(judgements.pop(_MODEL), judgements), answers


def _rivals(predictor: Predictor, texts: Sequence[str]) -> dict[str, Decided]:
    """What the baselines say, which learn from what the model learned from, as its settings name it.

    Training data that are no longer there, or no longer the same, are told by a warning; without them only the
    keyword list is asked, and that only for the four labels it knows.
    """
    rivals: dict[str, Decided] = {}
    keywords = keyword_list(texts, predictor.labels)
    if keywords is not None:
        rivals[Baseline.keyword_list.value] = keywords
    splits = _learned_from(predictor)
    if splits is not None:
        rivals[Baseline.tfidf.value] = tfidf(splits, texts, predictor.labels)
    return rivals


def _learned_from(predictor: Predictor) -> Splits | None:
    settings = predictor.model_file.settings
    try:
        splits = read_splits(predictor.labels, DataConfig(**settings["data"]), seed=settings["seed"])
    except DataError as error:
        log.warning("TF-IDF is left out: the model's training data cannot be read. %s", error)
        return None
    if hash_examples(splits.train) != predictor.model_file.data["train"]["sha256"]:
        log.warning("The training data are not those that the model learned from: TF-IDF learns from other ones.")
    return splits


def _leakage(
    predictor: Predictor,
    judgement: Judgement,
    resamples: Resamples,
    contrast: ContrastLeakage | None,
    config: EvaluateConfig,
) -> Leakage | None:
    overlaps = find_overlaps(predictor, judgement.examples)
    if overlaps is None:
        return None
    found = {overlap.id for overlap in overlaps}
    inside = np.array([example.id in found for example in judgement.examples])
    (share,) = defined(resamples.estimate(ratios(resamples, inside[:, None], np.ones((len(inside), 1)))))
    without = None
    if inside.any() and not inside.all():
        rest = judgement.among(~inside)
        without = measure_quality(rest, resamples_of(rest, draws=config.draws, seed=config.seed))
    return Leakage(*_exact_and_near(overlaps), share, overlaps, without, contrast)


def _contrast_leakage(
    predictor: Predictor, groups: Sequence[ContrastGroup], given: Sequence[tuple[str, ...]]
) -> ContrastLeakage | None:
    members = [member for group in groups for member in group.members]
    overlaps = find_overlaps(predictor, members) if groups else None
    if overlaps is None:
        return None
    seen = {overlap.scenario for overlap in overlaps}
    rest = [group for group in groups if group.name not in seen]
    given = [labels for member, labels in zip(members, given, strict=True) if member.scenario not in seen]
    without = score(rest, given) if seen and rest else None
    return ContrastLeakage(len(members), *_exact_and_near(overlaps), overlaps, without)


def _exact_and_near(overlaps: Sequence[Overlap]) -> tuple[int, int]:
    exact = sum(overlap.exact for overlap in overlaps)
    return exact, len(overlaps) - exact
