"""Figures that hang on the order of probabilities, for many samples of the same sentences at once.

A sample says how often each sentence is in it, so that the sentences are sorted once for all samples.
"""

import numpy as np
from numpy.typing import NDArray

from stance.decision import BoolArray, FloatArray

CALIBRATION_BINS = 10


class Ranking:
    """The sentences by rising probability.

    Args:
        probabilities: shape (sentences,).
        gold: shape (sentences,), whether each sentence carries what the probability is of.
    """

    def __init__(self, probabilities: FloatArray, gold: BoolArray) -> None:
        self.order: NDArray[np.int64] = np.argsort(probabilities, kind="stable")
        self._probabilities, self._gold = probabilities[self.order], gold[self.order]

    @property
    def bins(self) -> NDArray[np.int64]:
        """The bin of the calibration error that each sentence is in, from 0 on, of shape (sentences,)."""
        bins = np.empty_like(self.order)
        for number, inside in enumerate(np.array_split(self.order, CALIBRATION_BINS)):
            bins[inside] = number
        return bins

    def average_precision(self, times: NDArray[np.int64]) -> FloatArray:
        """Area under the precision-recall curve of each sample, not interpolated; nan without positives.

        Args:
            times: shape (samples, sentences), how often each sentence is in each sample, in the order of ``order``.
        """
        right = times[:, self._gold]
        positives = right.sum(axis=1)
        # Sentences of the same probability are found together.
        likely = self._probabilities[self._gold]
        found = _from_each_on(times)[:, np.searchsorted(self._probabilities, likely)]
        found_right = _from_each_on(right)[:, np.searchsorted(likely, likely)]
        with np.errstate(invalid="ignore"):
            area: FloatArray = (right * found_right / np.maximum(found, 1)).sum(axis=1) / positives
        return area

    def calibration_error(self, times: NDArray[np.int64]) -> FloatArray:
        """Expected calibration error of each sample; argument as of ``average_precision``.

        The mean distance of probability and frequency over bins of equally many sentences: of equal size rather than
        equal width, since most probabilities of a rare label lie near 0 (Nixon et al. 2019, "Measuring calibration in
        deep learning"). Sentences of the same probability are alike: of each, as many carry the label as of all.
        """
        alike = np.flatnonzero(np.diff(self._probabilities, prepend=-1.0))  # where a run of them begins
        gaps = np.add.reduceat(times * (self._probabilities - self._gold), alike, axis=1)
        times = np.add.reduceat(times, alike, axis=1)
        gap = gaps / np.maximum(times, 1)
        ends = np.cumsum(times, axis=1)
        size = ends[:, -1:]
        whole, rest = np.divmod(size, CALIBRATION_BINS)
        bins = np.arange(CALIBRATION_BINS + 1)
        edges = bins * whole + np.minimum(bins, rest)
        # One search for all samples: each is moved to numbers of its own.
        samples = np.arange(len(times))[:, None]
        moved = samples * (int(size.max()) + 1)
        at = np.searchsorted((ends + moved).ravel(), (edges + moved).ravel()).reshape(edges.shape)
        at -= samples * times.shape[1]
        # The sentences at an edge, of which there may be several, lie on both sides of it.
        beyond = ends[samples, at] - edges
        before = np.cumsum(gaps, axis=1)[samples, at] - beyond * gap[samples, at]
        error: FloatArray = np.abs(np.diff(before, axis=1)).sum(axis=1) / size[:, 0]
        return error


def _from_each_on(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of each row from each column on."""
    sums: NDArray[np.int64] = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    return sums
