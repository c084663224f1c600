"""Intervals by the cluster bootstrap: whole documents are drawn again, since sentences of one are not independent.

Percentile intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13) over clusters (Field
and Welsh 2007, "Bootstrapping clustered data"). A sample is told by how often each cluster is in it, so that figures
are computed from sums over clusters, or from weighted sentences, for many samples at once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stance.decision import BoolArray, FloatArray
from stance.design import FEW_DOCUMENTS
from stance.errors import check_settings
from stance.groups import numbered

LEVEL = 0.95

Times = NDArray[np.int64]
"""How often each cluster is in each of several samples, of shape (samples, clusters)."""

_CELLS = 1 << 21
"""Numbers in an array of a statistic, at most."""
_KEPT = 1 << 25
"""Numbers in all samples up to which they are kept, and not drawn again for the next statistic."""


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


@dataclass(frozen=True)
class Cases:
    """What figures are shares or means of: how many cases, from how many clusters; both of shape (figures,)."""

    n: NDArray[np.int64]
    clusters: NDArray[np.int64]

    @classmethod
    def of(cls, counts: FloatArray) -> "Cases":
        """From the cases of each figure in each cluster, of shape (clusters, figures)."""
        return cls(counts.sum(axis=0).astype(np.int64), (counts > 0).sum(axis=0))


@dataclass(frozen=True)
class Statistic:
    """Figures that any sample has.

    Attributes:
        figures: those of several samples, of shape (samples, figures); nan where one is undefined.
        cases: what each is of.
        width: numbers that are held for a sample at a time, if more than there are clusters.
        shares: they lie between 0 and 1.
        biased: shape (figures,), distances that samples overstate, as a calibration error; what they overstate is
            taken off the ends of the interval, to which the value still belongs.
    """

    figures: Callable[[Times], FloatArray]
    cases: Cases
    width: int = 0
    shares: bool = True
    biased: BoolArray | None = None


def check_draws(draws: int, seed: int) -> None:
    """Raises ConfigError where one is out of range: at once, and not after hours of labelling."""
    check_settings("", [("draws", draws, draws >= 1, "at least 1"), ("seed", seed, seed >= 0, "at least 0")])


class Resamples:
    """Sentences by document, and the documents drawn again with repetition: the same draws for whatever is estimated.

    Args:
        documents: of each sentence.
        draws: how many samples.
        seed: of the draws.

    Raises:
        ConfigError: there are to be no draws, or the seed is below 0.

    Attributes:
        clusters: how many documents there are.
        where: shape (sentences,), the number of each sentence's document.
    """

    def __init__(self, documents: Sequence[str], *, draws: int, seed: int) -> None:
        check_draws(draws, seed)
        names, self.where = numbered(documents)
        self.clusters = len(names)
        self._draws, self._seed = draws, seed

    def sums(self, columns: BoolArray | FloatArray) -> FloatArray:
        """Sums over the sentences of each document, of shape (clusters, columns), of an array (sentences, columns)."""
        sums = np.zeros((self.clusters, columns.shape[1]))
        np.add.at(sums, self.where, columns)
        return sums

    def estimate(self, statistic: Statistic) -> list[Estimate | None]:
        """Figures of the sample as it is, and the spread of the draws.

        None stands for a figure that is undefined, as a precision is where no label was given; draws that leave one
        undefined are left out of its interval. A share that all of them leave so may be any. Where a share is 0 or 1,
        hardly any draw differs from it: its interval is then that of none, or all, of as many independent documents
        (Clopper and Pearson 1934). One document tells nothing of others: a share of its sentences alone may be any
        elsewhere.
        """
        values = statistic.figures(np.ones((1, self.clusters), dtype=np.int64))[0]
        drawn = np.concatenate([statistic.figures(times) for times in self._samples(statistic.width)])
        tail = 100 * (1 - LEVEL) / 2
        percentile = np.nanpercentile if np.isnan(drawn).any() else np.percentile
        untold = np.isnan(drawn).all(axis=0)
        drawn[:, np.isnan(values) | untold] = 0  # of these there is no percentile
        low, high = percentile(drawn, [tail, 100 - tail], axis=0)
        if statistic.biased is not None:
            low, high = np.where(statistic.biased, _moved(values, drawn, low, high), (low, high))
        if statistic.shares:
            beyond = (tail / 100) ** (1 / np.maximum(statistic.cases.clusters, 1))
            low, high = np.where(values == 1, beyond, np.maximum(low, 0)), np.where(values == 0, 1 - beyond, high)
            alone = untold | (statistic.cases.clusters == 1) & (values > 0) & (values < 1)
            low, high = np.where(alone, 0, low), np.where(alone, 1, high)
        counted = (statistic.cases.n.tolist(), statistic.cases.clusters.tolist())
        return [
            None if np.isnan(value) else Estimate(value, lo, hi, n, clusters, clusters < FEW_DOCUMENTS)
            for value, lo, hi, n, clusters in zip(values.tolist(), low.tolist(), high.tolist(), *counted, strict=True)
        ]

    def _samples(self, width: int) -> Iterator[Times]:
        """The draws, as many at a time as memory allows."""
        together = max(1, _CELLS // max(width, self.clusters))
        if self._draws * self.clusters > _KEPT:
            yield from self._draw(together)
            return
        for start in range(0, self._draws, together):
            yield self._all[start : start + together].astype(np.int64)

    @cached_property
    def _all(self) -> NDArray[np.uint16]:
        return np.concatenate([times.astype(np.uint16) for times in self._draw(_CELLS // self.clusters)])

    def _draw(self, together: int) -> Iterator[Times]:
        rng = np.random.default_rng(self._seed)
        for start in range(0, self._draws, together):
            size = min(together, self._draws - start)
            yield rng.multinomial(self.clusters, np.full(self.clusters, 1 / self.clusters), size=size)


def _moved(values: FloatArray, drawn: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ends of the spread of distances without what samples overstate.

    Chance adds to the square of a distance, for which debiased calibration errors allow (Ferro and Fricker 2012, "A
    bias-corrected decomposition of the Brier score"; Kumar, Liang and Ma 2019, "Verified uncertainty calibration"):
    once in the sample, and about as much again in a draw from it. The lower end loses both, the upper one only the
    second, since draws vary too little where the sample has few cases of a kind.
    """
    added = (drawn**2).mean(axis=0) - values**2
    lower, upper = (np.sqrt(np.maximum(end**2 - off, 0)) for end, off in ((low, 2 * added), (high, added)))
    return np.minimum(lower, values), np.maximum(upper, values)


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
    resamples = Resamples(documents, draws=draws, seed=seed)
    counts = np.stack([resamples.sums(np.concatenate([run & gold, run, gold], axis=1)) for run in runs])
    right, found, wanted = np.split(counts, 3, axis=2)

    def f1(times: Times) -> FloatArray:
        sums = [np.einsum("dc,rcl->drl", times, part) for part in (right, found, wanted)]
        per_run = 2 * sums[0] / np.maximum(sums[1] + sums[2], 1)
        labels: FloatArray = per_run.mean(axis=1)
        return np.column_stack([labels, labels.mean(axis=1)])

    labels = Cases.of(wanted[0])
    cases = Cases(*(np.append(counted, counted.min()) for counted in (labels.n, labels.clusters)))
    return defined(resamples.estimate(Statistic(f1, cases)))


def estimate_share(runs: Sequence[BoolArray], *, draws: int, seed: int) -> Estimate:
    """Share of True in the mean over runs, each an array of independent answers."""
    right = np.mean(np.stack(runs), axis=0)[:, None]
    each = [f"{number:09}" for number in range(len(right))]
    resamples = Resamples(each, draws=draws, seed=seed)
    return defined(resamples.estimate(ratios(resamples, right, np.ones_like(right))))[0]


def estimate_means(values: FloatArray, documents: Sequence[str], *, draws: int, seed: int) -> list[Estimate]:
    """Mean of each column of numbers; those drawn with the same seed belong together, draw by draw.

    Args:
        values: shape (sentences, columns).
        documents: of each sentence.
        draws: bootstrap samples.
        seed: of the draws.
    """
    resamples = Resamples(documents, draws=draws, seed=seed)
    return defined(resamples.estimate(ratios(resamples, values, np.ones_like(values), shares=False)))


def ratios(
    resamples: Resamples, tops: BoolArray | FloatArray, bottoms: BoolArray | FloatArray, *, shares: bool = True
) -> Statistic:
    """A sum over a sum for each column of two arrays of shape (sentences, columns); the second counts cases."""
    above, below = resamples.sums(tops), resamples.sums(bottoms)

    def figures(times: Times) -> FloatArray:
        with np.errstate(invalid="ignore"):
            found: FloatArray = (times @ above) / (times @ below)
        return found

    return Statistic(figures, Cases.of(below), shares=shares)


def side_by_side(*statistics: Statistic) -> Statistic:
    """Several statistics as one, so that they belong together draw by draw."""
    return Statistic(
        lambda times: np.concatenate([one.figures(times) for one in statistics], axis=1),
        Cases(*(np.concatenate([getattr(one.cases, part) for one in statistics]) for part in ("n", "clusters"))),
        width=max(one.width for one in statistics),
        shares=all(one.shares for one in statistics),
        biased=np.concatenate(
            [np.zeros(len(one.cases.n), dtype=np.bool_) if one.biased is None else one.biased for one in statistics]
        ),
    )


def defined(estimates: Iterable[Estimate | None]) -> list[Estimate]:
    """Estimates of which none is undefined, as those of the whole sample are not."""
    return [one for one in estimates if one is not None]
