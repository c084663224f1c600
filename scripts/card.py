"""Write a model's card from its files and from judging it: python scripts/card.py model.path=outputs/quickstart"""

from pathlib import Path

from stance.app import run
from stance.config import CardConfig


def main(config: CardConfig, _: Path) -> None:
    from stance.display import show
    from stance.model_card import write_card

    show(f"Written to {write_card(config)}")


if __name__ == "__main__":
    run(main, CardConfig, "card")
