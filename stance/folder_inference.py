"""What runs a network without torch from the files in a model's folder, whatever library computes."""

import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from stance.arrays import write_arrays
from stance.delta import Weights, read_delta
from stance.inference import Batch, Logits, infer
from stance.sieve import Sieve
from stance.sources import WEIGHTS


class FolderInference(ABC):
    """A network that runs on the CPU, its tokenizer and its weights.

    Args:
        folder: of the model.
        max_length: longest sentence in tokens.
        base: the folder of its base, if the model is kept as the difference from one.
        sieve: keeps from the network what it settles.
    """

    backend: str
    """What computes, and how exactly."""

    def __init__(self, folder: Path, *, max_length: int, base: Path | None, sieve: Sieve | None) -> None:
        self.folder = folder
        self.tokenizer_folder = base or folder
        self.weights: Weights = load_file(folder / WEIGHTS) if base is None else read_delta(folder, base)
        self.max_length = max_length
        self.sieve = sieve
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._tokenizer = Tokenizer.from_file(str(self.tokenizer_folder / "tokenizer.json"))
        self._tokenizer.no_padding()

    def save_pretrained(self, folder: Path) -> None:
        """Writes weights, config and tokenizer."""
        write_arrays(folder / WEIGHTS, self.weights, {"format": "pt"})
        for source, name in (
            (self.folder, "config.json"),
            (self.tokenizer_folder, "tokenizer.json"),
            (self.tokenizer_folder, "tokenizer_config.json"),
        ):
            shutil.copyfile(source / name, folder / name)

    def logits(self, texts: Sequence[str]) -> Logits:
        """Logits for each text, independent of the other texts beside it."""
        return infer(
            texts,
            self._tokenize,
            self._run,
            width=len(self.config["id2label"]),
            pad=self.config["encoder"].get("pad_token_id") or 0,
            max_length=self.max_length,
            sieve=self.sieve,
        )

    def _tokenize(self, texts: list[str], max_length: int) -> list[list[int]]:
        self._tokenizer.enable_truncation(max_length)
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    @abstractmethod
    def _run(self, batches: Sequence[Batch]) -> Iterable[NDArray[np.float32]]:
        """Logits for each batch."""


def thread_count() -> int:
    """How many cores a network may take; 0, for the library that runs it to choose, where nothing bounds them.

    ``OMP_NUM_THREADS`` bounds them, which PyTorch heeds by itself, and so does a scheduler that holds this process to
    some of the machine's.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal():
        return int(wanted)
    if not hasattr(os, "sched_getaffinity"):  # it is Linux's
        return 0
    held = len(os.sched_getaffinity(0))
    return 0 if held == os.cpu_count() else held
