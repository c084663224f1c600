"""How well probabilities and labels agree with gold labels, label by label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from stance.decision import BoolArray, Decided, FloatArray

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class LabelMetrics:
    """Quality for one label.

    Attributes:
        label: the name.
        n: sentences that carry it in the gold labels.
        precision, recall, f1: of the decision at the threshold; 0 where undefined.
        average_precision: area under the precision-recall curve, whatever the threshold; None without positives.
        calibration_error: expected calibration error over ten bins of equal size.
    """

    label: str
    n: int
    precision: float
    recall: float
    f1: float
    average_precision: float | None
    calibration_error: float


@dataclass(frozen=True)
class Metrics:
    """Quality over a set of sentences.

    Attributes:
        n: sentences judged.
        labels: one entry per label, in the model's order.
        macro_f1: mean of the labels' F1: the headline figure.
        micro_f1: F1 over all decisions together.
    """

    n: int
    labels: tuple[LabelMetrics, ...]
    macro_f1: float
    micro_f1: float

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        """Rebuilds metrics from the plain values that ``dataclasses.asdict`` gives."""
        return cls(**{**values, "labels": tuple(LabelMetrics(**label) for label in values["labels"])})


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
            )
            for column, label in enumerate(labels)
        ),
        macro_f1=float(np.mean(f1)),
        micro_f1=float(micro_f1),
    )


def calibration_error(probabilities: FloatArray, gold: BoolArray) -> float:
    """Expected calibration error: mean distance of probability and frequency over bins of equally many sentences.

    Bins of equal size rather than equal width, since most probabilities of a rare label lie near 0
    (Nixon et al. 2019, "Measuring calibration in deep learning").
    """
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, CALIBRATION_BINS) if len(part)]
    gaps = [abs(probabilities[part].mean() - gold[part].mean()) * len(part) for part in bins]
    return float(sum(gaps) / len(gold))
