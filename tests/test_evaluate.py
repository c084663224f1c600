import json
from pathlib import Path

import pytest

from stance.config import DataConfig, EvaluateConfig, TrainConfig, TrainedModelConfig
from stance.data import read_examples
from stance.errors import DataError
from stance.evaluate import evaluate, judge
from stance.labels import LABELS
from stance.metrics import Metrics
from stance.predict import Predictor
from stance.train import train


def test_figures_are_those_of_the_model_s_own_decisions(tiny_predictor: Predictor, tiny_data: Path) -> None:
    examples = read_examples(tiny_data, LABELS)
    metrics = judge(tiny_predictor, examples)
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


def test_the_report_is_json_and_says_whether_the_model_was_trained_on_it(
    tiny_model: Path, tiny_data: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text("".join(tiny_data.read_text().splitlines(keepends=True)[:30]))
    config = EvaluateConfig(
        model=TrainedModelConfig(path=str(tiny_model)),
        data=DataConfig(test=str(other)),
        output=str(tmp_path / "report" / "evaluation.json"),
    )
    evaluation = evaluate(config)
    content = json.loads(Path(config.output).read_text())
    assert content["split"] == "test"
    assert Metrics.from_dict(content["metrics"]) == evaluation.metrics
    assert [band["label"] for band in content["metrics"]["bands"]] == list(LABELS)
    assert set(content["baselines"]) == {"keyword list", "TF-IDF + logistic"}
    assert not content["trained_on_it"]


def test_a_model_whose_training_data_are_gone_is_judged_without_tfidf(
    tiny_config: TrainConfig, tiny_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "train.jsonl"
    copy.write_text(tiny_data.read_text())
    tiny_config.data = DataConfig(train=str(copy), test=str(tiny_data))
    train(tiny_config, tmp_path / "model")
    caplog.clear()
    config = EvaluateConfig(
        model=TrainedModelConfig(path=str(tmp_path / "model")), data=tiny_config.data, output=str(tmp_path / "e.json")
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
