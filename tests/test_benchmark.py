import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from stance.benchmark.sentences import WORDS, make_sentences
from stance.benchmark.suite import benchmark
from stance.benchmark.systems import PIPELINE
from stance.config import BenchmarkConfig, ExportConfig, SieveConfig, TrainedModelConfig
from stance.export import export
from stance.sieve_learning import learn_sieve


def test_made_sentences_are_as_long_as_real_ones_and_always_the_same() -> None:
    texts = make_sentences(4000, str(ROOT / "data/written/test.jsonl"))
    lengths = [len(text.split()) for text in texts]
    wanted = np.quantile(WORDS, [0.25, 0.5, 0.75])
    assert np.quantile(lengths, [0.25, 0.5, 0.75]) == pytest.approx(wanted, abs=1.5)
    assert texts == make_sentences(4000, str(ROOT / "data/written/test.jsonl"))


def test_every_system_is_timed_on_the_same_sentences(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("setfit")
    monkeypatch.setattr("stance.export.MOST_FLIPS", 1.0)
    monkeypatch.setattr("shutil.which", lambda _: None)
    model = TrainedModelConfig(path=str(shutil.copytree(tiny_model, tmp_path / "model")))  # others share the first
    export(ExportConfig(model=model))
    learn_sieve(SieveConfig(model=model, loss=0.3, variants=1, passes=1, held_out=0.5, width=4, channels=4))
    config = BenchmarkConfig(
        model=model,
        source=str(ROOT / "data/written/test.jsonl"),
        references=str(tmp_path),
        sentences=32,
        rounds=2,
        memory_rows=[50],
        output=str(tmp_path / "speed.md"),
    )
    found = benchmark(config)
    systems = [speed.system for speed in found.speeds]
    assert {"stance, ONNX Runtime, fp32", "stance, ONNX Runtime, int8", "stance, OpenVINO, fp32"} < set(systems)
    assert all(len(speed.rates) == 2 and min(speed.rates) > 0 for speed in found.speeds)
    assert 10 < found.memory[50] < 4000
    cascades = [speed.system for speed in found.news if speed.system.endswith(", cascade")]
    assert [name.removesuffix(", cascade") for name in cascades] == [name for name in systems if "stance" in name]
    assert found.told == "written test sentences"  # no real ones are there
    assert 0 <= found.settled <= 1
    text = (tmp_path / "speed.md").read_text()
    assert f"| {PIPELINE} |" in text
    rows = [line.split("|") for line in text.splitlines() if line.startswith(f"| {PIPELINE} | ")]
    assert [row[4].strip() for row in rows if len(row) > 5] == ["1.00", "1.00"]  # of all, and of those with the cascade
