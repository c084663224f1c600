"""The sampling design: which sentences of a corpus were hand-coded, how likely that was, and what variance follows.

Every estimate from such a sample is, but for terms that vanish, the truth plus a sum over sentences: what each adds by
being in the corpus, and what a coded one adds by what the person said (its influence). From these sums follows one
variance for all estimators, robust to sentences of one document being alike (Binder 1983, "On the variances of
asymptotically normal estimators from complex surveys"; Egami et al. 2023, "Using imperfect surrogates", for samples
that correct predictions). The corpus counts as drawn, document by document, from news like it; about the corpus alone
the intervals are therefore a little wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from stance.decision import BoolArray, FloatArray

IntArray = NDArray[np.int64]

Z = 1.959963984540054
"""Standard errors on either side of a 95 % interval."""
FEW_DOCUMENTS = 20
"""Below which their variance tells little of that of others, and intervals come out too narrow."""


@dataclass(frozen=True)
class Design:
    """How a sample was drawn from a corpus.

    Attributes:
        documents: shape (sentences,), the number of each sentence's document, counted from 0.
        strata: shape (sentences,), the number of the stratum in which each was drawn, counted from 0.
        coded: shape (coded,), where the hand-coded sentences stand in the corpus.
        weights: shape (coded,), for how many sentences each stands: one over its inclusion probability.
    """

    documents: IntArray
    strata: IntArray
    coded: IntArray
    weights: FloatArray

    def covariance(self, influences: Sequence["Influence"]) -> FloatArray:
        """Covariance of estimates, of shape (estimates, estimates), from what each sentence adds to their errors.

        Only what varies within a stratum is lost by not coding all of it: as many sentences are drawn from a stratum as
        planned, so its mean is moved to the part that all sentences of the stratum add.

        One document tells nothing of how documents differ: of what rests on one alone, sentences count as documents.
        """
        documents, clusters = self._clusters(influences)
        count = int(documents.max()) + 1
        sizes = np.bincount(self.strata)
        stratum = self.strata[self.coded]
        coded = np.bincount(stratum, minlength=len(sizes))[stratum]
        within = self.weights * np.sqrt(coded / np.maximum(coded - 1, 1))  # as of a variance of so many sentences
        sums = []
        for influence in influences:
            means = np.bincount(stratum, self.weights * influence.coded, minlength=len(sizes)) / np.maximum(sizes, 1)
            added = influence.all + means[self.strata]
            added[self.coded] += within * (influence.coded - means[stratum])
            sums.append(np.bincount(documents, added, minlength=count))
        by_document = np.stack(sums)
        scale = clusters / max(clusters - 1, 1)  # as of a variance of so many documents
        return np.asarray(scale * (by_document @ by_document.T), dtype=np.float64)

    def variance(self, influence: "Influence") -> float:
        """Of one estimate, so much larger that ``Z`` standard errors are as many as Student's t asks for."""
        _, clusters = self._clusters([influence])
        wanted = float(stdtrit(max(clusters - 1, 1), ndtr(Z)))
        return float(self.covariance([influence])[0, 0]) * (wanted / Z) ** 2

    def rests_on_few(self, influence: "Influence") -> bool:
        """Whether what an estimate rests on are so few documents that their variance tells little."""
        return self._clusters([influence])[1] < FEW_DOCUMENTS

    def _clusters(self, influences: Sequence["Influence"]) -> tuple[IntArray, int]:
        """The document of each sentence, and how many documents the estimates rest on."""
        touched = np.any([self._touched(influence) for influence in influences], axis=0)
        clusters = int(np.count_nonzero(np.bincount(self.documents[touched])))
        return (np.arange(len(touched)), int(touched.sum())) if clusters == 1 else (self.documents, clusters)

    def _touched(self, influence: "Influence") -> BoolArray:
        """The sentences that add anything, of shape (sentences,)."""
        touched: BoolArray = influence.all != 0
        touched[self.coded] |= influence.coded != 0
        return touched


@dataclass(frozen=True)
class Influence:
    """What each sentence adds to the error of an estimate.

    Attributes:
        all: shape (sentences,), by what the model said.
        coded: shape (coded,), by what the person said; it counts times the sentence's weight.
    """

    all: FloatArray
    coded: FloatArray

    def plus(self, other: "Influence", times: float) -> "Influence":
        """The influence on one estimate plus ``times`` another."""
        return Influence(self.all + times * other.all, self.coded + times * other.coded)
