"""What this machine is, the most that bare matrix products reach on it, and what a sentence takes of them."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stance.config import Precision

_PRODUCTS = ((1536, 1536, 1536), (2048, 384, 1536), (2048, 1536, 384))
"""Rows, inner size and columns of the bare products: a large one, and those of a batch in MiniLM's layers."""
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx_vnni", "avx512_vnni", "amx_bf16", "amx_int8")
"""Abilities of a processor that bear on how fast it multiplies."""


def hardware() -> str:
    """The processor, what it is able to do, and what runs on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set(told.get("flags", "").split())
    wanted = [flag for flag in _FLAGS if flag in flags]
    name = told.get("model name", platform.processor() or platform.machine())
    cores = f"{os.cpu_count()} cores ({', '.join(wanted)})"
    return f"{name}, {cores}, no GPU, {platform.system()}, Python {platform.python_version()}"


def sentence_cost(whole: Path, tokens: float) -> float:
    """Multiply-adds for a sentence of that many tokens: of the projections and of attention."""
    from transformers import AutoConfig

    config: Any = AutoConfig.from_pretrained(whole)
    encoder = config.encoder
    width, between = encoder.hidden_size, encoder.intermediate_size
    return float(encoder.num_hidden_layers * tokens * (4 * width**2 + 2 * width * between + 2 * tokens * width))


def ceiling(precision: Precision, trials: int = 9) -> float:
    """Multiply-adds a second, in billions, of bare matrix products: the most that any of them reaches."""
    reached = []
    for shape in _PRODUCTS:
        for product in _products(precision, *shape):
            product()  # warms up
            for _ in range(trials):
                start = time.perf_counter()
                product()
                reached.append(np.prod(shape) / (time.perf_counter() - start) / 1e9)
    return float(max(reached))


def _products(precision: Precision, rows: int, inner: int, columns: int) -> Iterator[Callable[[], object]]:
    """A product as ONNX Runtime makes it, as torch does, or as either."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(0)
    exact = precision is Precision.fp32
    if precision is not Precision.int8:
        kind = torch.float32 if exact else torch.bfloat16
        one, other = torch.randn(rows, inner, dtype=kind), torch.randn(inner, columns, dtype=kind)
        yield lambda: one @ other
    if precision is Precision.bf16:
        return
    weight = chance.integers(-63, 64, (inner, columns)).astype(np.float32 if exact else np.int8)
    left = chance.integers(0, 256, (rows, inner)).astype(np.float32 if exact else np.uint8)
    kinds = (TensorProto.FLOAT, TensorProto.FLOAT) if exact else (TensorProto.UINT8, TensorProto.INT32)
    graph = helper.make_graph(
        [helper.make_node("MatMul" if exact else "MatMulInteger", ["x", "weight"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", kinds[0], left.shape)],
        [helper.make_tensor_value_info("y", kinds[1], [rows, columns])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    yield lambda: session.run(None, {"x": left})
