"""Intervals by the cluster bootstrap: whole documents are drawn again, since sentences of one are not independent.

Percentile intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13) over clusters (Field
and Welsh 2007, "Bootstrapping clustered data"). A sample is told by how often each cluster is in it, so that figures
are computed from sums over clusters, or from weighted sentences, for many samples at once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stance.decision import BoolArray, FloatArray

LEVEL = 0.95
FEW = 20
"""Clusters below which intervals come out too narrow."""

Times = NDArray[np.int64]
"""How often each cluster is in each of several samples, of shape (samples, clusters)."""
Statistic = Callable[[Times], FloatArray]
"""Figures of samples, of shape (samples, figures); nan where a sample leaves one undefined."""

_CELLS = 1 << 21
"""Numbers that a statistic may hold for each of its arrays at a time."""


@dataclass(frozen=True)
class Estimate:
    """A figure and the 95 % interval around it.

    Attributes:
        value: of the sample.
        low, high: the interval.
        n: of the cases that the figure is a share or a mean of.
        clusters: documents, scenarios or groups that these cases are from.
        small: whether there are too few clusters to lean on the interval.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int
    small: bool


class Clusters:
    """Which sentences are from one document.

    Args:
        documents: of each sentence.
    """

    def __init__(self, documents: Sequence[str]) -> None:
        names, where = np.unique(np.asarray(documents), return_inverse=True)
        self.n = len(names)
        self.where: NDArray[np.int64] = where
        """Shape (sentences,): the number of each sentence's cluster."""

    def sums(self, columns: BoolArray | FloatArray) -> FloatArray:
        """Sums over the sentences of each cluster, of shape (clusters, columns), of an array (sentences, columns)."""
        sums = np.zeros((self.n, columns.shape[1]))
        np.add.at(sums, self.where, columns)
        return sums


@dataclass(frozen=True)
class Cases:
    """What figures are shares or means of; both of shape (figures,)."""

    n: NDArray[np.int64]
    clusters: NDArray[np.int64]

    @classmethod
    def of(cls, counts: FloatArray) -> "Cases":
        """From the cases of each figure in each cluster, of shape (clusters, figures)."""
        return cls(counts.sum(axis=0).astype(np.int64), (counts > 0).sum(axis=0))


def estimate(
    statistic: Statistic, clusters: int, cases: Cases, *, draws: int, seed: int, width: int = 0, shares: bool = True
) -> list[Estimate | None]:
    """Figures of the sample as it is, and their spread when its clusters are drawn again with repetition.

    None stands for a figure that is undefined, as a precision is where no label was given; draws that leave one
    undefined are left out of its interval.

    Args:
        statistic: the figures.
        clusters: how many there are.
        cases: what each figure is of.
        draws: bootstrap samples; those of the same clusters and seed are the same.
        seed: of the draws.
        width: numbers that the statistic holds for each sample, if more than clusters.
        shares: figures lie between 0 and 1. Where one is 0 or 1, hardly any draw differs from it; the interval is then
            that of none, or all, of as many independent clusters (Clopper and Pearson 1934).
    """
    values = statistic(np.ones((1, clusters), dtype=np.int64))[0]
    drawn = np.concatenate([statistic(times) for times in _samples(clusters, draws, seed, max(width, clusters))])
    tail = 100 * (1 - LEVEL) / 2
    undefined = np.isnan(drawn)
    percentile = np.nanpercentile if undefined.any() else np.percentile
    drawn[:, np.isnan(values)] = 0  # of these there is no percentile, nor need there be
    low, high = percentile(drawn, [tail, 100 - tail], axis=0)
    if shares:
        beyond = (tail / 100) ** (1 / np.maximum(cases.clusters, 1))
        low, high = np.where(values == 1, beyond, low), np.where(values == 0, 1 - beyond, high)
    columns = (values.tolist(), low.tolist(), high.tolist(), cases.n.tolist(), cases.clusters.tolist())
    return [
        None if np.isnan(value) else Estimate(value, lo, hi, n, of, of < FEW)
        for value, lo, hi, n, of in zip(*columns, strict=True)
    ]


def estimate_f1(
    runs: Sequence[BoolArray], gold: BoolArray, documents: Sequence[str], *, draws: int, seed: int
) -> list[Estimate]:
    """F1 of each label and, last, their macro mean; each is the mean over the runs, as is each draw of it.

    An F1 that is undefined counts as 0.

    Args:
        runs: what each of several models carries, of shape (sentences, labels).
        gold: what the sentences do carry, of the same shape.
        documents: of each sentence.
        draws: bootstrap samples.
        seed: of the draws.
    """
    clusters = Clusters(documents)
    counts = np.stack([clusters.sums(np.concatenate([run & gold, run, gold], axis=1)) for run in runs])
    right, found, wanted = np.split(counts, 3, axis=2)

    def f1(times: Times) -> FloatArray:
        sums = [np.einsum("dc,rcl->drl", times, part) for part in (right, found, wanted)]
        per_run = 2 * sums[0] / np.maximum(sums[1] + sums[2], 1)
        labels: FloatArray = per_run.mean(axis=1)
        return np.column_stack([labels, labels.mean(axis=1)])

    labels = Cases.of(wanted[0])
    cases = Cases(*(np.append(counted, counted.min()) for counted in (labels.n, labels.clusters)))
    return _defined(estimate(f1, clusters.n, cases, draws=draws, seed=seed))


def estimate_share(runs: Sequence[BoolArray], *, draws: int, seed: int) -> Estimate:
    """Share of True in the mean over runs, each an array of independent answers."""
    right = np.mean(np.stack(runs), axis=0)[:, None]
    n = len(right)
    cases = Cases.of(np.ones((n, 1)))
    return _defined(estimate(lambda times: times @ right / n, n, cases, draws=draws, seed=seed))[0]


def estimate_means(values: FloatArray, documents: Sequence[str], *, draws: int, seed: int) -> list[Estimate]:
    """Mean of each column of numbers; those drawn with the same seed belong together, draw by draw.

    Args:
        values: shape (sentences, columns).
        documents: of each sentence.
        draws: bootstrap samples.
        seed: of the draws.
    """
    clusters = Clusters(documents)
    sums, counts = clusters.sums(values), clusters.sums(np.ones_like(values))

    def means(times: Times) -> FloatArray:
        return (times @ sums) / (times @ counts)

    return _defined(estimate(means, clusters.n, Cases.of(counts), draws=draws, seed=seed, shares=False))


def _defined(estimates: list[Estimate | None]) -> list[Estimate]:
    return [one for one in estimates if one is not None]


def _samples(clusters: int, draws: int, seed: int, width: int) -> Iterator[Times]:
    """The draws, as many at a time as memory allows."""
    rng = np.random.default_rng(seed)
    together = max(1, _CELLS // width)
    for done in range(0, draws, together):
        yield rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=min(together, draws - done))
