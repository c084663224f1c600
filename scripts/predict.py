"""Label an article or a table: python scripts/predict.py input=data/article.txt output=labelled.jsonl"""

import sys
from pathlib import Path

from stance.app import run
from stance.config import PredictConfig


def main(config: PredictConfig, _: Path) -> int:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.corpus import label, rejects_of
    from stance.display import prediction_line, show
    from stance.figures import counted

    on_screen = sys.stdout.isatty()
    counts = label(config, show=(lambda prediction: show(prediction_line(prediction))) if on_screen else None)
    if config.output or on_screen:
        labelled = f"{counted(counts.sentences, 'sentence')} labelled"
        sys.stderr.write(f"{labelled}: {counts.carried}; {counts.uncertain} to look at\n")
    if counts.set_aside:
        where = rejects_of(config)
        told = "" if where is None else f", in {where}"
        sys.stderr.write(f"Set aside: {counted(counts.set_aside, 'row')} that could not be labelled{told}\n")
    return 2 if counts.set_aside else 0


if __name__ == "__main__":
    run(main, PredictConfig, "predict")
