"""See how often the intervals of estimate.py hold the truth: python scripts/simulate.py"""

from pathlib import Path

from stance.app import run
from stance.config import SimulateConfig


def main(config: SimulateConfig, _: Path) -> None:
    from stance.display import show
    from stance.simulation import simulate

    simulate(config)
    show(f"Written to {config.output}")


if __name__ == "__main__":
    run(main, SimulateConfig, "simulate")
