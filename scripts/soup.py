"""Average the seeds of a sweep into one model: python scripts/soup.py folder=outputs/seeds name=mine"""

import os
from pathlib import Path

from stance.app import run
from stance.config import SoupConfig


def main(config: SoupConfig, folder: Path) -> None:
    from stance.display import metrics_tables, show
    from stance.metrics import Metrics
    from stance.soup import soup

    predictor = soup(config, folder)
    metrics = Metrics.from_dict(predictor.model_file.metrics["validation"])
    show(*metrics_tables(f"{config.name} on validation", metrics), f"Saved in {os.path.relpath(folder)}")


if __name__ == "__main__":
    run(main, SoupConfig, "soup")
