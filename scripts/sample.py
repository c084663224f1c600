"""Draw sentences to code by hand: python scripts/sample.py corpus=labelled.jsonl output=to_code.csv n=300"""

from pathlib import Path

from stance.app import run
from stance.config import SampleConfig


def main(config: SampleConfig, _: Path) -> None:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import drawn_tables, show
    from stance.sample import sample

    show(*drawn_tables(sample(config)))
    show(f"Written to {config.output}: fill in '{config.label_column}', with labels joined by commas, or none")


if __name__ == "__main__":
    run(main, SampleConfig, "sample")
