"""Judge a model beside two baselines: python scripts/evaluate.py model.path=outputs/quickstart"""

from pathlib import Path

from stance.app import run
from stance.config import EvaluateConfig


def main(config: EvaluateConfig, _: Path) -> None:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.display import show
    from stance.evaluate import evaluate_in_full
    from stance.evaluation_tables import evaluation_tables
    from stance.report.evaluation_report import report_evaluation, report_path

    report_path(config)  # it is told at once if no report can be written there
    evaluation, judged, predictor = evaluate_in_full(config)
    report = report_evaluation(config, evaluation, judged, predictor)
    show(*evaluation_tables(evaluation), f"Written to {config.output} and, for people, {report}")


if __name__ == "__main__":
    run(main, EvaluateConfig, "evaluate")
