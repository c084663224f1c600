"""Judge a model beside two baselines: python scripts/evaluate.py model.path=outputs/quickstart"""

from pathlib import Path

from stance.app import run
from stance.config import EvaluateConfig


def main(config: EvaluateConfig, _: Path) -> None:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import show
    from stance.evaluate import evaluate
    from stance.evaluation_tables import evaluation_tables

    show(*evaluation_tables(evaluate(config)), f"Written to {config.output}")


if __name__ == "__main__":
    run(main, EvaluateConfig, "evaluate")
