"""Near-duplicates: pairs of texts that share more than half of their character 5-grams."""

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from stance.fingerprints import GRAM
from stance.text import fold

LIMIT = 0.5
"""Largest Jaccard similarity of the 5-gram sets of two texts that are not near-duplicates."""

_FREQUENT = 0.02
"""Share of all texts beyond which a gram is too common to tell which of them are alike."""
_BLOCK = 1024


def near_duplicates(texts: Sequence[str], limit: float = LIMIT) -> Iterator[tuple[int, int, float]]:
    """Yields ``(i, j, similarity)`` with ``i < j`` for all pairs of texts whose similarity is above ``limit``.

    Similarity is the Jaccard index of the sets of lower-cased character 5-grams, white space folded. Time grows with
    the square of the number of texts, memory does not: some ten seconds for 25,000 sentences.
    """
    counter = CountVectorizer(analyzer="char", ngram_range=(GRAM, GRAM), binary=True, dtype=np.int32)
    # Texts shorter than a gram are padded, so that equal ones are found equal.
    grams = counter.fit_transform([fold(text).ljust(GRAM, "_") for text in texts])
    sizes = np.asarray(grams.sum(axis=1)).ravel()
    frequent = np.asarray(grams.sum(axis=0)).ravel() > _FREQUENT * len(texts)
    held = np.asarray(grams[:, frequent].sum(axis=1)).ravel()
    # Two sets are alike if they share more than this part of the sum of their sizes.
    needed = limit / (1 + limit)
    # Frequent grams make up most of the work. They are left out of texts that need others to be like any text; what
    # they can add to a pair, at most all that one of the two holds, decides whether it is worth counting them.
    left_out = frequent[grams.indices] & np.repeat(held <= needed * sizes, np.diff(grams.indptr))
    telling = grams.copy()
    telling.data[left_out] = 0
    telling.eliminate_zeros()
    for start in range(0, len(texts), _BLOCK):
        pairs = (telling[start : start + _BLOCK] @ telling[start:].T.tocsr()).tocoo()
        rows, others = pairs.row + start, pairs.col + start
        most = pairs.data + np.minimum(held[rows], held[others])
        possible = (rows < others) & (most >= needed * (sizes[rows] + sizes[others]))
        rows, others = rows[possible], others[possible]
        shared = np.asarray(grams[rows].multiply(grams[others]).sum(axis=1)).ravel()
        similarity = shared / (sizes[rows] + sizes[others] - shared)
        for place in np.flatnonzero(similarity > limit):
            yield int(rows[place]), int(others[place]), float(similarity[place])
