"""Count labels in a corpus: python scripts/estimate.py corpus=labelled.jsonl coded=to_code.csv"""

import sys
from pathlib import Path

from stance.app import run
from stance.config import EstimateConfig


def main(config: EstimateConfig, _: Path) -> int:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import estimates_tables, show
    from stance.estimate import estimate
    from stance.figures import counted

    estimates = estimate(config)
    show(*estimates_tables(estimates))
    if config.output is not None:
        show(f"Written to {config.output}")
    if estimates.uncoded:
        sys.stderr.write(
            f"Not coded: {counted(len(estimates.uncoded), 'sentence')} of {config.coded}. The coded ones of a stratum "
            "stand for all of it, which is right if others were left at random\n"
        )
    return 2 if estimates.uncoded else 0


if __name__ == "__main__":
    run(main, EstimateConfig, "estimate")
