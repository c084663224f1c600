"""How figures are written for people, and what they are called."""

from stance.bootstrap import Estimate

NAMES = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "average_precision": "avg. prec.",
    "brier": "Brier",
    "calibration_error": "ECE",
    "coverage": "sure",
    "passed_over": "passed over",
    "given_wrongly": "given wrongly",
}
"""Of the figures of an evaluation, by field."""


def figure(value: float | None, digits: int = 3) -> str:
    """So many digits after the point; a dash for what is undefined."""
    return "-" if value is None else f"{value:.{digits}f}"


def counted(n: int, noun: str) -> str:
    """A number and what it counts: ``1 document``, ``2,345 documents``."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def percent(share: float | None) -> str:
    """A share in hundredths, with one digit after the point; a dash for what is undefined."""
    return "-" if share is None else f"{100 * share:.1f}\u00a0%"


def with_interval(estimate: Estimate | None, digits: int = 3, ends: int = 3) -> str:
    """A figure and its interval, with so many digits after the point; * marks one from too few documents."""
    if estimate is None:
        return figure(None)
    low, high = figure(estimate.low, ends), figure(estimate.high, ends)
    return f"{figure(estimate.value, digits)} [{low}, {high}]" + "*" * estimate.small
