"""Check the shipped data and their card: python scripts/check.py"""

from pathlib import Path

from stance.app import run
from stance.config import CheckConfig


def main(config: CheckConfig, _: Path) -> int:
    from stance.check import check
    from stance.display import report_lines, show

    report = check(config)
    show(*report_lines(report))
    return 3 if report.problems else 0


if __name__ == "__main__":
    run(main, CheckConfig, "check")
