"""Tell whether a labelled folder was made by a model: python scripts/verify.py folder=labelled"""

from pathlib import Path

from stance.app import run
from stance.config import VerifyConfig


def main(config: VerifyConfig, _: Path) -> int:
    from stance.display import show
    from stance.figures import counted
    from stance.verify import verify

    found = verify(config)
    if found.changed:
        show(f"Files that are not what the job wrote: {', '.join(found.changed)}")
    if not found.same_weights:
        show(f"The folder names other weights than those of {config.model.path}.")
    if not found.same_decision:
        show(f"The folder names other thresholds, bands or calibration than those of {config.model.path}.")
    wanted, there = found.shards
    if there < wanted:
        show(f"Of {counted(wanted, 'shard')}, {there:,} are there: the job is unfinished, or has lost some.")
    show(
        f"Of {counted(found.n, 'sentence')} drawn, {found.n - found.different:,} had the probabilities that "
        f"{config.model.path} gives (largest difference {found.largest:.1g})."
    )
    if found.other_backend:
        show(
            f"It was labelled by {found.other_backend}, and digits may differ for it: to have the same, name that with "
            "model.backend= and model.precision=."
        )
    show(f"{config.folder} was {'' if found.holds else 'NOT '}made by {config.model.path}.")
    return 0 if found.holds else 3


if __name__ == "__main__":
    run(main, VerifyConfig, "verify")
