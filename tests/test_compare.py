import json
import shutil
from pathlib import Path

import pytest

from stance.compare import compare
from stance.config import CompareConfig, DataConfig, TrainedModelConfig
from stance.data import read_examples
from stance.errors import ConfigError
from stance.labels import LABELS
from stance.predict import Predictor
from stance.tables.reading import read_rows
from stance.tables.rows import GoodRow


@pytest.fixture
def other_model(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model with other thresholds."""
    folder = shutil.copytree(tiny_model, tmp_path / "other")
    content = json.loads((folder / "stance.json").read_text())
    content["decision"]["thresholds"] = [0.0, 1.0, *content["decision"]["thresholds"][2:]]
    (folder / "stance.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_differences_are_of_the_same_draws_and_changed_sentences_are_told(
    tiny_model: Path, tiny_data: Path, other_model: Path, tmp_path: Path, ending: str
) -> None:
    config = CompareConfig(
        model=TrainedModelConfig(path=str(tiny_model)),
        other=TrainedModelConfig(path=str(other_model)),
        data=DataConfig(test=str(tiny_data)),
        draws=100,
        output=str(tmp_path / "comparison.json"),
        changed=str(tmp_path / f"changed.{ending}"),
    )
    found = compare(config)
    assert json.loads(Path(config.output).read_text()) == json.loads(json.dumps(found.to_dict()))
    for label in LABELS:
        one, other, difference = (
            quality.labels[label].recall for quality in (found.model.quality, found.other.quality, found.difference)
        )
        assert one is not None
        assert other is not None
        assert difference is not None
        assert difference.value == pytest.approx(one.value - other.value)
        if label in LABELS[2:]:  # the same answers in every draw
            assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    examples = {example.id: example for example in read_examples(tiny_data, LABELS)}
    said = [
        {p.text: set(p.labels) for p in Predictor.from_pretrained(folder).predict([e.text for e in examples.values()])}
        for folder in (tiny_model, other_model)
    ]
    differing = {e.id for e in examples.values() if said[0][e.text] != said[1][e.text]}
    rows = [row.values for row in read_rows(Path(config.changed)) if isinstance(row, GoodRow)]
    assert {row["id"] for row in rows} == differing
    assert found.changed == len(differing) > 0
    assert sum(row["right"] == "model" for row in rows) == found.better
    assert sum(row["right"] == "other" for row in rows) == found.worse
    row = rows[0]
    gold, ours = set(examples[row["id"]].labels), said[0][row["text"]]
    assert (row["right"] == "model") == (gold == ours)
    assert float(row["model_probability_offer"]) == float(row["other_probability_offer"])


def test_what_cannot_be_compared_is_told(tiny_model: Path, tiny_data: Path, tmp_path: Path) -> None:
    config = CompareConfig(
        model=TrainedModelConfig(path=str(tiny_model)),
        other=TrainedModelConfig(path=str(tiny_model)),
        data=DataConfig(test=str(tiny_data)),
        output=str(tmp_path / "c.json"),
        changed=str(tmp_path / "c.jsonl"),
    )
    with pytest.raises(ConfigError, match="compared with itself"):
        compare(config)
