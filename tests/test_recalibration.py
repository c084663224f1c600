import json
import logging
from pathlib import Path

import numpy as np
import pytest
from conftest import Run, write_jsonl
from safetensors.numpy import load_file

from stance.config import (
    DataConfig,
    DecisionConfig,
    RecalibrateConfig,
    SieveConfig,
    ThresholdGoal,
    TrainedModelConfig,
)
from stance.data import read_examples
from stance.errors import ConfigError, DataError
from stance.labels import LABELS
from stance.leakage import find_overlaps
from stance.model_file import RECALIBRATION, ModelFile
from stance.predict import Predictor
from stance.recalibration import recalibrate
from stance.sieve_learning import learn_sieve


@pytest.fixture
def rare(tiny_data: Path, tmp_path: Path) -> Path:
    """A table like the training data, but with labels four times as rare."""
    rows = [json.loads(line) for line in tiny_data.read_text().splitlines()]
    several = [
        {"id": f"{turn}-{row['id']}", "text": f"{row['text']} {turn}", "labels": row["labels"] if turn == 0 else []}
        for turn in range(4)
        for row in rows
    ]
    return write_jsonl(tmp_path / "rare.jsonl", several)


def settings(model: Path, table: Path) -> RecalibrateConfig:
    return RecalibrateConfig(model=TrainedModelConfig(path=str(model)), data=DataConfig(validation=str(table)))


def test_probabilities_are_those_of_the_new_sentences_and_the_weights_stay(
    tiny_model: Path, rare: Path, tmp_path: Path
) -> None:
    before = Predictor.from_pretrained(tiny_model)
    after = recalibrate(settings(tiny_model, rare), tmp_path / "after")
    texts = [example.text for example in read_examples(rare, LABELS)]
    assert after.logits(texts) == pytest.approx(before.logits(texts), abs=1e-5)
    shares = np.mean([[label in example.labels for label in LABELS] for example in read_examples(rare, LABELS)], axis=0)
    assert after.predict_proba(texts).mean(axis=0) == pytest.approx(shares, abs=0.02)
    assert np.abs(before.predict_proba(texts).mean(axis=0) - shares).max() > 0.1
    one, other = (load_file(folder / "model.safetensors") for folder in (tiny_model, tmp_path / "after"))
    assert all((other[name] == array).all() for name, array in one.items())
    assert after.model_file.settings["training"] == before.model_file.settings["training"]
    assert "int8" not in after.model_file.metrics
    assert (tmp_path / "after" / "config.yaml").read_bytes() == (tiny_model / "config.yaml").read_bytes()


def test_thresholds_are_for_what_was_wanted_and_saved(tiny_model: Path, rare: Path, tmp_path: Path) -> None:
    config = settings(tiny_model, rare)
    recalibrate(config, tmp_path / "f1")
    config.decision = DecisionConfig(goal=ThresholdGoal.recall, at_least=1.0)
    recalibrate(config, tmp_path / "recall")
    found = ModelFile.read(tmp_path / "recall")
    assert found.settings["decision"]["goal"] == "recall"
    assert all(metrics["recall"] == 1 for metrics in found.metrics["validation"]["labels"])
    assert found.decision.thresholds <= ModelFile.read(tmp_path / "f1").decision.thresholds


def test_sentences_that_it_has_learned_from_are_told(
    tiny_model: Path, tiny_data: Path, rare: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recalibrate(settings(tiny_model, rare), tmp_path / "rare")
    assert "has learned from" not in caplog.text
    recalibrate(settings(tiny_model, tiny_data), tmp_path / "own")
    assert f"{tiny_model} has learned from 60 of these 60 sentences" in caplog.text


def test_the_sentences_are_no_test_any_more(tiny_model: Path, rare: Path, tmp_path: Path) -> None:
    predictor = recalibrate(settings(tiny_model, rare), tmp_path / "after")
    overlaps = find_overlaps(predictor, read_examples(rare, LABELS)[-10:])
    assert overlaps is not None
    assert len(overlaps) == 10
    assert {overlap.learned for overlap in overlaps if overlap.exact} == {RECALIBRATION}
    again = recalibrate(settings(tmp_path / "after", rare), tmp_path / "again")
    assert again.model_file.data == predictor.model_file.data


def test_no_sieve_is_learned_whose_bands_would_be_for_other_text(tiny_model: Path, rare: Path, tmp_path: Path) -> None:
    recalibrate(settings(tiny_model, rare), tmp_path / "after")
    with pytest.raises(ConfigError, match="was fitted to other text"):
        learn_sieve(SieveConfig(model=TrainedModelConfig(path=str(tmp_path / "after"))))


def test_mistakes_are_told_before_anything_is_written(
    tiny_model: Path, rare: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = settings(tiny_model, write_jsonl(tmp_path / "one.jsonl", [{"text": "they deny", "labels": ["denial"]}]))
    with pytest.raises(DataError, match=r"of 1, all or none carry offer, accusation, denial, condition"):
        recalibrate(config, tmp_path / "after")
    config.data.validation = None
    with pytest.raises(ConfigError, match=r"give data\.validation=<file>"):
        recalibrate(config, tmp_path / "after")
    assert not (tmp_path / "after").exists()
    few = [json.loads(line) for line in rare.read_text().splitlines()[:40]]
    config = settings(tiny_model, write_jsonl(tmp_path / "few.jsonl", few))
    with caplog.at_level(logging.WARNING):
        recalibrate(config, tmp_path / "after")
    assert "Few of the 40 sentences carry a label, or lack it, and its threshold is rough: offer" in caplog.text
    with pytest.raises(ConfigError, match=r"holds a model.*overwrite=true"):
        recalibrate(config, tmp_path / "after")


def test_the_script(tiny_model: Path, rare: Path, tmp_path: Path, run_script: Run) -> None:
    folder = tmp_path / "after"
    done = run_script(
        "recalibrate.py", f"model.path={tiny_model}", f"data.validation={rare}", f"hydra.run.dir={folder}", "name=ours"
    )
    assert done.returncode == 0, done.stderr
    assert "ours on the sentences that it was fitted on" in done.stdout
    assert Predictor.from_pretrained(folder).predict("they deny").text == "they deny"
