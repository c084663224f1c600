"""Runs a network in ONNX Runtime, which starts at once: neither torch nor transformers is imported.

A graph says what is computed and holds no weights: those are the ones that torch reads too, in another form.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stance.config import Precision
from stance.errors import ModelError
from stance.folder_inference import FolderInference, thread_count
from stance.graph_weights import INPUTS, graph_weights
from stance.inference import Batch
from stance.sieve import Sieve
from stance.sources import GRAPHS


class OnnxInference(FolderInference):
    """A network in the precision of one of its graphs: that in the folder, unless another is given, to be tried."""

    def __init__(
        self,
        folder: Path,
        *,
        max_length: int,
        base: Path | None = None,
        precision: Precision = Precision.fp32,
        graph: bytes | None = None,
        sieve: Sieve | None = None,
    ) -> None:
        super().__init__(folder, max_length=max_length, base=base, sieve=sieve)
        self.backend = f"ONNX Runtime, {precision.name}"
        self._precision = precision
        self._graph = graph or (folder / GRAPHS[precision]).read_bytes()

    @cached_property
    def _one(self) -> onnxruntime.InferenceSession:
        """All cores work on one batch."""
        return self._session(thread_count())

    @cached_property
    def _many(self) -> onnxruntime.InferenceSession:
        """Each batch has a core to itself; faster, where there are several, than all cores meeting at every step."""
        return self._session(1)

    def _session(self, threads: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        arrays = graph_weights(self.weights, self.config["encoder"], self._precision, self.max_length)
        options.add_external_initializers(
            list(arrays), [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
        )
        try:
            return onnxruntime.InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # those of ONNX Runtime have nothing narrower in common
            raise ModelError(
                f"ONNX Runtime cannot run {self.folder / GRAPHS[self._precision]}: it is damaged, or another version "
                f"of stance made it. Make it anew: python scripts/export.py model.path={self.folder} ({error})"
            ) from error

    def _run(self, batches: Sequence[Batch]) -> Iterator[NDArray[np.float32]]:
        if len(batches) == 1:
            yield _answer(self._one, batches[0])
        elif batches:
            session = self._many  # made here, once, and not by each thread
            with ThreadPoolExecutor(thread_count() or os.cpu_count()) as pool:
                yield from pool.map(lambda batch: _answer(session, batch), batches)


def _answer(session: onnxruntime.InferenceSession, batch: Batch) -> NDArray[np.float32]:
    (logits,) = session.run(None, dict(zip(INPUTS, batch, strict=True)))
    answer: NDArray[np.float32] = logits
    return answer
