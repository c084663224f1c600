"""Judge a model beside two baselines: python scripts/evaluate.py model.path=outputs/quickstart"""

from pathlib import Path

from stance.app import run
from stance.config import EvaluateConfig


def main(config: EvaluateConfig, _: Path) -> None:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import contrast_table, metrics_tables, show
    from stance.evaluate import evaluate

    evaluation = evaluate(config)
    title = f"{config.model.path} on {config.split}" + " (trained on it!)" * evaluation.trained_on_it
    show(*metrics_tables(title, evaluation.metrics, evaluation.baselines))
    if evaluation.contrast:
        show(contrast_table(evaluation.contrast))
    show(f"Written to {config.output}")


if __name__ == "__main__":
    run(main, EvaluateConfig, "evaluate")
