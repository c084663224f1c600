"""Runs a network in ONNX Runtime, which starts at once: neither torch nor transformers is imported.

A graph says what is computed and holds no weights: those are the ones that torch reads too, in another form.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from stance.config import Precision
from stance.delta import Weights, read_delta
from stance.graph_weights import INPUTS, graph_weights
from stance.inference import Logits, infer
from stance.sieve import Sieve
from stance.sources import GRAPHS, WEIGHTS


class OnnxInference:
    """A network on the CPU, in the precision of one of its graphs."""

    def __init__(
        self,
        folder: Path,
        tokenizer: Path,
        weights: Weights,
        *,
        max_length: int,
        precision: Precision,
        graph: bytes | None = None,
        sieve: Sieve | None = None,
    ) -> None:
        self.folder = folder
        self.tokenizer_folder = tokenizer
        self.weights = weights
        self.max_length = max_length
        self.sieve = sieve
        self.backend = f"ONNX Runtime, {precision.name}"
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._labels = len(config["id2label"])
        self._pad = config["encoder"].get("pad_token_id") or 0
        self._tokenizer = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        arrays = graph_weights(weights, config["encoder"], precision, max_length)
        options.add_external_initializers(
            list(arrays), [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
        )
        self._session = onnxruntime.InferenceSession(
            graph or (folder / GRAPHS[precision]).read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    @classmethod
    def from_pretrained(
        cls,
        folder: Path,
        *,
        max_length: int,
        base: Path | None = None,
        precision: Precision = Precision.fp32,
        graph: bytes | None = None,
        sieve: Sieve | None = None,
    ) -> "OnnxInference":
        """Loads a network from a local folder; a delta together with the base in another.

        The graph is that of the precision in the folder, unless another is given, to be tried. A sieve, if one is
        given, keeps from the network what it settles.
        """
        weights = load_file(folder / WEIGHTS) if base is None else read_delta(folder, base)
        return cls(
            folder, base or folder, weights, max_length=max_length, precision=precision, graph=graph, sieve=sieve
        )

    def save_pretrained(self, folder: Path) -> None:
        """Writes weights, config, graphs and tokenizer."""
        save_file(dict(self.weights), folder / WEIGHTS, metadata={"format": "pt"})
        for source, name in (
            (self.folder, "config.json"),
            *((self.folder, graph) for graph in GRAPHS.values() if (self.folder / graph).exists()),
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
            width=self._labels,
            pad=self._pad,
            max_length=self.max_length,
            sieve=self.sieve,
        )

    def _tokenize(self, texts: list[str], max_length: int) -> list[list[int]]:
        self._tokenizer.enable_truncation(max_length)
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(texts)]

    def _run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        logits: NDArray[np.float32]
        (logits,) = self._session.run(None, dict(zip(INPUTS, (input_ids, attention_mask), strict=True)))
        return logits
