"""The graph by which OpenVINO runs an encoder of the BERT kind, its weights included."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# On import, openvino tells its maker so by means of this package; where that is missing, it keeps silent.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402
from openvino import opset15 as ops  # noqa: E402

from stance.config import Pooling, Precision  # noqa: E402
from stance.graph_weights import INPUTS, POSITIONS, RELATIVE, WORDS  # noqa: E402

Arrays = Mapping[str, NDArray[Any]]

_ONE, _FAR = np.array([1], np.float32), np.array([1e9], np.float32)


def fastest_precision() -> Precision:
    """That in which this processor multiplies fastest, of the two that OpenVINO takes as they are."""
    return Precision.bf16 if "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else Precision.fp32


def compile_graph(graph: ov.Model, precision: Precision, threads: int) -> ov.CompiledModel:
    """Ready to run one batch after the other, all cores on each: the soonest answer to a single one.

    Args:
        graph: of a network.
        precision: of the products: fp32 or bf16.
        threads: how many cores it may take; 0 leaves that to OpenVINO.
    """
    return _compile(graph, precision, threads, "LATENCY")


def queue_graph(graph: ov.Model, precision: Precision, threads: int) -> ov.AsyncInferQueue:
    """Ready to run several batches side by side, each on cores of its own: the soonest answer to them all."""
    return ov.AsyncInferQueue(_compile(graph, precision, threads, "THROUGHPUT"))


def _compile(graph: ov.Model, precision: Precision, threads: int, goal: str) -> ov.CompiledModel:
    numbers = {Precision.fp32: "f32", Precision.bf16: "bf16"}[precision]
    options = {"INFERENCE_PRECISION_HINT": numbers, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": goal}
    return ov.Core().compile_model(graph, "CPU", options)


def build_graph(arrays: Arrays, config: Mapping[str, Any]) -> ov.Model:
    """The graph of a network.

    Args:
        arrays: those of ``graph_weights``, in fp32.
        config: the network's.
    """
    encoder = config["encoder"]
    ids, mask = (ops.parameter([-1, -1], np.int64, name=name) for name in INPUTS)
    tokens = ops.gather(ops.shape_of(ids), 1, 0)
    present = ops.convert(mask, "f32")
    # What attention adds to the products of two tokens: nothing, or so much that a padded one has no part.
    added = (ops.unsqueeze(present, [1, 2]) - _ONE) * _FAR
    hidden = ops.gather(arrays[WORDS], ids, 0) + _first(arrays[POSITIONS], tokens, [0])
    hidden = _normalised(arrays, encoder, hidden, "embeddings")
    if RELATIVE in arrays:
        added = added + _first(arrays[RELATIVE], tokens, [2, 3])
    for layer in range(encoder["num_hidden_layers"]):
        hidden = _layer(arrays, encoder, layer, hidden, added)
    pooled = _pool(hidden, present, Pooling[config["pooling"]])
    logits = ops.matmul(pooled, arrays["classifier.weight"], False, True) + arrays["classifier.bias"]
    return ov.Model([logits], [ids, mask], "stance")


def _first(values: NDArray[Any], number: ov.Node, axes: list[int]) -> ov.Node:
    """The first so many along each of the axes."""
    ends = ops.concat([ops.unsqueeze(number, 0)] * len(axes), 0)
    return ops.slice(values, [0] * len(axes), ends, [1] * len(axes), axes)


def _normalised(arrays: Arrays, encoder: Mapping[str, Any], values: ov.Node, name: str) -> ov.Node:
    unit = ops.mvn(values, [-1], True, encoder["layer_norm_eps"], "inside_sqrt")
    return unit * arrays[f"{name}.norm.weight"] + arrays[f"{name}.norm.bias"]


def _projected(arrays: Arrays, values: ov.Node, name: str) -> ov.Node:
    return _product(values, arrays[f"{name}.weight"], arrays[f"{name}.bias"])


def _product(values: ov.Node, weight: NDArray[Any], bias: NDArray[Any]) -> ov.Node:
    return ops.matmul(values, np.ascontiguousarray(weight), False, False) + np.ascontiguousarray(bias)


def _layer(arrays: Arrays, encoder: Mapping[str, Any], layer: int, hidden: ov.Node, added: ov.Node) -> ov.Node:
    heads = encoder["num_attention_heads"]
    size = encoder["hidden_size"] // heads
    # Apart, since taking the three out of one product would copy them.
    weights, biases = (np.split(arrays[f"{layer}.attention.{part}"], 3, axis=-1) for part in ("weight", "bias"))
    query, key, value = (
        ops.transpose(ops.reshape(_product(hidden, weight, bias), [0, 0, heads, size], True), [0, 2, 1, 3])
        for weight, bias in zip(weights, biases, strict=True)
    )
    attended = ops.scaled_dot_product_attention(query, key, value, added)
    attended = ops.reshape(ops.transpose(attended, [0, 2, 1, 3]), [0, 0, heads * size], True)
    after = _normalised(
        arrays, encoder, _projected(arrays, attended, f"{layer}.attended") + hidden, f"{layer}.attended"
    )
    between = ops.gelu(_projected(arrays, after, f"{layer}.between"), "erf")
    return _normalised(arrays, encoder, _projected(arrays, between, f"{layer}.output") + after, f"{layer}.output")


def _pool(hidden: ov.Node, present: ov.Node, pooling: Pooling) -> ov.Node:
    if pooling is Pooling.cls:
        return ops.gather(hidden, 0, 1)
    kept = ops.unsqueeze(present, 2)
    mean = ops.reduce_sum(hidden * kept, [1]) / ops.reduce_sum(kept, [1])
    if pooling is Pooling.mean:
        return mean
    highest = ops.reduce_max(hidden + (kept - _ONE) * _FAR, [1])
    return ops.concat([mean, highest], -1)
