"""Runs a network in OpenVINO, the fastest on processors that multiply in bf16. Its package is an extra."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stance.config import Precision
from stance.folder_inference import FolderInference
from stance.graph_weights import check_architecture, graph_weights
from stance.openvino_graph import compile_graph, fastest_precision
from stance.sieve import Sieve


class OpenVinoInference(FolderInference):
    """A network in fp32 or bf16; by default in the one that is faster here. It needs no file with a graph.

    Raises:
        ConfigError: no graph is known for the encoder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_length: int,
        base: Path | None = None,
        precision: Precision | None = None,
        sieve: Sieve | None = None,
    ) -> None:
        super().__init__(folder, max_length=max_length, base=base, sieve=sieve)
        check_architecture(self.config["encoder"], folder)
        precision = precision or fastest_precision()
        self.backend = f"OpenVINO, {precision.name}"
        arrays = graph_weights(self.weights, self.config["encoder"], Precision.fp32, max_length)
        self._compiled = compile_graph(arrays, self.config, precision)

    def _run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self._compiled([input_ids, attention_mask])[0]
        return logits
