"""How far readers who labelled the same sentences agree, label by label: two or more, and not all need read all."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np
from numpy.typing import NDArray

PAIR = 2
"""Readers that it takes to agree or not."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of readers on one label, over the sentences that at least two of them read.

    Attributes:
        label: the name.
        n: those sentences.
        given: to how many of them each reader gave the label.
        f1: of one reader against another, over all pairs of readers together: the positive specific agreement of
            Cicchetti & Feinstein (1990), which for two readers is F1. 0 where nobody gave the label.
        alpha: Krippendorff's alpha for nominal data; None where the label was given always or never.
    """

    label: str
    n: int
    given: tuple[int, ...]
    f1: float
    alpha: float | None


def agreement(readings: Sequence[Sequence[Collection[str] | None]], labels: Sequence[str]) -> tuple[Agreement, ...]:
    """Compares readings of the same sentences, given in the same order.

    Args:
        readings: for each reader, the labels of each sentence; None where the reader did not read it.
        labels: the names to compare.
    """
    return tuple(_on_label(label, _ratings(readings, label)) for label in labels)


def _ratings(readings: Sequence[Sequence[Collection[str] | None]], label: str) -> NDArray[np.float64]:
    """1 where a reader gave the label, 0 where not, NaN where the sentence was not read: shape (readers, sentences)."""
    rows = [[np.nan if found is None else float(label in found) for found in reading] for reading in readings]
    ratings = np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)
    shared: NDArray[np.float64] = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= PAIR]
    return shared


def _on_label(label: str, ratings: NDArray[np.float64]) -> Agreement:
    readers, given = (~np.isnan(ratings)).sum(axis=0), np.nansum(ratings, axis=0)
    # Of a sentence's k readers m gave the label: m(m-1) ordered pairs agree on it, of m(k-1) that begin with one of m.
    agreeing, beginning = (given * (given - 1)).sum(), (given * (readers - 1)).sum()
    varied = 0 < given.sum() < readers.sum()
    return Agreement(
        label=label,
        n=ratings.shape[1],
        given=tuple(int(count) for count in np.nansum(ratings, axis=1)),
        f1=float(agreeing / beginning) if beginning else 0.0,
        alpha=float(krippendorff.alpha(ratings, level_of_measurement="nominal")) if varied else None,
    )
