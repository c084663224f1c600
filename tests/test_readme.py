"""Every block of README.md runs, in order, where a reader would run it; the two set-up commands run in .ci/run."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from stance.predict import Predictor

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(<!-- [\w-]+ -->\n)?```(bash|python)\n(.*?)```(?:\n```\n(.*?)```)?", README, re.DOTALL)


def test_the_two_set_up_commands_are_marked_for_ci() -> None:
    marked = [(mark.strip(), code) for mark, language, code, _ in BLOCKS if mark and language == "bash"]
    assert [mark for mark, _ in marked] == ["<!-- main-job -->", "<!-- tests -->"]
    assert all(len(code.strip().splitlines()) == 1 for _, code in marked)
    assert "README.md" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.trained
def test_every_other_block_runs_and_prints_what_it_says(quickstart: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    assert sum(not mark for mark, *_ in BLOCKS) >= 5
    for mark, language, code, printed in BLOCKS:
        if mark:
            continue
        command = [sys.executable, "-c", code] if language == "python" else ["bash", "-euo", "pipefail", "-c", code]
        done = subprocess.run(
            command, cwd=quickstart, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"
        if printed:
            assert numbers_apart(done.stdout) == numbers_apart(printed)


def test_the_spark_recipe_gives_what_predict_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    (recipe,) = (code for mark, _, code, _ in BLOCKS if mark.strip() == "<!-- spark -->")
    names: dict[str, Any] = {}
    exec(recipe, names)  # noqa: S102 (our own README)
    rows = names["labelled"].select("text", "probabilities").limit(50).collect()
    names["spark"].stop()
    expected = Predictor.from_pretrained().predict_proba([row["text"] for row in rows])
    assert np.array([row["probabilities"] for row in rows]) == pytest.approx(expected, abs=1e-5)


def numbers_apart(text: str) -> str:
    """The text without digits after a decimal point: weights, and so last digits, differ between processors."""
    return re.sub(r"\d\.\d+", "#", text).strip()
