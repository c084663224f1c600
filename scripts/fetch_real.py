"""Get the texts of the real sentences from their public files: python scripts/fetch_real.py"""

from pathlib import Path

from stance.app import run
from stance.config import FetchConfig


def main(config: FetchConfig, _: Path) -> int:
    from stance.display import fetched_lines, show
    from stance.fetch import fetch

    fetched = fetch(config)
    show(*fetched_lines(fetched))
    return 2 if fetched.missing else 0


if __name__ == "__main__":
    run(main, FetchConfig, "fetch_real")
