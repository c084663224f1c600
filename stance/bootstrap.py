"""Intervals by the cluster bootstrap: whole documents are drawn again, since sentences of one are not independent.

Percentile intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13) over clusters (Field
and Welsh 2007, "Bootstrapping clustered data").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stance.decision import BoolArray, FloatArray

LEVEL = 0.95
FEW = 20
"""Clusters below which percentile intervals come out too narrow."""


@dataclass(frozen=True)
class Estimate:
    """A figure and the 95 % interval around it.

    Attributes:
        value: of the sample; None where undefined, as a precision is where no label was given.
        low, high: the interval; None where the value is.
        n: of the cases that the figure is a share or a mean of.
        clusters: documents, scenarios or groups that these cases are from.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int

    @property
    def small(self) -> bool:
        """Whether there are too few clusters to lean on the interval."""
        return self.clusters < FEW


def estimate_f1(
    runs: Sequence[BoolArray], gold: BoolArray, clusters: Sequence[str], *, draws: int, seed: int
) -> list[Estimate]:
    """F1 of each label and, last, their macro mean; each is the mean over the runs, as is each draw of it.

    Args:
        runs: what each of several models carries, of shape (sentences, labels).
        gold: what the sentences do carry, of the same shape.
        clusters: the document of each sentence.
        draws: bootstrap samples.
        seed: of the draws.
    """
    counts = np.stack([_per_cluster(np.concatenate([run & gold, run, gold], axis=1), clusters) for run in runs])
    right, found, wanted = np.split(counts, 3, axis=2)

    def f1(times: NDArray[np.int64]) -> FloatArray:  # (draws, clusters) -> (draws, labels + 1)
        sums = [np.einsum("dc,rcl->drl", times, part) for part in (right, found, wanted)]
        per_run = 2 * sums[0] / np.maximum(sums[1] + sums[2], 1)
        labels: FloatArray = per_run.mean(axis=1)
        return np.column_stack([labels, labels.mean(axis=1)])

    return _estimates(f1, counts.shape[1], draws, seed)


def estimate_share(runs: Sequence[BoolArray], *, draws: int, seed: int) -> Estimate:
    """Share of True in the mean over runs, each an array of independent answers."""
    right = np.mean(np.stack(runs), axis=0)
    return _estimates(lambda times: (times @ right / len(right))[:, None], len(right), draws, seed)[0]


def estimate_means(values: FloatArray, clusters: Sequence[str], *, draws: int, seed: int) -> list[Estimate]:
    """Mean of each column of numbers; those drawn with the same seed belong together, draw by draw.

    Args:
        values: shape (sentences, columns).
        clusters: the document of each sentence.
        draws: bootstrap samples.
        seed: of the draws.
    """
    sums = _per_cluster(np.column_stack([values, np.ones(len(values))]), clusters)

    def mean(times: NDArray[np.int64]) -> FloatArray:  # (draws, clusters) -> (draws, columns)
        totals = times @ sums
        return totals[:, :-1] / totals[:, -1:]

    return _estimates(mean, len(sums), draws, seed)


def _per_cluster(columns: BoolArray | FloatArray, clusters: Sequence[str]) -> FloatArray:
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((len(names), columns.shape[1]))
    np.add.at(sums, where, columns)
    return sums


def _estimates(statistic: Callable[[NDArray[np.int64]], FloatArray], n: int, draws: int, seed: int) -> list[Estimate]:
    """The statistic of the sample as it is, and its spread when its ``n`` members are drawn again with repetition."""
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(statistic(times), [tail, 100 - tail], axis=0)
    values = statistic(np.ones((1, n), dtype=np.int64))[0]
    return [Estimate(float(v), float(lo), float(hi), n, n) for v, lo, hi in zip(values, low, high, strict=True)]
