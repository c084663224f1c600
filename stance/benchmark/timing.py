"""How long systems take: for many sentences, for one, from the start of Python; and the memory of a corpus job."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stance.benchmark.measured import Speed
from stance.benchmark.systems import CPU, System
from stance.config import BenchmarkConfig
from stance.progress import progress
from stance.tables.json_lines import json_line

_SLOW = 10
"""Systems that take a sentence at a time get one sentence of so many."""
LONG = 5
"""Corpus jobs, which load the model anew, get each sentence so often: a corpus is long."""


def time_systems(systems: Sequence[System], texts: list[str], rounds: int) -> list[Speed]:
    """How fast each system is, one after the other in each round."""
    rates: dict[str, list[float]] = {system.name: [] for system in systems}
    with progress("timing") as counter:
        counter.set(0, total=(rounds + 1) * len(systems))
        for number in range(rounds + 1):
            for system in systems:
                part = texts[::_SLOW] if system.one_by_one else texts * LONG if system.is_job else texts
                part = part if number else part[:64]  # the first round only warms up
                start = time.perf_counter()
                system.run(part)
                if number:
                    rates[system.name].append(len(part) / (time.perf_counter() - start))
                counter.advance(1, system.name)
    return [Speed(name, tuple(found)) for name, found in rates.items()]


def measure_latency(system: System, texts: Sequence[str], trials: int = 200) -> tuple[float, float]:
    """Milliseconds that a system takes for a single sentence: the middle one, and the 99th of a hundred."""
    taken = []
    for text in texts[:trials]:
        start = time.perf_counter()
        system.run([text])
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


def measure_start(config: BenchmarkConfig) -> float:
    """Seconds from the start of Python to the first answer."""
    code = (
        "from stance.predict import Predictor; "
        f"Predictor.from_pretrained({config.model.path!r}, device={CPU!r}).predict('He denied it.')"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 (this Python)
    return time.perf_counter() - start


def measure_memory(config: BenchmarkConfig, texts: Sequence[str], rows: int, temporary: Path) -> float:
    """Peak megabytes of a process that labels so many rows."""
    source = temporary / f"{rows}.jsonl"
    with source.open("w", encoding="utf-8") as file:
        file.writelines(json_line({"id": row, "text": texts[row % len(texts)]}) for row in range(rows))
    code = (
        "import sys; from stance.config import *; from stance.corpus import label; "
        f"model = TrainedModelConfig(path={config.model.path!r}, device={CPU!r}); "
        f"label(PredictConfig(model=model, input={str(source)!r}, "
        f"output={str(temporary / f'out-{rows}')!r}))\n"
        # Of its own memory: on Linux ru_maxrss begins with that of the process which started this one.
        "if sys.platform == 'linux':\n"
        "    print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
        "else:\n"
        "    import resource\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout) / 1024
