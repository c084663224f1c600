"""How well probabilities and labels agree with gold labels, label by label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.decision import BoolArray, Decided, FloatArray
from stance.ranking import Ranking


@dataclass(frozen=True)
class LabelMetrics:
    """Quality for one label.

    Attributes:
        label: the name.
        n: sentences that carry it in the gold labels.
        precision, recall, f1: of the decision at the threshold; 0 where undefined.
        average_precision: area under the precision-recall curve, whatever the threshold; None without positives.
        calibration_error: expected calibration error over ten bins of equal size.
        brier: mean squared distance of probability and gold label (Brier 1950): calibration and sharpness together.
    """

    label: str
    n: int
    precision: float
    recall: float
    f1: float
    average_precision: float | None
    calibration_error: float
    brier: float


@dataclass(frozen=True)
class BandMetrics:
    """What is outside the uncertain band of one label, and how much of it is wrong, in counts.

    Attributes:
        label: the name.
        n: sentences.
        sure: of these, outside the band.
        positives: sentences that carry the label in the gold labels.
        passed_over: of these, the label withheld for sure.
        given: sentences given the label for sure.
        wrong: of these, without the label in the gold labels.
    """

    label: str
    n: int
    sure: int
    positives: int
    passed_over: int
    given: int
    wrong: int

    @property
    def coverage(self) -> float:
        """Share of the sentences that need no person."""
        return self.sure / self.n

    @property
    def passed_over_rate(self) -> float | None:
        """Share of the positives that are withheld for sure; None without positives."""
        return self.passed_over / self.positives if self.positives else None

    @property
    def wrong_rate(self) -> float | None:
        """Share of the labels given for sure that are wrong; None where none is given."""
        return self.wrong / self.given if self.given else None


@dataclass(frozen=True)
class Metrics:
    """Quality over a set of sentences.

    Attributes:
        n: sentences judged.
        labels: one entry per label, in the model's order.
        macro_f1: mean of the labels' F1: the headline figure.
        micro_f1: F1 over all decisions together.
        bands: one entry per label, in the model's order.
    """

    n: int
    labels: tuple[LabelMetrics, ...]
    macro_f1: float
    micro_f1: float
    bands: tuple[BandMetrics, ...]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        """Rebuilds metrics from the plain values that ``dataclasses.asdict`` gives."""
        labels = tuple(LabelMetrics(**label) for label in values["labels"])
        return cls(**{**values, "labels": labels, "bands": tuple(BandMetrics(**band) for band in values["bands"])})


@dataclass(frozen=True)
class Count:
    """What a figure is made of, sentence by sentence, each of shape (sentences, labels): ``top`` over ``bottom``.

    It is undefined where there are no ``cases``.
    """

    top: BoolArray | FloatArray
    bottom: BoolArray | FloatArray
    cases: BoolArray


def count_hits(decided: Decided, gold: BoolArray) -> dict[str, Count]:
    """What precision, recall and F1 are made of; ``gold`` is of the shape of the decisions.

    The F1 of a label that no sentence carries is 0 if it is given, and undefined if it is not.
    """
    given, right = decided.carried, decided.carried & gold
    cases = np.where(gold.any(axis=0), gold, given)
    return {
        "precision": Count(right, given, given),
        "recall": Count(right, gold, gold),
        "f1": Count(2 * right.astype(np.float64), given + gold.astype(np.float64), cases),
    }


def count_others(decided: Decided, gold: BoolArray) -> dict[str, Count]:
    """What the Brier score and the figures of the uncertain band are made of; arguments as of ``count_hits``."""
    given, sure = decided.carried, ~decided.uncertain
    every = np.ones_like(gold)
    return {
        "brier": Count((decided.probabilities - gold) ** 2, every, every),
        "coverage": Count(sure, every, every),
        "passed_over": Count(gold & ~given & sure, gold, gold),
        "given_wrongly": Count(given & ~gold & sure, given & sure, given & sure),
    }


def measure(decided: Decided, gold: BoolArray, labels: Sequence[str]) -> Metrics:
    """Judges decisions; ``gold`` has shape (sentences, labels) too, columns in the order of ``labels``.

    Every label is measured whether or not it occurs in ``gold``, so a false alarm for an absent label still counts.
    """
    counts = count_hits(decided, gold) | count_others(decided, gold)
    tops, bottoms = ({name: getattr(c, part).sum(axis=0) for name, c in counts.items()} for part in ("top", "bottom"))
    figures = {name: tops[name] / np.maximum(bottoms[name], 1) for name in ("precision", "recall", "f1", "brier")}
    outside = {
        "sure": tops["coverage"],
        "positives": bottoms["passed_over"],
        "passed_over": tops["passed_over"],
        "given": bottoms["given_wrongly"],
        "wrong": tops["given_wrongly"],
    }
    return Metrics(
        n=len(gold),
        labels=tuple(
            LabelMetrics(
                label=label,
                n=int(gold[:, column].sum()),
                average_precision=average_precision(decided.probabilities[:, column], gold[:, column]),
                calibration_error=calibration_error(decided.probabilities[:, column], gold[:, column]),
                **{name: float(values[column]) for name, values in figures.items()},
            )
            for column, label in enumerate(labels)
        ),
        macro_f1=float(np.mean(figures["f1"])),
        micro_f1=float(tops["f1"].sum() / max(bottoms["f1"].sum(), 1)),
        bands=tuple(
            BandMetrics(label, len(gold), **{name: int(found[column]) for name, found in outside.items()})
            for column, label in enumerate(labels)
        ),
    )


def average_precision(probabilities: FloatArray, gold: BoolArray) -> float | None:
    """Area under the precision-recall curve, as ``stance.ranking`` defines it; None without positives."""
    return float(Ranking(probabilities, gold).average_precision(_once(gold))[0]) if gold.any() else None


def calibration_error(probabilities: FloatArray, gold: BoolArray) -> float:
    """Expected calibration error, as ``stance.ranking`` defines it, of the sentences as they are."""
    return float(Ranking(probabilities, gold).calibration_error(_once(gold))[0])


def _once(gold: BoolArray) -> NDArray[np.int64]:
    """The sample that has each sentence once."""
    return np.ones((1, len(gold)), dtype=np.int64)
