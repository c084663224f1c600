import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import write_jsonl
from rich.console import Console
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, precision_recall_fscore_support

from stance.config import DataConfig, EvaluateConfig, TrainConfig, TrainedModelConfig
from stance.data import Example, read_examples
from stance.decision import Decided
from stance.errors import ConfigError, DataError
from stance.evaluate import evaluate, judge
from stance.evaluation import Judgement
from stance.evaluation_tables import evaluation_tables
from stance.groups import lengths
from stance.labels import LABELS
from stance.metrics import measure
from stance.predict import Predictor
from stance.quality import measure_confusion, measure_quality, measure_slices, resamples_of
from stance.train import train


def test_figures_are_those_of_the_model_s_own_decisions(tiny_predictor: Predictor, tiny_data: Path) -> None:
    examples = read_examples(tiny_data, LABELS)
    said = judge(tiny_predictor, examples)
    metrics = measure(said.decided, said.gold, said.labels)
    predictions = tiny_predictor.predict([example.text for example in examples])
    for row in metrics.labels:
        right = sum(row.label in p.labels and row.label in e.labels for p, e in zip(predictions, examples, strict=True))
        found = sum(row.label in prediction.labels for prediction in predictions)
        assert row.n == sum(row.label in example.labels for example in examples)
        assert row.recall == pytest.approx(right / row.n)
        assert row.precision == pytest.approx(right / found if found else 0.0)
    assert [row.label for row in metrics.labels] == list(tiny_predictor.labels)
    for band in metrics.bands:
        sure = [p for p in predictions if band.label not in p.uncertain]
        assert (band.sure, band.n) == (len(sure), len(examples))
        assert band.given == sum(band.label in prediction.labels for prediction in sure)


def test_the_json_has_every_figure_with_its_interval_and_what_the_model_had_learned(
    tiny_model: Path, tiny_data: Path, tmp_path: Path
) -> None:
    rows = [json.loads(line) for line in tiny_data.read_text().splitlines()[:30]]
    new = {"text": "A wholly new sentence about nothing at all, written for this test.", "labels": [], "year": "2020"}
    contrast = [
        {"id": f"c{n}", "text": text, "labels": [], "group": f"g{n // 2}", "phenomenon": "negation"}
        for n, text in enumerate([rows[0]["text"].upper(), "It rained all day.", "Nobody came.", "Nobody was asked."])
    ]
    config = EvaluateConfig(
        model=TrainedModelConfig(path=str(tiny_model)),
        data=DataConfig(
            test=str(write_jsonl(tmp_path / "other.jsonl", [*rows, new])),
            contrast=str(write_jsonl(tmp_path / "contrast.jsonl", contrast)),
        ),
        by=["year"],
        draws=100,
        output=str(tmp_path / "report" / "evaluation.json"),
    )
    evaluation = evaluate(config)
    content = json.loads(Path(config.output).read_text())
    assert content == json.loads(json.dumps(evaluation.to_dict()))
    assert content["split"] == "test"
    assert set(content["baselines"]) == {"keyword list", "TF-IDF + logistic"}
    assert list(content["quality"]["labels"]) == list(LABELS)
    assert content["quality"]["macro"]["f1"].keys() == {"value", "low", "high", "n", "clusters", "small"}
    assert not content["trained_on_it"]
    sizes = {(part.column, part.value): part.n for part in evaluation.slices}
    assert sizes == {
        ("length", "1-10 words"): 29,
        ("length", "11-20 words"): 2,
        ("year", "(none)"): 30,
        ("year", "2020"): 1,
    }
    leakage = evaluation.leakage
    assert leakage is not None
    assert (leakage.exact, leakage.near, leakage.share.value) == (30, 0, pytest.approx(30 / 31))
    assert leakage.without is not None
    assert (leakage.without.n, leakage.without.macro.recall) == (1, None)
    assert leakage.contrast is not None
    assert [(one.id, one.scenario, one.exact) for one in leakage.contrast.overlaps] == [("c0", "g0", True)]
    assert leakage.contrast.without is not None
    assert leakage.contrast.without.share.n == 1
    console = Console(width=80, record=True, file=io.StringIO())
    for shown in evaluation_tables(evaluation):
        console.print(shown)
    text = console.export_text()
    for told in (
        "n = 31",
        "F1 beside the baselines",
        "By length",
        "By year",
        "learned from 30 of these sentences",
        "Of 4 contrast sentences it has learned from 1",
        " - ",
    ):
        assert told in text


def judgement(rng: np.random.Generator, sentences: int = 300) -> Judgement:
    """Labels a, b, and c, which no sentence carries but some are given."""
    gold = rng.random((sentences, 3)) < [0.4, 0.2, 0]
    probabilities = np.clip(np.where(gold, 0.6, 0.2) + rng.normal(0, 0.25, gold.shape), 0, 1).round(2)
    decided = Decided(probabilities, probabilities >= 0.5, abs(probabilities - 0.5) < 0.15)
    examples = [Example(str(n), "x " * (1 + n % 45), (), f"s{n // 4}") for n in range(sentences)]
    return Judgement(("a", "b", "c"), examples, gold, decided)


def test_figures_are_the_plain_ones_and_what_is_undefined_is_none() -> None:
    said = judgement(np.random.default_rng(0))
    quality = measure_quality(said, resamples_of(said, draws=200, seed=0))
    metrics = measure(said.decided, said.gold, said.labels)
    columns = zip(said.gold.T, *(array.T for array in vars(said.decided).values()), strict=True)
    for row, band, (gold, probabilities, given, uncertain) in zip(metrics.labels, metrics.bands, columns, strict=True):
        precision, recall, f1, _ = precision_recall_fscore_support(gold, given, average="binary", zero_division=0)
        ranked = average_precision_score(gold, probabilities) if gold.any() else None
        passed_over, wrong = (gold & ~given & ~uncertain).sum(), (given & ~uncertain & ~gold).sum()
        sure = (given & ~uncertain).sum()
        gap = np.array([(probabilities - gold)[probabilities == p].mean() for p in probabilities])  # of those alike
        bins = np.array_split(gap[np.argsort(probabilities, kind="stable")], 10)
        for name, wanted, plain, n in (
            ("precision", precision, row.precision, given.sum()),
            ("recall", recall, row.recall, gold.sum()),
            ("f1", f1, row.f1, gold.sum() or given.sum()),
            ("average_precision", ranked, row.average_precision, gold.sum()),
            ("brier", brier_score_loss(gold, probabilities), row.brier, 300),
            ("calibration_error", sum(abs(gaps.sum()) for gaps in bins) / 300, row.calibration_error, 300),
            ("coverage", 1 - uncertain.mean(), band.coverage, 300),
            ("passed_over", passed_over / gold.sum() if gold.any() else None, band.passed_over_rate, gold.sum()),
            ("given_wrongly", wrong / sure if sure else None, band.wrong_rate, sure),
        ):
            estimate = getattr(quality.labels[row.label], name)
            if n == 0:
                assert estimate is None
                assert not plain
            else:
                assert [estimate.value, plain] == pytest.approx([wanted, wanted])
                assert estimate.n == n
                assert estimate.low <= estimate.value <= estimate.high
    nobody = quality.labels["c"]
    assert nobody.recall is nobody.average_precision is nobody.passed_over is None
    assert nobody.precision is not None
    assert nobody.f1 is not None
    assert nobody.precision.value == nobody.f1.value == 0  # false alarms count
    assert quality.macro.f1 is not None
    assert quality.macro.f1.value == pytest.approx(metrics.macro_f1)
    assert quality.micro.f1 is not None
    micro = f1_score(said.gold, said.decided.carried, average="micro")
    assert [quality.micro.f1.value, metrics.micro_f1] == pytest.approx([micro, micro])
    assert quality.exact_match.value == (said.decided.carried == said.gold).all(axis=1).mean()
    assert (quality.n, quality.documents) == (300, 75)


def test_slices_have_the_figures_of_their_sentences() -> None:
    said = judgement(np.random.default_rng(1))
    resamples = resamples_of(said, draws=100, seed=0)
    columns = {
        "length": lengths([example.text for example in said.examples]),
        "half": ["ab"[n > 200] for n in range(300)],
    }
    slices = measure_slices(said, resamples, columns, "These sentences")
    assert [part.value for part in slices] == [
        *("1-10 words", "11-20 words", "21-30 words", "31-40 words", "41+ words"),
        *("a", "b"),
    ]
    second = said.among(np.arange(300) > 200)
    wanted = measure_quality(second, resamples_of(second, draws=100, seed=0))
    part = slices[-1]
    assert (part.n, part.documents, part.small) == (99, 25, False)
    for one, other in ((part.labels["a"].f1, wanted.labels["a"].f1), (part.macro.recall, wanted.macro.recall)):
        assert one is not None
        assert other is not None
        assert (one.value, one.n, one.clusters) == (pytest.approx(other.value), other.n, other.clusters)
    assert part.exact_match.value == wanted.exact_match.value


def test_confusion_tells_right_labels_from_wrong_ones_beside_them() -> None:
    gold = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool)
    given = np.array([[1, 1], [0, 1], [0, 0], [1, 0]], dtype=bool)
    decided = Decided(given.astype(float), given, np.zeros_like(given))
    said = Judgement(("a", "b"), [Example(str(n), "x", (), str(n)) for n in range(4)], gold, decided)
    a, b, none = measure_confusion(said, resamples_of(said, draws=50, seed=0))
    shares = [{name: one.value for name, one in kind.items()} for kind in (a.given, a.wrongly)]
    assert shares == [{"a": 0.5, "b": 1, "(none)": 0}, {"a": 0, "b": 0.5, "(none)": 0}]
    assert b.wrongly["(none)"].value == 0.5
    assert (none.n, none.wrongly["a"].value, none.given["(none)"].value) == (1, 1, 0)


def test_a_column_that_no_sentence_has_is_told(tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    config = EvaluateConfig(
        model=TrainedModelConfig(path=str(tiny_model)),
        data=DataConfig(test=str(tiny_data)),
        by=["genre"],
        output=str(tmp_path / "e.json"),
    )
    with pytest.raises(DataError, match="no column 'genre'"):
        evaluate(config)


def test_a_model_whose_training_data_are_gone_is_judged_without_tfidf(
    tiny_config: TrainConfig, tiny_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "train.jsonl"
    copy.write_text(tiny_data.read_text())
    tiny_config.data = DataConfig(train=str(copy), test=str(tiny_data))
    train(tiny_config, tmp_path / "model")
    caplog.clear()
    config = EvaluateConfig(
        model=TrainedModelConfig(path=str(tmp_path / "model")),
        data=tiny_config.data,
        draws=20,
        output=str(tmp_path / "e.json"),
    )
    assert len(evaluate(config).baselines) == 2
    assert not caplog.records
    copy.write_text("".join(tiny_data.read_text().splitlines(keepends=True)[:40]))
    assert len(evaluate(config).baselines) == 2
    assert "are not those that the model learned from" in caplog.text
    copy.unlink()
    assert list(evaluate(config).baselines) == ["keyword list"]
    assert "TF-IDF is left out" in caplog.text


def test_data_with_labels_that_the_model_does_not_know_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("text,labels\nx,threat\n")
    data = DataConfig(train=str(tmp_path / "other.csv"), test=str(tmp_path / "other.csv"))
    with pytest.raises(DataError, match="unknown label 'threat'"):
        evaluate(
            EvaluateConfig(model=TrainedModelConfig(path=str(tiny_model)), data=data, output=str(tmp_path / "e.json"))
        )


def test_data_are_not_written_over(tiny_model: Path, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "test.jsonl", [{"text": "They deny it.", "labels": ["denial"]}] * 2)
    before = path.read_bytes()
    data, model = DataConfig(test=str(path)), TrainedModelConfig(path=str(tiny_model))
    with pytest.raises(ConfigError, match=r"data\.test and output are both"):
        evaluate(EvaluateConfig(model=model, data=data, output=str(path)))
    assert path.read_bytes() == before
