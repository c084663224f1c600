"""Write the graph that runs a model without torch: python scripts/export.py model.path=outputs/quickstart"""

from pathlib import Path

from stance.app import run
from stance.config import ExportConfig


def main(config: ExportConfig, _: Path) -> None:
    from stance.display import show
    from stance.export import export

    show(f"Saved {' and '.join(map(str, export(config)))}")


if __name__ == "__main__":
    run(main, ExportConfig, "export")
