import sys
from pathlib import Path

import pytest
from rich.console import Console

from stance import app
from stance.config import PredictConfig
from stance.display import metrics_tables, prediction_line
from stance.errors import DataError
from stance.metrics import BandMetrics, LabelMetrics, Metrics
from stance.predict import Prediction


def ending(task, overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of a script with this task and these overrides."""
    monkeypatch.setattr(sys, "argv", ["predict.py", *overrides])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.delenv("HYDRA_FULL_ERROR")
    with pytest.raises(SystemExit) as end:
        app.run(task, PredictConfig, "predict")
    return int(end.value.code or 0)


def test_the_task_gets_its_config_and_gives_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[PredictConfig] = []

    def task(config: PredictConfig, folder: Path) -> int:
        seen.append(config)
        return 2

    assert ending(task, ["input=a.txt", "+thresholds.offer=0.3"], monkeypatch) == 2
    assert seen == [PredictConfig(input="a.txt", thresholds={"offer": 0.3})]
    assert ending(lambda config, folder: None, ["input=a.txt"], monkeypatch) == 0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DataError("The file is bad:", ["a:1: this", "a:2: that"]), "The file is bad:\n  a:1: this\n  a:2: that\n"),
        (PermissionError(13, "Permission denied", "x.txt"), "x.txt: Permission denied.\n"),
        (OSError(28, "No space left on device"), "The system: No space left on device.\n"),
    ],
)
def test_expected_errors_become_one_message(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def task(config: PredictConfig, folder: Path) -> None:
        raise error

    assert ending(task, ["input=a.txt"], monkeypatch) == 1
    assert capsys.readouterr().err == told


def test_a_defect_of_ours_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def task(config: PredictConfig, folder: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ending(task, ["input=a.txt"], monkeypatch)


def test_an_interrupted_run_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def task(config: PredictConfig, folder: Path) -> None:
        raise KeyboardInterrupt

    assert ending(task, ["input=a.txt"], monkeypatch) == 130
    assert "Run it again" in capsys.readouterr().err


def test_a_labelled_sentence_shows_its_labels_in_colour_and_an_unlabelled_one_is_dim() -> None:
    probabilities = {"offer": 0.9, "denial": 0.1}
    line = prediction_line(Prediction("Two\nlines.", ("offer",), probabilities, uncertain=(), truncated=False))
    assert line.plain == "Two lines.  offer 0.90"
    assert [str(span.style) for span in line.spans] == ["bold green"]
    assert prediction_line(Prediction("Nothing.", (), probabilities, uncertain=(), truncated=False)).style == "dim"


def test_an_uncertain_label_has_a_question_mark_given_or_not() -> None:
    probabilities = {"offer": 0.6, "accusation": 0.9, "denial": 0.2}
    labels, uncertain = ("offer", "accusation"), ("offer", "denial")
    line = prediction_line(Prediction("A.", labels, probabilities, uncertain=uncertain, truncated=False))
    assert line.plain == "A.  offer 0.60?  accusation 0.90  denial 0.20?"
    assert [str(span.style) for span in line.spans] == ["bold green", "bold red", "dim blue"]


def test_tables_show_every_label_within_a_terminal_s_width() -> None:
    offer = LabelMetrics("offer", 494, 0.5, 0.25, 1 / 3, 0.4, 0.01, 0.0625)
    accusation = LabelMetrics("accusation", 0, 0.0, 0.0, 0.0, None, 0.0, 0.0)
    bands = (BandMetrics("offer", 3829, 3446, 494, 26, 512, 25), BandMetrics("accusation", 10, 5, 0, 0, 0, 0))
    metrics = Metrics(10, (offer, accusation), 0.167, 0.2, bands)
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    for table in metrics_tables("mine", metrics):
        console.print(table)
    text = console.export_text()
    assert "mine, n = 10" in text
    assert text.count("accusation") == 2, "a label is cut short"
    for shown in ("0.333", "0.167", " - ", "Brier", "0.062", "0.900 (3446 of 3829)", "- (0 of 0)"):
        assert shown in text
