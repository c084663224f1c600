"""Sentences varied at random: not good English, but of its words and turns, to see how a model answers.

What a sentence becomes hangs on itself and on a few others, which are found by consistent hashing (Karger et al. 1997):
where sentences are added, most variants stay as they are, and what was said of them need not be asked again.
"""

import hashlib
import random
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_DROPPED = _SWAPPED = 0.15
"""Share of the words that are left out, or replaced by words from anywhere."""
_PIECE = (0.4, 0.9)
"""Share of a sentence that a piece of it keeps, at least and at most."""
_JOINT = (0.3, 0.7)
"""Where in a sentence another may take over, as a share of its words."""


def vary(texts: Sequence[str], number: int, seed: int) -> list[str]:
    """Each text ``number`` times: a piece, the end of another behind its beginning, words left out, words swapped.

    The same at each call; of a text that is there twice, not twice the same.
    """
    ring = sorted((_place(text), text.split()) for text in set(texts))
    places = [place for place, _ in ring]

    def find(at: int) -> list[str]:
        return ring[bisect(places, at) % len(ring)][1]

    uses: Counter[str] = Counter()
    varied = []
    for text in texts:
        uses[text] += 1
        chance = random.Random(f"{seed} {uses[text]} {text}")  # noqa: S311 (not for secrets)
        variation = _Variation(chance, find)
        varied += [variation.of(text.split()) for _ in range(number)]
    return varied


def _place(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


@dataclass(frozen=True)
class _Variation:
    """Ways to vary a sentence, which is a list of words.

    Attributes:
        chance: what decides.
        find: another sentence, at any number of 64 bits.
    """

    chance: random.Random
    find: Callable[[int], list[str]]

    def of(self, sentence: list[str]) -> str:
        """The sentence, changed once or twice."""
        # Joined ones twice as often: they are the most unlike their sentence, and still grammar for the most part.
        ways = (self.piece, self.joined, self.joined, self.dropped, self.swapped)
        way, then = self.chance.choice(ways), self.chance.choice(ways)
        changed = way(sentence)
        return " ".join(then(changed) if changed and self.chance.random() < 1 / 2 else changed) or sentence[0]

    def other(self) -> list[str]:
        return self.find(self.chance.getrandbits(64))

    def piece(self, sentence: list[str]) -> list[str]:
        length = max(1, round(len(sentence) * self.chance.uniform(*_PIECE)))
        start = self.chance.randrange(len(sentence) - length + 1)
        return sentence[start : start + length]

    def joined(self, sentence: list[str]) -> list[str]:
        other = self.other()
        begin, end = (round(len(one) * self.chance.uniform(*_JOINT)) for one in (sentence, other))
        return sentence[:begin] + other[end:]

    def dropped(self, sentence: list[str]) -> list[str]:
        return [word for word in sentence if self.chance.random() > _DROPPED]

    def swapped(self, sentence: list[str]) -> list[str]:
        return [self.chance.choice(self.other()) if self.chance.random() < _SWAPPED else word for word in sentence]
