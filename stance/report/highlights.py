"""Sentences of a labelled corpus that are worth showing, found as they go by; no others are kept."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import count

from stance.labelled_rows import LabelledSentence
from stance.text import fold


class Best:
    """The best of many sentences, no text twice."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[float, int, LabelledSentence]] = []
        self._texts: set[str] = set()
        self._order = count(0, -1)

    def add(self, sentence: LabelledSentence, merit: float) -> None:
        """Considers a sentence; of equally good ones those that came first stay."""
        if len(self._heap) == self._most and (not self._heap or merit <= self._heap[0][0]):
            return
        text = fold(sentence.text)
        if text in self._texts:
            return
        self._texts.add(text)
        heapq.heappush(self._heap, (merit, next(self._order), sentence))
        if len(self._heap) > self._most:
            self._texts.discard(fold(heapq.heappop(self._heap)[2].text))

    @property
    def sentences(self) -> list[LabelledSentence]:
        """Those kept, the best first."""
        return [sentence for *_, sentence in sorted(self._heap, reverse=True)]


class Highlights:
    """What has been found among the sentences that have gone by.

    Args:
        most: sentences to keep of each kind and label.

    Attributes:
        likeliest: by label, those given it, of the highest probability.
        to_look_at: by label, those of which the model is not sure, nearest to even odds.
        uncertain: by label, how many those are in all.
    """

    def __init__(self, most: int) -> None:
        self.likeliest: Mapping[str, Best] = defaultdict(lambda: Best(most))
        self.to_look_at: Mapping[str, Best] = defaultdict(lambda: Best(most))
        self.uncertain: Counter[str] = Counter()

    def add(self, sentence: LabelledSentence) -> None:
        """Considers a sentence."""
        for label in sentence.labels:
            self.likeliest[label].add(sentence, sentence.probabilities[label])
        for label in sentence.uncertain:
            self.to_look_at[label].add(sentence, -abs(sentence.probabilities[label] - 0.5))
            self.uncertain[label] += 1
