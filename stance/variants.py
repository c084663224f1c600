"""Sentences varied at random: not good English, but of its words and turns, to see how a model answers."""

import random
from collections.abc import Sequence

_DROPPED = _SWAPPED = 0.15
"""Share of the words that are left out, or replaced by words from anywhere."""
_PIECE = (0.4, 0.9)
"""Share of a sentence that a piece of it keeps, at least and at most."""
_JOINT = (0.3, 0.7)
"""Where in a sentence another may take over, as a share of its words."""


def vary(texts: Sequence[str], number: int, seed: int) -> list[str]:
    """Each text ``number`` times: a piece, the end of another behind its beginning, words left out, words swapped.

    The same at each call.
    """
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    sentences = [text.split() for text in texts]
    words = [word for sentence in sentences for word in sentence]

    def piece(sentence: list[str]) -> list[str]:
        length = max(1, round(len(sentence) * chance.uniform(*_PIECE)))
        start = chance.randrange(len(sentence) - length + 1)
        return sentence[start : start + length]

    def joined(sentence: list[str]) -> list[str]:
        other = chance.choice(sentences)
        begin, end = (round(len(one) * chance.uniform(*_JOINT)) for one in (sentence, other))
        return sentence[:begin] + other[end:]

    def dropped(sentence: list[str]) -> list[str]:
        return [word for word in sentence if chance.random() > _DROPPED]

    def swapped(sentence: list[str]) -> list[str]:
        return [chance.choice(words) if chance.random() < _SWAPPED else word for word in sentence]

    # Joined ones twice as often: they are the most unlike their sentence, and still grammar for the most part.
    ways = (piece, joined, joined, dropped, swapped)
    varied = []
    for sentence in sentences:
        for _ in range(number):
            way, then = chance.choice(ways), chance.choice(ways)
            changed = way(sentence)
            varied.append(" ".join(then(changed) if changed and chance.random() < 1 / 2 else changed) or sentence[0])
    return varied
