"""Runs a network in OpenVINO, the fastest on some processors that multiply in bf16. Its package is an extra."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stance.config import Precision
from stance.folder_inference import FolderInference, thread_count
from stance.graph_weights import check_architecture, graph_weights
from stance.inference import Batch
from stance.openvino_graph import build_graph, compile_graph, fastest_precision, queue_graph
from stance.sieve import Sieve

if TYPE_CHECKING:  # else it would be imported before ``openvino_graph`` has seen to its silence
    from openvino import AsyncInferQueue, CompiledModel, InferRequest


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
        self._precision = precision or fastest_precision()
        self.backend = f"OpenVINO, {self._precision.name}"
        arrays = graph_weights(self.weights, self.config["encoder"], Precision.fp32, max_length)
        self._graph = build_graph(arrays, self.config)

    @cached_property
    def _one(self) -> "CompiledModel":
        return compile_graph(self._graph, self._precision, thread_count())

    @cached_property
    def _many(self) -> "AsyncInferQueue":
        return queue_graph(self._graph, self._precision, thread_count())

    def _run(self, batches: Sequence[Batch]) -> list[NDArray[np.float32]]:
        if len(batches) < 2:  # noqa: PLR2004 (nothing to run side by side)
            return [self._one(batch)[0] for batch in batches]
        answers: dict[int, NDArray[np.float32]] = {}

        def keep(request: "InferRequest", number: int) -> None:
            answers[number] = request.get_output_tensor().data.copy()  # its memory is the next batch's

        self._many.set_callback(keep)
        for number, batch in enumerate(batches):
            self._many.start_async(batch, number)
        self._many.wait_all()
        return [answers[number] for number in range(len(batches))]
