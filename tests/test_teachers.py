import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from stance.config import Precision
from stance.decision import FloatArray
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


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sentences that teachers are asked about, three at a time, each time they are."""
    monkeypatch.setattr("stance.teachers.CACHE", tmp_path / "answers")
    monkeypatch.setattr("stance.teachers._TOGETHER", 3)
    heard: list[str] = []
    predict_proba = Predictor.predict_proba

    def hear(self: Predictor, texts: Sequence[str]) -> FloatArray:
        if "power cut" in texts:
            raise KeyboardInterrupt
        heard.extend(texts)
        return predict_proba(self, texts)

    monkeypatch.setattr(Predictor, "predict_proba", hear)
    return heard


def test_a_teacher_is_asked_about_a_sentence_once(tiny_model: Path, tmp_path: Path, asked: list[str]) -> None:
    first = ask([str(tiny_model)], TEXTS, LABELS)
    assert ask([str(tiny_model)], TEXTS, LABELS).tolist() == first.tolist()
    assert asked == TEXTS
    again = ask([str(tiny_model)], ["snow fell", *TEXTS[::-1], "snow fell"], LABELS)
    assert again[[2, 1]].tolist() == first.tolist()
    assert again[0].tolist() == again[3].tolist()
    assert asked == [*TEXTS, "snow fell"]
    other = str(with_intercept(tiny_model, tmp_path / "other", 1.0))
    assert abs(ask([other], TEXTS, LABELS) - first).max() > 0.05
    assert asked == [*TEXTS, "snow fell", *TEXTS]
    assert ask([other], [], LABELS).shape == (0, len(LABELS))
    with pytest.raises(ConfigError, match="knows other labels"):
        ask([str(tiny_model)], TEXTS, ("hope", "fear"))


def test_what_it_says_in_another_precision_is_kept_apart(tiny_model: Path, asked: list[str]) -> None:
    exact = ask([str(tiny_model)], TEXTS, LABELS)
    rounded = ask([str(tiny_model)], TEXTS, LABELS, Precision.bf16)
    assert asked == [*TEXTS, *TEXTS]
    assert 0 < abs(rounded - exact).max() < 0.02
    assert ask([str(tiny_model)], TEXTS, LABELS).tolist() == exact.tolist()


def test_what_a_teacher_said_before_a_run_was_killed_is_not_lost(tiny_model: Path, asked: list[str]) -> None:
    texts = [f"they deny {n}" for n in range(6)]
    with pytest.raises(KeyboardInterrupt):
        ask([str(tiny_model)], [*texts[:4], "power cut", texts[5]], LABELS)
    assert asked == texts[:3]
    assert ask([str(tiny_model)], texts, LABELS).shape == (6, len(LABELS))
    assert asked == texts


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
