"""What to annotate next: sentences that a model is unsure about and that are unlike one another.

Greedy: labels take turns, so that rare ones get as many as common ones, and each takes the sentence with the largest
product of two numbers from 0 to 1: how unsure the model is of that label, and how far the sentence is from all chosen
before it and from all annotated. The first is uncertainty sampling (Lewis & Gale 1994), the second the farthest-first
traversal of core-set selection (Sener & Savarese 2018), on TF-IDF instead of a network's own vectors: that needs no
model, and each suggestion costs one product of a sparse matrix with a sparse row.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr
from sklearn.feature_extraction.text import TfidfVectorizer

from stance.annotation.sentences import LabelledCorpus

_BLOCK = 256
_NOTHING = 1e-9
"""Gains below this are rounding: a sentence that stands there twice, or one that the model is certain about."""


@dataclass(frozen=True)
class Suggestion:
    """A sentence to annotate next.

    Attributes:
        id: of the sentence.
        label: that it was chosen for.
        probability: of that label.
        distance: to the nearest sentence chosen before or annotated: 1 minus the cosine; 1 if it shares no word.
    """

    id: str
    label: str
    probability: float
    distance: float

    @property
    def reason(self) -> str:
        """Why it was suggested, in words."""
        return f"{self.label} has probability {self.probability:.2f}; distance to the nearest {self.distance:.2f}"


def suggest(corpus: LabelledCorpus, n: int, annotated: Collection[str] = ()) -> list[Suggestion]:
    """Chooses at most ``n`` sentences, in the order of the turns; fewer if the others add nothing.

    Args:
        corpus: what to choose from, and what has been annotated of it.
        n: how many.
        annotated: ids of sentences that need no annotation any more; ids that the corpus lacks are let be.
    """
    ids = list(corpus.sentences)
    # Words and single signs: no sentence is without any.
    vectorizer = TfidfVectorizer(token_pattern=r"\w+|[^\w\s]", sublinear_tf=True)  # noqa: S106
    vectors = vectorizer.fit_transform(sentence.text for sentence in corpus.sentences.values())
    probabilities = corpus.probabilities(ids)
    uncertainty = (entr(probabilities) + entr(1 - probabilities)) / np.log(2)
    distance = _distances(vectors, np.flatnonzero([identifier in annotated for identifier in ids]))
    chosen: list[Suggestion] = []
    turns = list(range(len(corpus.labels)))
    while turns and len(chosen) < n:
        column = turns.pop(0)
        gain = uncertainty[:, column] * distance
        best = int(gain.argmax())
        if gain[best] < _NOTHING:
            continue
        turns.append(column)
        label = corpus.labels[column]
        chosen.append(Suggestion(ids[best], label, float(probabilities[best, column]), float(distance[best])))
        distance = np.minimum(distance, _distances(vectors, np.array([best])))
    return chosen


def _distances(vectors: Any, places: NDArray[np.intp]) -> NDArray[np.float64]:
    """How far each sentence is from the nearest of those at the places: from 0, at the places too, to 1."""
    distance = np.ones(vectors.shape[0])
    for start in range(0, len(places), _BLOCK):
        near = vectors[places[start : start + _BLOCK]]
        closest = (vectors @ near.T).max(axis=1).toarray().ravel()
        distance = np.minimum(distance, np.clip(1 - closest, 0, 1))
    distance[places] = 0
    return distance
