"""Predictions and figures for a person at a terminal."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stance.metrics import Metrics
from stance.predict import Prediction

_COLOURS = ("green", "red", "blue", "yellow", "magenta", "cyan")


def prediction_line(prediction: Prediction) -> Text:
    """A sentence, followed by its labels in colour with their probabilities; dim where it carries none."""
    line = Text(" ".join(prediction.text.split()), style="" if prediction.labels else "dim")
    for position, label in enumerate(prediction.probabilities):
        if label in prediction.labels:
            colour = _COLOURS[position % len(_COLOURS)]
            line.append(f"  {label} {prediction.probabilities[label]:.2f}", style=f"bold {colour}")
    return line


def metrics_tables(title: str, metrics: Metrics, rivals: Mapping[str, Metrics] | None = None) -> Sequence[Table]:
    """A table of the labels' figures, and one that sets the model beside its rivals if there are any."""
    labels = Table(title=f"{title}, n = {metrics.n}", title_justify="left", box=SIMPLE_HEAD)
    labels.add_column("label")
    for heading in ("n", "precision", "recall", "F1", "avg. prec.", "calib. err."):
        labels.add_column(heading, justify="right")
    for row in metrics.labels:
        labels.add_row(
            row.label,
            str(row.n),
            *(_figure(value) for value in (row.precision, row.recall, row.f1)),
            _figure(row.average_precision),
            _figure(row.calibration_error),
        )
    labels.add_section()
    labels.add_row("macro", "", "", "", _figure(metrics.macro_f1))
    labels.add_row("micro", "", "", "", _figure(metrics.micro_f1))
    if not rivals:
        return [labels]
    comparison = Table(title="F1 beside the baselines", title_justify="left", box=SIMPLE_HEAD)
    comparison.add_column("")
    for heading in (*(row.label for row in metrics.labels), "macro", "micro"):
        comparison.add_column(heading, justify="right")
    for name, judged in {"this model": metrics, **rivals}.items():
        values = (*(row.f1 for row in judged.labels), judged.macro_f1, judged.micro_f1)
        comparison.add_row(name, *(_figure(value) for value in values))
    return [labels, comparison]


def show(*things: str | Text | Table) -> None:
    """Prints to stdout: in colour on a terminal, in plain characters into a pipe."""
    console = Console()
    for thing in things:
        console.print(thing, soft_wrap=not isinstance(thing, Table), highlight=False)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
