"""Train a model: python scripts/train.py experiment=quickstart"""

import os
from pathlib import Path

from stance.app import run
from stance.config import TrainConfig


def main(config: TrainConfig, folder: Path) -> float:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import metrics_tables, show
    from stance.metrics import Metrics
    from stance.train import train

    predictor = train(config, folder)
    metrics = Metrics.from_dict(predictor.model_file.metrics["validation"])
    show(*metrics_tables(f"{config.name} on validation", metrics), f"Saved in {os.path.relpath(folder)}")
    return metrics.macro_f1


if __name__ == "__main__":
    run(main, TrainConfig, "train")
