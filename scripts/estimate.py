"""Count labels in a corpus: python scripts/estimate.py corpus=labelled.jsonl coded=to_code.csv"""

import sys
from pathlib import Path

from stance.app import run
from stance.config import EstimateConfig


def main(config: EstimateConfig, _: Path) -> int:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import estimates_tables, show
    from stance.estimate import estimate

    estimates = estimate(config)
    show(*estimates_tables(estimates))
    if config.output is not None:
        show(f"Written to {config.output}")
    if estimates.uncoded:
        sys.stderr.write(
            f"{len(estimates.uncoded)} sentences of {config.coded} are not coded; the coded ones of their stratum "
            "stand for them, which is right if they were left at random\n"
        )
    return 2 if estimates.uncoded else 0


if __name__ == "__main__":
    run(main, EstimateConfig, "estimate")
