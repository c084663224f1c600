"""What a model learned from, as hashes that tell whether a sentence is among it, or one much like it, but no texts.

Of each text there are 32 bits of a SHA-256, and the last four bits of 64 MinHash values (Li and König 2010, "b-bit
minwise hashing") of its character 5-grams, whose agreement estimates the Jaccard index of two texts: 36 bytes a text.
The estimate is right on average, with a standard error of .07. Near-duplicates are those of which it is .5 or more: 55
in 100 pairs whose index is .5, 95 of .6, practically all of .7; but 8 of .4, one in 600 of .3, and of .05, as any two
sentences have it, one in 10^16. Of 11,603 sentences of real news, each against all others, 58 have an index of .5 or
more with one, and 55 of these are found; so are 22 whose index is from .36 to .5.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from stance.arrays import write_arrays
from stance.errors import ModelError
from stance.sources import LEARNED
from stance.text import fold

DataHashes = Mapping[str, Mapping[str, Any]]
"""By split, what ``stance.json`` says of the data."""

GRAM = 5
VALUES = 64
SIMILAR = 34
"""Values of ``VALUES`` that agree at least in near-duplicates: from here on the estimate is .5."""

_BITS = 4
_BLOCK = 512
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Fingerprints:
    """Of some texts.

    Attributes:
        exact: shape (texts,), the first 32 bits of the SHA-256 of each.
        minima: shape (texts, 32), the last four bits of the MinHash values, two to a byte.
    """

    exact: NDArray[np.uint32]
    minima: NDArray[np.uint8]


@dataclass(frozen=True)
class Likeness:
    """How like each of some texts is to the most similar of others, each of shape (texts,).

    Attributes:
        exact: it is the same but for case and white space.
        similarity: the estimated Jaccard index of character 5-grams; 1 where exact, 0 where there is no near-duplicate.
    """

    exact: NDArray[np.bool_]
    similarity: NDArray[np.float64]


def fingerprint(texts: Sequence[str]) -> Fingerprints:
    """The fingerprints of texts, case and white space apart."""
    plain = [fold(text).lower().ljust(GRAM, "_") for text in texts]
    digests = b"".join(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:4] for text in plain)
    parts = [_minima(plain[start : start + _BLOCK]) for start in range(0, len(plain), _BLOCK)]
    minima = np.concatenate(parts) if parts else np.empty((0, VALUES * _BITS // 8), dtype=np.uint8)
    return Fingerprints(np.frombuffer(digests, dtype="<u4").astype(np.uint32), minima)


def compare(some: Fingerprints, others: Fingerprints) -> Likeness:
    """How like each text is to the most similar of the others. Time grows with the product of their numbers."""
    agreed = np.zeros(len(some.exact), dtype=np.int64)
    exact = np.zeros(len(some.exact), dtype=np.bool_)
    columns = np.ascontiguousarray(_unpacked(others.minima).T)
    for start in range(0, len(some.exact), _BLOCK):
        block = slice(start, start + _BLOCK)
        agreeing = np.zeros((len(some.exact[block]), len(others.exact)), dtype=np.uint8)
        for value, column in zip(_unpacked(some.minima[block]).T, columns, strict=True):
            agreeing += value[:, None] == column
        agreed[block] = agreeing.max(axis=1, initial=0)
        same = (agreeing == VALUES) & (some.exact[block][:, None] == others.exact)
        exact[block] = same.any(axis=1)
    chance = 2.0**-_BITS
    estimated = (agreed / VALUES - chance) / (1 - chance)
    return Likeness(exact, np.where(exact, 1.0, np.where(agreed >= SIMILAR, estimated, 0.0)))


def fingerprint_set(texts: Iterable[str]) -> Fingerprints:
    """The fingerprints of texts, each once, in an order that tells nothing of theirs."""
    return fingerprint(sorted(set(texts)))


def write_fingerprints(folder: Path, splits: Mapping[str, Fingerprints], data: DataHashes) -> None:
    """Writes the fingerprints of the texts that a model learned from into its folder.

    Args:
        folder: of the model.
        splits: by name, those of its texts.
        data: by which the file is known to belong to the model.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, found in splits.items():
        arrays |= {f"{name}.exact": found.exact, f"{name}.minima": found.minima}
    metadata = {"data": json.dumps(_hashes(data)), "sha256": _hash(arrays)}
    write_arrays(folder / LEARNED, arrays, metadata)


def read_fingerprints(folder: Path, data: DataHashes) -> dict[str, Fingerprints] | None:
    """The fingerprints in a model's folder by split; None if there are none. ``data`` as of ``write_fingerprints``.

    Raises:
        ModelError: the file is damaged, or belongs to a model that learned from other data.
    """
    path = folder / LEARNED
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"Cannot read {path}: {error}. Copy the model's folder again, or delete the file.") from None
    if metadata.get("sha256") != _hash(arrays) or json.loads(metadata.get("data", "{}")) != _hashes(data):
        raise ModelError(
            f"{path} does not belong to the model beside it: expected hashes of what stance.json names. Copy the "
            "model's folder again, or delete the file."
        )
    return {name: Fingerprints(arrays[f"{name}.exact"], arrays[f"{name}.minima"]) for name in data}


def _hashes(data: DataHashes) -> dict[str, object]:
    return {name: part["sha256"] for name, part in data.items()}


def _hash(arrays: Mapping[str, NDArray[np.generic]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _minima(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Two values to a byte, of shape (texts, VALUES / 2)."""
    lengths = np.array([len(text) for text in texts])
    characters = np.frombuffer("".join(texts).encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
    grams = np.zeros(len(characters) - GRAM + 1, dtype=np.uint64)
    for place in range(GRAM):
        grams = _mixed(grams + _STEP) ^ characters[place : place + len(grams)].astype(np.uint64)
    ends = np.cumsum(lengths)
    inside = np.ones(len(grams), dtype=np.bool_)
    for back in range(1, GRAM):  # grams that reach from one text into the next
        inside[ends[:-1] - back] = False
    starts = np.concatenate([[0], np.cumsum(lengths - GRAM + 1)[:-1]])
    grams = grams[inside]
    values = np.empty((len(texts), VALUES), dtype=np.uint8)
    for number, moved in enumerate(np.arange(1, VALUES + 1, dtype=np.uint64) * _STEP):
        values[:, number] = np.minimum.reduceat(_mixed(grams + moved), starts) & np.uint64(2**_BITS - 1)
    packed: NDArray[np.uint8] = values[:, ::2] << np.uint8(_BITS) | values[:, 1::2]
    return packed


def _unpacked(minima: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([minima >> _BITS, minima & (2**_BITS - 1)], axis=2).reshape(len(minima), VALUES)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers that hang on every bit of those given: the end of SplitMix64 (Steele, Lea and Flood 2014)."""
    for shift, multiplier in zip((np.uint64(30), np.uint64(27)), _MULTIPLIERS, strict=True):
        numbers = (numbers ^ (numbers >> shift)) * multiplier
    return numbers ^ (numbers >> np.uint64(31))
