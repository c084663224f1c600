"""Learn which sentences a model need not read, to label faster: python scripts/sieve.py model.path=outputs/mine"""

from pathlib import Path

from stance.app import run
from stance.config import SieveConfig


def main(config: SieveConfig, _: Path) -> None:
    from stance.display import show
    from stance.sieve_learning import learn_sieve

    learned = learn_sieve(config)
    show(
        f"Settles {learned.settled:,} of {learned.validation:,} validation sentences. Of those with a label that "
        f"{config.model.path} finds and that were kept from learning, it loses:",
        *(f"  {label}: {learned.lost[label]} of {n:,}" for label, n in learned.found.items()),
    )


if __name__ == "__main__":
    run(main, SieveConfig, "sieve")
