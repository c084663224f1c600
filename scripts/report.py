"""Write a report of a labelled corpus: python scripts/report.py corpus=labelled.jsonl output=report.html"""

import sys
from pathlib import Path

from stance.app import run
from stance.config import ReportConfig


def main(config: ReportConfig, _: Path) -> None:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import show
    from stance.report.corpus_report import report_corpus

    report_corpus(config)
    if config.coded is None:
        sys.stderr.write("Counted by the model alone: the intervals know nothing of its errors; coded= corrects them\n")
    show(f"Written to {config.output}")


if __name__ == "__main__":
    run(main, ReportConfig, "report")
