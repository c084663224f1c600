"""What a label's figures would be at other thresholds, in counts from which a page computes them."""

from dataclasses import dataclass

import numpy as np

from stance.decision import BoolArray, FloatArray

STEPS = 100
"""Thresholds between 0 and 1."""

FEW = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Those of a table that has room for few."""


@dataclass(frozen=True)
class Sweep:
    """A label at rising thresholds.

    Attributes:
        label: the name.
        positives: sentences with the label.
        own: where the model's own threshold stands among the thresholds.
        thresholds: from 0 to 1, the model's own among them.
        given: at each, the sentences given the label.
        right: of these, those that carry it.
    """

    label: str
    positives: int
    own: int
    thresholds: tuple[float, ...]
    given: tuple[int, ...]
    right: tuple[int, ...]

    def at(self, position: int) -> "Point":
        """The figures at one threshold."""
        given, right = self.given[position], self.right[position]
        return Point(
            threshold=self.thresholds[position],
            own=position == self.own,
            given=given,
            precision=right / given if given else None,
            recall=right / self.positives if self.positives else None,
            f1=2 * right / (given + self.positives) if self.positives else None,
        )

    @property
    def few(self) -> list["Point"]:
        """The figures at ``FEW`` thresholds and the model's own."""
        wanted = {position for position, value in enumerate(self.thresholds) if value in FEW}
        return [self.at(position) for position in sorted(wanted | {self.own})]


@dataclass(frozen=True)
class Point:
    """Figures at a threshold; None where undefined."""

    threshold: float
    own: bool
    given: int
    precision: float | None
    recall: float | None
    f1: float | None


def sweep(label: str, probabilities: FloatArray, gold: BoolArray, own: float) -> Sweep:
    """Counts at each threshold.

    Args:
        label: its name.
        probabilities: of it, shape (sentences,).
        gold: shape (sentences,), the sentence carries it.
        own: the model's own threshold.
    """
    thresholds = np.union1d(np.arange(STEPS + 1) / STEPS, [own])

    def reached(values: FloatArray) -> tuple[int, ...]:
        return tuple((len(values) - np.searchsorted(np.sort(values), thresholds)).tolist())

    return Sweep(
        label=label,
        positives=int(gold.sum()),
        own=int(np.searchsorted(thresholds, own)),
        thresholds=tuple(thresholds.tolist()),
        given=reached(probabilities),
        right=reached(probabilities[gold]),
    )
