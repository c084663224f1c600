"""How well probabilities and labels agree with gold labels, label by label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

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


def measure(decided: Decided, gold: BoolArray, labels: Sequence[str]) -> Metrics:
    """Judges decisions; ``gold`` has shape (sentences, labels) too, columns in the order of ``labels``.

    Every label is measured whether or not it occurs in ``gold``, so a false alarm for an absent label still counts.
    """
    probabilities, carried = decided.probabilities, decided.carried
    precision, recall, f1, positives = precision_recall_fscore_support(gold, carried, average=None, zero_division=0)
    *_, micro_f1, _ = precision_recall_fscore_support(gold, carried, average="micro", zero_division=0)
    return Metrics(
        n=len(gold),
        labels=tuple(
            LabelMetrics(
                label=label,
                n=int(positives[column]),
                precision=float(precision[column]),
                recall=float(recall[column]),
                f1=float(f1[column]),
                average_precision=float(average_precision_score(gold[:, column], probabilities[:, column]))
                if positives[column]
                else None,
                calibration_error=calibration_error(probabilities[:, column], gold[:, column]),
                brier=float(np.mean((probabilities[:, column] - gold[:, column]) ** 2)),
            )
            for column, label in enumerate(labels)
        ),
        macro_f1=float(np.mean(f1)),
        micro_f1=float(micro_f1),
        bands=measure_bands(decided, gold, labels),
    )


def measure_bands(decided: Decided, gold: BoolArray, labels: Sequence[str]) -> tuple[BandMetrics, ...]:
    """Counts what is outside the band of each label, and what of that is wrong; arguments as of ``measure``."""
    withheld, given = ~decided.carried & ~decided.uncertain, decided.carried & ~decided.uncertain
    counts = {
        "sure": ~decided.uncertain,
        "positives": gold,
        "passed_over": gold & withheld,
        "given": given,
        "wrong": given & ~gold,
    }
    return tuple(
        BandMetrics(label, len(gold), **{name: int(found[:, column].sum()) for name, found in counts.items()})
        for column, label in enumerate(labels)
    )


def calibration_error(probabilities: FloatArray, gold: BoolArray) -> float:
    """Expected calibration error, as ``stance.ranking`` defines it, of the sentences as they are."""
    return float(Ranking(probabilities, gold).calibration_error(np.ones((1, len(gold)), dtype=np.int64))[0])
