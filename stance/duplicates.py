"""Near-duplicates: pairs of texts that share more than half of their character 5-grams."""

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

GRAM = 5
LIMIT = 0.5
"""Largest Jaccard similarity of the 5-gram sets of two texts that are not near-duplicates."""

_BLOCK = 1024


def near_duplicates(texts: Sequence[str], limit: float = LIMIT) -> Iterator[tuple[int, int, float]]:
    """Yields ``(i, j, similarity)`` with ``i < j`` for all pairs of texts whose similarity is above ``limit``.

    Similarity is the Jaccard index of the sets of lower-cased character 5-grams, white space folded. Time grows with
    the square of the number of texts, memory does not: about a minute for 25,000 sentences.
    """
    counter = CountVectorizer(analyzer="char", ngram_range=(GRAM, GRAM), binary=True, dtype=np.int32)
    # Texts shorter than a gram are padded, so that equal ones are found equal.
    grams = counter.fit_transform([" ".join(text.split()).ljust(GRAM, "_") for text in texts])
    sizes = np.asarray(grams.sum(axis=1)).ravel()
    columns = grams.T.tocsr()
    for start in range(0, len(texts), _BLOCK):
        shared = (grams[start : start + _BLOCK] @ columns).tocoo()
        rows, others, counts = shared.row + start, shared.col, shared.data
        similarity = counts / (sizes[rows] + sizes[others] - counts)
        for place in np.flatnonzero((rows < others) & (similarity > limit)):
            yield int(rows[place]), int(others[place]), float(similarity[place])
