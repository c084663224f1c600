import re
import shutil
import sys
from pathlib import Path

import pytest
from conftest import write_jsonl
from sklearn.metrics import f1_score

from stance.config import Baseline, ComparisonConfig, DataConfig, StudyConfig, TrainConfig
from stance.data import read_examples
from stance.errors import ConfigError
from stance.evaluate import judge
from stance.labels import LABELS
from stance.predict import Predictor
from stance.study import set_side_by_side, study, trained_models
from stance.train import train


def test_seeds_of_one_recipe_stand_together_beside_their_baselines(
    tiny_config: TrainConfig, tiny_data: Path, tiny_model: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    contrast = write_jsonl(
        tmp_path / "contrast.jsonl",
        [
            {"group": "g", "phenomenon": "negation", "text": "they deny", "labels": ["denial"]},
            {"group": "g", "phenomenon": "negation", "text": "rain fell", "labels": []},
        ],
    )
    shutil.copytree(tiny_model, tmp_path / "sweep" / "seed=0")
    tiny_config.seed = 1
    predictors = [tiny_predictor, train(tiny_config, tmp_path / "sweep" / "seed=1")]
    config = StudyConfig(
        folder=str(tmp_path / "sweep"),
        targets={"tiny": DataConfig(test=str(tiny_data))},
        contrast=str(contrast),
        draws=200,
        output=str(tmp_path / "study.md"),
    )
    found = study(config)
    standings = {row.system: row for row in found.targets[0].standings}
    assert list(standings) == ["keyword list", "TF-IDF + logistic", "sweep"]
    examples = read_examples(tiny_data, LABELS)
    said = [judge(predictor, examples) for predictor in predictors]
    one, other = (f1_score(run.gold, run.decided.carried, average="macro", zero_division=0) for run in said)
    assert len(standings["sweep"].runs) == 2
    assert standings["sweep"].f1["macro"].value == pytest.approx((one + other) / 2)
    assert standings["sweep"].deviation == pytest.approx(abs(one - other) / 2**0.5)
    assert standings["keyword list"].deviation is None
    members = read_examples(contrast, LABELS)
    right = [said.decided.carried == said.gold for said in (judge(predictor, members) for predictor in predictors)]
    share = sum(one.all() for one in right) / 2
    assert found.contrasted[-1].phenomena == {"negation": pytest.approx(share)}
    assert found.contrasted[-1].share.value == pytest.approx(share)
    text = (tmp_path / "study.md").read_text()
    assert "* marks those from fewer than 20" in text
    assert re.search(
        r"^\| sweep \| 2 (\| \d\.\d{3} \[\d\.\d\d, \d\.\d\d\]\* ){5}\|", text, re.MULTILINE
    )  # of 11 scenarios
    assert f"| sweep | 2 | {standings['sweep'].f1['offer'].value:.3f} [" in text
    assert "| negation (1) |" in text


def test_recipes_are_named_by_what_sets_them_apart(tiny_config: TrainConfig, tiny_data: Path, tmp_path: Path) -> None:
    for epochs in (1, 2):
        tiny_config.training.epochs = epochs
        train(tiny_config, tmp_path / "sweep" / f"data=tiny,training.epochs={epochs},seed=0")
    config = StudyConfig(
        folder=str(tmp_path / "sweep"),
        targets={"tiny": DataConfig(test=str(tiny_data))},
        contrast=None,
        draws=200,
        output=str(tmp_path / "study.md"),
    )
    systems = [row.system for row in study(config).targets[0].standings]
    baseline = "TF-IDF + logistic"  # once: both recipes learn from the same sentences
    assert systems == ["keyword list", baseline, "training.epochs=1", "training.epochs=2"]


def test_the_baselines_asked_for_learn_from_what_the_models_learned_from(
    tiny_config: TrainConfig, tiny_data: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    halves = {}
    for name in ("first", "second"):
        lines = tiny_data.read_text().splitlines(keepends=True)
        halves[name] = tmp_path / f"{name}.jsonl"
        halves[name].write_text("".join(lines[:30] if name == "first" else lines[30:]))
        tiny_config.data = DataConfig(train=str(halves[name]))
        train(tiny_config, tmp_path / "sweep" / f"data={name},seed=0")
    config = StudyConfig(
        folder=str(tmp_path / "sweep"),
        targets={"tiny": DataConfig(test=str(tiny_data))},
        baselines=[Baseline.embeddings, Baseline.plain],
        encoder=str(tiny_encoder),
        draws=200,
        output=str(tmp_path / "study.md"),
    )
    standings = {row.system: row for row in study(config).targets[0].standings}
    rivals = ("embeddings + logistic", "plain fine-tuning")
    assert list(standings) == [
        system for half in halves for system in (*(f"{rival}, data={half}" for rival in rivals), f"data={half}")
    ]
    first, second = (standings[f"embeddings + logistic, data={half}"] for half in halves)
    assert first.f1 != second.f1
    assert "| plain fine-tuning, data=second | 1 |" in (tmp_path / "study.md").read_text()


def test_sentences_that_a_model_has_learned_from_are_told(
    tiny_model: Path, tiny_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = ComparisonConfig(targets={"tiny": DataConfig(test=str(tiny_data))}, baselines=[], draws=10)
    set_side_by_side({"tiny": trained_models([tiny_model])}, config)
    assert f"{tiny_model} has learned from 60 of these 60 sentences: it does better on them." in caplog.messages


def test_a_missing_package_is_told_before_anything_is_done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "setfit", None)
    with pytest.raises(ConfigError, match="needs the setfit package"):
        set_side_by_side(
            {"mine": trained_models([tmp_path / "not even looked at"])}, ComparisonConfig(baselines=[Baseline.setfit])
        )


def test_models_of_one_name_must_differ_in_the_seed_alone(tiny_config: TrainConfig, tmp_path: Path) -> None:
    for epochs in (1, 2):
        tiny_config.training.epochs = epochs
        train(tiny_config, tmp_path / "sweep" / f"mine,seed={epochs}")
    with pytest.raises(ConfigError, match="differ in more than the seed"):
        study(StudyConfig(folder=str(tmp_path / "sweep"), output=str(tmp_path / "study.md")))


def test_models_of_one_recipe_must_differ_in_the_seed(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("one", "again"):
        shutil.copytree(tiny_model, tmp_path / "sweep" / name)
    with pytest.raises(ConfigError, match="some have the same seed"):
        study(StudyConfig(folder=str(tmp_path / "sweep"), output=str(tmp_path / "study.md")))


def test_a_folder_without_models_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There are no models in"):
        study(StudyConfig(folder=str(tmp_path), output=str(tmp_path / "study.md")))
