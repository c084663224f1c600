"""Sentences of a labelled corpus that are worth showing, found in one pass that keeps no others."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from stance.labelled_rows import LabelledSentence, read_sentences
from stance.tables import BadRow
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


@dataclass
class Highlights:
    """What one pass has found, by label.

    Attributes:
        likeliest: given the label, of the highest probability.
        to_look_at: of which the model is not sure, nearest to even odds.
        uncertain: how many those are in all.
    """

    likeliest: dict[str, Best] = field(default_factory=dict)
    to_look_at: dict[str, Best] = field(default_factory=dict)
    uncertain: Counter[str] = field(default_factory=Counter)


def find_highlights(path: Path, labels: tuple[str, ...], most: int) -> Highlights:
    """Looks through a labelled file, or the folder of a corpus job.

    Args:
        path: of it.
        labels: that it has.
        most: sentences to keep of each kind and label.
    """
    found = Highlights({label: Best(most) for label in labels}, {label: Best(most) for label in labels})
    for sentence in read_sentences(path):
        if isinstance(sentence, BadRow):
            continue
        for label in sentence.labels:
            found.likeliest[label].add(sentence, sentence.probabilities[label])
        for label in sentence.uncertain:
            found.to_look_at[label].add(sentence, -abs(sentence.probabilities[label] - 0.5))
            found.uncertain[label] += 1
    return found
