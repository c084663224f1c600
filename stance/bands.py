"""Finds the band of probabilities in which a label is not sure, so that outside it errors are few.

Two promises, each about one kind of error, so that both mean something for a rare label:

- Of the sentences that carry the label, at most the wanted rate lie below the band and are passed over. This holds in
  the mean over validation sets (split conformal prediction for one class: Vovk 2012, "Conditional validity of
  inductive conformal predictors"; a case of Angelopoulos et al. 2022, "Conformal risk control").
- Of the labels given above the band, at most the wanted rate are wrong. This holds for all but one validation set in
  ten (Angelopoulos et al. 2021, "Learn then test").

They are about sentences drawn as those of validation were, each by itself, and not about other news. The weights of
the best epoch, the calibration and the threshold were chosen on the same validation sentences. Calibration does not
loosen the promises, since no step here depends on more than the order of the sentences, and every map keeps it; the
choice among a few epochs does, a little, and so does it when sentences come many to a document: of 60 documents of 50
sentences each that differ much from one another, the second promise failed in two simulated sets of ten, the first not.
"""

import math

import numpy as np
from scipy.stats import binom

from stance.decision import Band, BoolArray, FloatArray

DELTA = 0.1
"""Chance, over validation sets, that more of the labels given for sure are wrong than was wanted."""


def fit_band(probabilities: FloatArray, gold: BoolArray, threshold: float, error_rate: float) -> Band:
    """The narrowest band that keeps both promises and has the threshold within it or at one end.

    Args:
        probabilities: of one label, shape (sentences,).
        gold: shape (sentences,), True where a sentence carries the label.
        threshold: the lowest probability at which a sentence is said to carry it.
        error_rate: the wanted rate.
    """
    # Widening keeps the promises: a lower start passes over no more sentences, and a higher end gives fewer labels,
    # of which fewer are wrong wherever a higher probability means fewer errors, as the test for ``high`` supposes.
    high = _high(probabilities, gold, error_rate)
    return Band(
        low=min(_low(probabilities, gold, error_rate), threshold), high=None if high is None else max(high, threshold)
    )


def _low(probabilities: FloatArray, gold: BoolArray, error_rate: float) -> float:
    """Of n positives and one more drawn like them, each is as likely to be among the k lowest: k / (n + 1) is its risk.

    With too few positives for k = 1, nothing may be withheld for sure.
    """
    positives = np.sort(probabilities[gold])
    k = math.floor(error_rate * (len(positives) + 1))
    return float(positives[k - 1]) if k else 0.0


def _high(probabilities: FloatArray, gold: BoolArray, error_rate: float) -> float | None:
    """Gives the label to the m likeliest sentences, for growing m, until a test can no longer tell that errors are few.

    The candidates are the smallest m that bear no wrong label, one, two and so on: with so many the exact binomial test
    (Clopper and Pearson 1934) still rejects that the error exceeds the rate. The sequence, fixed by the rate alone, is
    tested in order, each time at the full level, and ends at the first failure, which keeps the chance of any false
    rejection below that level ("fixed-sequence testing"). That the candidates are ranks of sentences and not fixed
    probabilities does no harm if errors grow rarer as probabilities grow: given how many sentences lie above the
    unknown probability from which on the true error keeps to the rate, it is fixed which m are too large, and with each
    of these the wrong labels are at least as many as binomial ones.

    The sequence opens with the fewest sentences that can pass at all: none wrong of 45 for a rate of 5 %. Bonferroni's
    correction for ten candidates would ask for none of 90. With some hundred positives that, or several sequences that
    share the level, give the label to far fewer sentences.
    """
    given = np.arange(1, len(gold))
    borne = binom.ppf(DELTA, given, error_rate) - 1  # the most wrong labels at which the test rejects
    allowed = np.arange(borne.max(initial=-1) + 1)
    candidates = given[np.searchsorted(borne, allowed)]
    order = np.lexsort((gold, -probabilities))  # the wrong ones first among equally likely ones
    wrong = np.cumsum(~gold[order])
    passed = np.logical_and.accumulate(wrong[candidates - 1] <= allowed)
    if not passed.any():
        return None
    ranked = probabilities[order]
    below = ranked[candidates[passed][-1]]
    above = ranked[ranked > below]
    # Halfway, as for thresholds; with sentences as likely as the first one outside, all of them stay outside.
    return float(above[-1] + below) / 2 if len(above) else None
