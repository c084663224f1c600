"""The batching core: texts in, logits out, in the order of the texts.

Everything that predicts goes through ``Inference``; ``torch_inference``, ``onnx_inference`` and ``openvino_inference``
are ways to run a network, and share ``infer``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stance.sieve import Sieve
from stance.text import without_surrogates

BATCH_TOKENS = 512
"""Tokens a batch on a CPU: bounds memory whatever the sentences' length, and what is computed stays in its cache."""

Tokenize = Callable[[list[str], int], list[list[int]]]
"""Texts, and how many tokens one may have, to the token ids of each, special tokens included."""

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Token ids and attention mask, both of shape (texts, tokens)."""

Run = Callable[[Sequence[Batch]], Iterable[NDArray[np.float32]]]
"""Batches to the answer for each, in order, of shape (texts, width): logits, mostly."""


@dataclass(frozen=True)
class Logits:
    """The network's answer for a list of texts.

    Attributes:
        values: shape (texts, labels), before calibration.
        truncated: shape (texts,), True where a text was too long and its end was not read.
    """

    values: NDArray[np.float32]
    truncated: NDArray[np.bool_]


class Inference(Protocol):
    """Runs a network over texts."""

    @property
    def backend(self) -> str:
        """What computes, and how exactly: others may give other digits."""
        ...

    @property
    def sieve(self) -> Sieve | None:
        """What settles at little cost which texts surely carry no label; None where the network reads all."""
        ...

    def logits(self, texts: Sequence[str]) -> Logits:
        """Logits for each text, independent of the other texts beside it."""
        ...

    def save_pretrained(self, folder: Path) -> None:
        """Writes weights, config and tokenizer."""
        ...


@dataclass(frozen=True)
class Tokens:
    """Token ids of each text, and whether its end had to be cut."""

    ids: list[list[int]]
    truncated: NDArray[np.bool_]


def infer(
    texts: Sequence[str],
    tokenize: Tokenize,
    run: Run,
    *,
    width: int,
    pad: int,
    max_length: int,
    sieve: Sieve | None = None,
    batch_tokens: int = BATCH_TOKENS,
) -> Logits:
    """Logits for each text; batches hold texts of like length, so that little padding is computed.

    Args:
        texts: any number of them.
        tokenize: texts to token ids.
        run: the network.
        width: how many numbers it answers for a text.
        pad: the token id that fills up shorter texts of a batch.
        max_length: longest text in tokens.
        sieve: answers for the texts that it settles; the network is not run on these.
        batch_tokens: tokens a batch, padding included.
    """
    tokens = encode(tokenize, texts, max_length)
    if sieve is None:
        values, open_ones = np.empty((len(texts), width), dtype=np.float32), np.arange(len(texts))
    else:
        values = sieve.logits(tokens.ids)
        open_ones = np.flatnonzero(~sieve.settles(values))
    ids = [tokens.ids[index] for index in open_ones]
    batches = batches_by_length([len(text) for text in ids], batch_tokens)
    answers = run([padded([ids[index] for index in batch], pad) for batch in batches])
    for batch, answer in zip(batches, answers, strict=True):
        values[open_ones[batch]] = answer
    return Logits(values, tokens.truncated)


def encode(tokenize: Tokenize, texts: Sequence[str], max_length: int) -> Tokens:
    """Token ids of each text, at most ``max_length`` of them."""
    if not texts:
        return Tokens([], np.zeros(0, dtype=np.bool_))
    cleaned = [without_surrogates(text) for text in texts]
    # One token more than fits tells a text that is cut from one that just fits.
    ids = tokenize(cleaned, max_length + 1)
    truncated = np.array([len(sequence) > max_length for sequence in ids], dtype=np.bool_)
    cut = np.flatnonzero(truncated)
    if len(cut):
        for index, shorter in zip(cut, tokenize([cleaned[index] for index in cut], max_length), strict=True):
            ids[index] = shorter
    return Tokens(ids, truncated)


def padded(ids: Sequence[Sequence[int]], pad: int) -> Batch:
    """Token ids of texts, filled up with ``pad``, and attention mask, both of shape (texts, tokens)."""
    input_ids = np.full((len(ids), max(map(len, ids))), pad, dtype=np.int64)
    attention_mask = np.zeros_like(input_ids)
    for row, text in enumerate(ids):
        input_ids[row, : len(text)] = text
        attention_mask[row, : len(text)] = 1
    return input_ids, attention_mask


def batches_by_length(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Groups positions so that neighbours have like length and no batch exceeds the budget, padding included.

    The longest come first: if memory is too small it shows at once, not after an hour.
    """
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches
