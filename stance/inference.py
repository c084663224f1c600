"""The batching core: texts in, logits out, in the order of the texts.

Everything that predicts goes through ``Inference``; another way to run the network is another implementation of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, BatchEncoding, PreTrainedModel, PreTrainedTokenizerBase

from stance.network import StanceForSequenceClassification
from stance.progress import quiet_transformers
from stance.text import without_surrogates

BATCH_TOKENS = 4096
"""Tokens a batch, padding included: bounds memory whatever the sentences' length."""


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

    def logits(self, texts: Sequence[str]) -> Logits:
        """Logits for each text, independent of the other texts beside it."""
        ...

    def save_pretrained(self, folder: Path) -> None:
        """Writes weights, config and tokenizer."""
        ...


class TorchInference:
    """Runs the network in PyTorch, in fp32 on the CPU or on a CUDA device."""

    def __init__(
        self,
        network: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_length: int,
        device: str | None = None,
    ) -> None:
        self.network = network.train(False).to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.tokenizer = tokenizer
        self.max_length = max_length

    @classmethod
    def from_pretrained(cls, folder: Path, *, max_length: int, device: str | None = None) -> "TorchInference":
        """Loads a saved network and its tokenizer from a local folder."""
        with quiet_transformers():
            network = StanceForSequenceClassification.from_pretrained(
                folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(network, tokenizer, max_length=max_length, device=device)

    def save_pretrained(self, folder: Path) -> None:
        """Writes weights, config and tokenizer."""
        with quiet_transformers():
            self.network.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    @torch.inference_mode()
    def logits(self, texts: Sequence[str]) -> Logits:
        """Logits for each text."""
        tokens = encode(self.tokenizer, texts, self.max_length)
        values = np.empty((len(texts), self.network.config.num_labels), dtype=np.float32)
        for batch, inputs in padded_batches(self.tokenizer, tokens):
            values[batch] = self.network(**inputs.to(self.network.device)).logits.float().cpu().numpy()
        return Logits(values, tokens.truncated)


@dataclass(frozen=True)
class Tokens:
    """Token ids of each text, and whether its end had to be cut."""

    ids: list[list[int]]
    truncated: NDArray[np.bool_]


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int) -> Tokens:
    """Token ids of each text, special tokens included, at most ``max_length`` of them."""
    if not texts:
        return Tokens([], np.zeros(0, dtype=np.bool_))
    cleaned = [without_surrogates(text) for text in texts]
    # One token more than fits tells a text that is cut from one that just fits.
    ids = tokenizer(cleaned, truncation=True, max_length=max_length + 1, return_attention_mask=False)["input_ids"]
    truncated = np.array([len(sequence) > max_length for sequence in ids], dtype=np.bool_)
    for index in np.flatnonzero(truncated):
        ids[index] = tokenizer(cleaned[index], truncation=True, max_length=max_length)["input_ids"]
    return Tokens(ids, truncated)


def padded_batches(tokenizer: PreTrainedTokenizerBase, tokens: Tokens) -> Iterator[tuple[list[int], BatchEncoding]]:
    """Positions of texts, and their ids as tensors; a batch holds texts of like length, to compute little padding."""
    for batch in batches_by_length([len(ids) for ids in tokens.ids], BATCH_TOKENS):
        yield batch, tokenizer.pad({"input_ids": [tokens.ids[index] for index in batch]}, return_tensors="pt")


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
