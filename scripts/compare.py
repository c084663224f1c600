"""Set two models side by side: python scripts/compare.py model.path=outputs/mine other.path=default"""

from pathlib import Path

from stance.app import run
from stance.config import CompareConfig


def main(config: CompareConfig, _: Path) -> None:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.compare import compare
    from stance.display import show
    from stance.evaluation_tables import comparison_tables

    show(*comparison_tables(compare(config)), f"Written to {config.output} and {config.changed}")


if __name__ == "__main__":
    run(main, CompareConfig, "compare")
