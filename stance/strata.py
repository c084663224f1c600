"""What to hand-code, and how many sentences: strata of a label's probability, and how a sample is shared among them.

All is reckoned before anything is coded, as if the probabilities were true: a sentence of probability p then carries
the label or not with variance p (1 - p), and that is what the model leaves for a person to find out.
"""

from dataclasses import dataclass

import numpy as np

from stance.decision import FloatArray
from stance.design import IntArray, Z
from stance.errors import ConfigError


def lower_bounds(probabilities: FloatArray, count: int) -> FloatArray:
    """The lowest probability in each of ``count`` strata, rising; fewer where many probabilities are equal.

    Each stratum holds as much of the summed standard deviations: the best sample then takes as many from each
    (Cochran 1977, "Sampling techniques", section 5A.7).
    """
    rising = np.sort(probabilities)
    shares = np.cumsum(np.sqrt(rising * (1 - rising)))
    cuts = np.searchsorted(shares, shares[-1] * np.arange(1, count) / count, side="right")
    bounds: FloatArray = np.unique(rising[[0, *np.minimum(cuts, len(rising) - 1)]])
    return bounds


def stratify(probabilities: FloatArray, bounds: FloatArray) -> IntArray:
    """The stratum of each sentence, counted from 0."""
    return np.asarray(np.maximum(np.searchsorted(bounds, probabilities, side="right") - 1, 0), dtype=np.int64)


def allocate(probabilities: FloatArray, strata: IntArray, n: int, floor: int) -> IntArray:
    """How many sentences to draw from each stratum, ``n`` in all.

    Neyman's (1934) allocation, in proportion to size times standard deviation, but at least ``floor`` from each (or
    all that it has): a model that is sure of itself in a stratum may still be wrong there, and how its sentences differ
    a single one does not tell.

    Raises:
        ConfigError: ``n`` is less than the floors come to, or more than there are sentences; or the floor is below 2.
    """
    if floor < 2:  # noqa: PLR2004
        raise ConfigError(f"Expected floor to be at least 2, found {floor}: one sentence tells little of a stratum.")
    sizes = np.bincount(strata)
    least = np.minimum(floor, sizes)
    if not least.sum() <= n <= sizes.sum():
        raise ConfigError(
            f"Cannot draw {n} of {sizes.sum()} sentences from {len(sizes)} strata with at least {floor} from each: "
            f"expected n from {least.sum()} to {sizes.sum()}. Change n, strata or floor."
        )
    wanted = sizes * np.sqrt(_variances(probabilities, strata))
    wanted = np.maximum(wanted, wanted.sum() * 1e-9 + 1e-12)  # so that even a model sure of all leaves some for each
    low, high = 0.0, float(n / wanted.min())
    for _ in range(200):  # the share of each stratum rises with the factor: halve the range in which it gives n
        factor = (low + high) / 2
        low, high = (low, factor) if np.clip(factor * wanted, least, sizes).sum() > n else (factor, high)
    exact = np.clip(low * wanted, least, sizes)
    drawn: IntArray = np.floor(exact + 1e-6).astype(np.int64)
    for stratum in np.argsort(drawn - exact, kind="stable")[: n - drawn.sum()]:
        drawn[stratum] += 1
    return drawn


@dataclass(frozen=True)
class Widths:
    """Expected widths of the 95 % intervals around the share of a label in the whole corpus."""

    ppi: float
    hand: float


def expected_widths(probabilities: FloatArray, strata: IntArray, drawn: IntArray, documents: IntArray) -> Widths:
    """How wide the intervals of PPI++ and of hand-coding alone would be, were the probabilities true.

    Args:
        probabilities: shape (sentences,), of one label.
        strata: shape (sentences,).
        drawn: sentences drawn from each stratum.
        documents: shape (sentences,).
    """
    total = len(probabilities)
    sizes = np.bincount(strata)
    inside = _variances(probabilities, strata)
    means = np.bincount(strata, probabilities) / sizes
    by_document = np.bincount(documents, probabilities - probabilities.mean())
    of_corpus = float(by_document @ by_document + (sizes * inside).sum()) / total**2
    left = (sizes / total) ** 2 * (1 / drawn - 1 / sizes)
    ppi, hand = float(left @ inside), float(left @ (means * (1 - means)))
    return Widths(2 * Z * float(np.sqrt(of_corpus + ppi)), 2 * Z * float(np.sqrt(of_corpus + hand)))


def _variances(probabilities: FloatArray, strata: IntArray) -> FloatArray:
    """Mean of p (1 - p) in each stratum."""
    variances: FloatArray = np.bincount(strata, probabilities * (1 - probabilities)) / np.bincount(strata)
    return variances
