"""Set models of several seeds and data side by side: python scripts/study.py folder=outputs/corpus"""

from pathlib import Path

from stance.app import run
from stance.config import StudyConfig


def main(config: StudyConfig, _: Path) -> None:
    from stance.display import show
    from stance.study import study

    study(config)
    show(f"Written to {config.output}")


if __name__ == "__main__":
    run(main, StudyConfig, "study")
