"""A sieve: settles at little cost which sentences surely carry no label, so that the network reads only the others.

Two convolutions over word vectors and their mean and maximum (after Kim 2014), learned from the answers of the very
network that they stand before. ``stance.sieve_learning`` learns them and finds where they are sure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from stance.arrays import write_arrays
from stance.decision import BoolArray
from stance.sources import hash_file

Floats = NDArray[np.float32]

NEAR, FAR = 1, 2
"""How far from a word the first and the second convolution look, to either side."""
_TOKENS = 512
"""Tokens taken at once: their vectors stay in a processor's cache."""
_WORDS = "words"


@dataclass(frozen=True)
class Sieve:
    """Answers as a network does, by logits, and says which of them settle the matter.

    Attributes:
        arrays: by name, with c channels: ``words`` (vocabulary, width), ``near.weight`` (3 * width, c),
            ``far.weight`` (3 * c, c), ``head.weight`` (2 * c, labels), to each weight its ``bias``, and ``below``
            (labels,): a sentence with each of its logits below that is settled.
        sha256: of the file.
    """

    arrays: Mapping[str, Floats]
    sha256: str

    @classmethod
    def read(cls, path: Path) -> "Sieve":
        """Reads what ``write_sieve`` wrote."""
        arrays = load_file(path)
        return cls(arrays | {_WORDS: arrays[_WORDS].astype(np.float32)}, hash_file(path))

    def logits(self, ids: Sequence[Sequence[int]]) -> Floats:
        """An estimate of what the network would say, of shape (texts, labels).

        Args:
            ids: the token ids of each text.
        """
        found = [self._logits(part) for part in _parts(ids)]
        return np.concatenate(found) if found else np.empty((0, len(self.arrays["below"])), np.float32)

    def settles(self, logits: Floats) -> BoolArray:
        """Which texts surely carry no label, by what ``logits`` gave for them: shape (texts,)."""
        settled: BoolArray = np.all(logits < self.arrays["below"], axis=1)
        return settled

    def _logits(self, ids: Sequence[Sequence[int]]) -> Floats:
        # The texts stand one after the other, with room between them that keeps them from being read together.
        lengths = np.array([len(text) for text in ids])
        starts = np.concatenate([[0], np.cumsum(lengths + FAR)[:-1]])
        inside = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(lengths.sum())
        room = np.zeros((starts[-1] + lengths[-1] + FAR, 1), np.float32)
        room[inside] = 1
        words = np.zeros((len(room), self.arrays[_WORDS].shape[1]), np.float32)
        words[inside] = self.arrays[_WORDS][np.concatenate([np.asarray(text, np.int64) for text in ids])]
        near = self._convolve(words, "near", NEAR)
        near *= room
        read = self._convolve(np.maximum(near, 0), "far", FAR)
        read += near
        np.maximum(read, 0, out=read)
        read *= room
        mean = np.add.reduceat(read, starts) / lengths[:, None].astype(np.float32)
        pooled = np.concatenate([mean, np.maximum.reduceat(read, starts)], axis=1)
        answer: Floats = pooled @ self.arrays["head.weight"] + self.arrays["head.bias"]
        return answer

    def _convolve(self, values: Floats, name: str, reach: int) -> Floats:
        before, at, after = np.split(self.arrays[f"{name}.weight"], 3)
        convolved: Floats = values @ at
        convolved += self.arrays[f"{name}.bias"]
        convolved[reach:] += values[:-reach] @ before
        convolved[:-reach] += values[reach:] @ after
        return convolved


def write_sieve(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes the arrays of a sieve; the word vectors, by far the largest of them, in half precision."""
    kept = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    write_arrays(path, kept | {_WORDS: kept[_WORDS].astype(np.float16)})


def _parts(ids: Sequence[Sequence[int]]) -> Iterator[Sequence[Sequence[int]]]:
    start = tokens = 0
    for end, text in enumerate(ids):
        tokens += len(text)
        if tokens > _TOKENS and end > start:
            yield ids[start:end]
            start, tokens = end, len(text)
    if start < len(ids):
        yield ids[start:]
