import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from stance.errors import ConfigError
from stance.labels import LABELS
from stance.predict import Predictor
from stance.teachers import ask, hash_teacher

TEXTS = ["they deny", "rain fell"]


def test_teachers_answer_with_the_mean_of_their_probabilities(
    tiny_model: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    other = with_intercept(tiny_model, tmp_path / "other", 1.0)
    expected = [tiny_predictor.predict_proba(TEXTS), Predictor.from_pretrained(other).predict_proba(TEXTS)]
    assert abs(expected[0] - expected[1]).max() > 0.05
    assert ask([str(tiny_model), str(other)], TEXTS, LABELS) == pytest.approx(np.mean(expected, axis=0), abs=1e-6)


def test_what_was_asked_is_not_asked_again_unless_teacher_or_texts_differ(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.teachers.CACHE", tmp_path / "answers")
    loaded: list[str] = []
    load = Predictor.from_pretrained
    monkeypatch.setattr(Predictor, "from_pretrained", lambda name, **way: loaded.append(name) or load(name, **way))
    first = ask([str(tiny_model)], TEXTS, LABELS)
    assert ask([str(tiny_model)], TEXTS, LABELS).tolist() == first.tolist()
    assert len(loaded) == 1
    ask([str(tiny_model)], TEXTS[::-1], LABELS)
    ask([str(with_intercept(tiny_model, tmp_path / "other", 1.0))], TEXTS, LABELS)
    assert len(loaded) == 3
    with pytest.raises(ConfigError, match="knows other labels"):
        ask([str(tiny_model)], TEXTS, ("hope", "fear"))


def test_the_same_weights_with_another_calibration_are_another_teacher(tiny_model: Path, tmp_path: Path) -> None:
    other = with_intercept(tiny_model, tmp_path / "other", 1.0)
    assert hash_teacher(str(tiny_model)) != hash_teacher(str(other))


def with_intercept(model: Path, to: Path, intercept: float) -> Path:
    """The same weights with another calibration."""
    shutil.copytree(model, to)
    content = json.loads((to / "stance.json").read_text())
    content["decision"]["maps"] = [{"kind": "logistic", "slope": 1.0, "intercept": intercept}] * len(LABELS)
    (to / "stance.json").write_text(json.dumps(content))
    return to
