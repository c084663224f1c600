"""Measure how fast a model labels, beside other ways to run it: python scripts/benchmark.py"""

from pathlib import Path

from stance.app import run
from stance.config import BenchmarkConfig


def main(config: BenchmarkConfig, _: Path) -> None:
    from stance.benchmark.suite import benchmark
    from stance.display import show

    for speed in benchmark(config).speeds:
        show(f"{speed.median:9,.0f} sentences/s  {speed.system}")
    show(f"Written to {config.output}")


if __name__ == "__main__":
    run(main, BenchmarkConfig, "benchmark")
