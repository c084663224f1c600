"""The page that tells what was measured, on what."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from stance.benchmark.measured import Benchmark, Speed
from stance.benchmark.sentences import UNLABELLED
from stance.benchmark.systems import PIPELINE
from stance.benchmark.timing import LONG
from stance.config import BenchmarkConfig
from stance.markdown import table

_COLUMNS = ("system", "sentences/s, median", "least to most", f"ratio to {PIPELINE}")


def page(found: Benchmark, config: BenchmarkConfig) -> Iterator[str]:
    """The lines of the page, in Markdown."""
    packages = ["torch", "transformers", "onnxruntime", "sentence-transformers", "setfit", "tokenizers"]
    packages += ["openvino"] * (find_spec("openvino") is not None)
    usual = BenchmarkConfig()
    command = "python scripts/benchmark.py"
    for name, value, before in (
        ("model.path", config.model.path, usual.model.path),
        ("sentences", config.sentences, usual.sentences),
        ("rounds", config.rounds, usual.rounds),
    ):
        if value != before:
            command += f" {name}={value}"
    if config.memory_rows != usual.memory_rows:
        command += f" 'memory_rows=[{','.join(map(str, config.memory_rows))}]'"
    yield "# Speed\n"
    yield f"{found.hardware}; {', '.join(f'{name} {version(name)}' for name in packages)}.\n"
    yield f"```\n{command}\n```\n"
    ceilings = ", ".join(f"{most:.0f} ({kind.name})" for kind, most in found.ceilings.items())
    yield (
        f"{found.sentences:,} sentences as long as real ones ({found.tokens:.1f} tokens on average), "
        f"{config.rounds} rounds, the systems one after\nthe other in each. All run the same encoder. A corpus job "
        f"loads the model and labels each sentence {LONG} times. The ceiling is the most\nthat bare matrix products "
        f"reach on the same cores: {ceilings} billion multiply-adds a second.\n"
    )
    yield from table(
        (*_COLUMNS, "of the ceiling"),
        (
            (*row, f"{found.reached[speed.system]:.0%}")
            for speed, row in zip(found.speeds, _rows(found.speeds), strict=True)
        ),
    )
    if found.news:
        yield "\n## Most of them without a label\n"
        yield (
            f"{found.sentences:,} {found.told}, drawn so that {UNLABELLED:.0%} carry no label. The sieve settles "
            f"{found.settled:.0%} of them.\n"
        )
        yield from table(_COLUMNS, _rows(found.news))
    yield "\n## One sentence\n"
    yield from table(
        ("system", "ms, median", "ms, 99th of a hundred"),
        ((name, f"{middle:.1f}", f"{late:.1f}") for name, (middle, late) in found.latencies.items()),
    )
    yield (
        f"\nFrom the start of Python to the first answer: {np.median(found.starts):.2f} s "
        f"(median of {len(found.starts)} processes, {min(found.starts):.2f} to {max(found.starts):.2f})."
    )
    if found.memory:
        yield "\n## Memory of a corpus job\n"
        yield from table(("rows", "peak MB"), ((rows, f"{size:,.0f}") for rows, size in found.memory.items()))


def _rows(speeds: Sequence[Speed]) -> Iterator[tuple[str, ...]]:
    base = next(speed.median for speed in speeds if speed.system == PIPELINE)
    for speed in speeds:
        least_to_most = f"{min(speed.rates):,.0f} to {max(speed.rates):,.0f}"
        yield speed.system, f"{speed.median:,.0f}", least_to_most, f"{speed.median / base:.2f}"
