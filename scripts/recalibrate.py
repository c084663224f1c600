"""Fit probabilities and thresholds to your own text: python scripts/recalibrate.py data.validation=mine.csv"""

import os
from pathlib import Path

from stance.app import run
from stance.config import RecalibrateConfig


def main(config: RecalibrateConfig, folder: Path) -> None:
    from stance.display import metrics_tables, show
    from stance.metrics import Metrics
    from stance.recalibration import recalibrate

    predictor = recalibrate(config, folder)
    metrics = Metrics.from_dict(predictor.model_file.metrics["validation"])
    title = f"{config.name} on the sentences that it was fitted on"
    show(*metrics_tables(title, metrics), f"Saved in {os.path.relpath(folder)}")


if __name__ == "__main__":
    run(main, RecalibrateConfig, "recalibrate")
