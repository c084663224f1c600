"""Runs a network in ONNX Runtime, which starts at once: neither torch nor transformers is imported.

A graph says what is computed and holds no weights: those are the ones that torch reads too, in another form.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from stance.config import Precision
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
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = thread_count()
        arrays = graph_weights(self.weights, self.config["encoder"], precision, max_length)
        options.add_external_initializers(
            list(arrays), [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
        )
        self._session = onnxruntime.InferenceSession(
            graph or (folder / GRAPHS[precision]).read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def _run(self, batches: Sequence[Batch]) -> Iterator[NDArray[np.float32]]:
        for batch in batches:
            yield from self._session.run(None, dict(zip(INPUTS, batch, strict=True)))
