"""The graph by which ONNX Runtime runs an encoder of the BERT kind: what is computed, without the weights.

It uses the runtime's own fused operators where they are fast, so that little is left to its optimiser. They are
described in https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from stance.config import Pooling, Precision
from stance.graph_weights import FEW, INPUTS, MOST, OTHERS, OUTLIERS, POSITIONS, RELATIVE, WORDS

OPSET = 20
_FUSED = "com.microsoft"
_GELU_LOWEST, _GELU_ZERO = -0.17, 16
"""What GELU gives at least, and the 8-bit number that stands for 0 among what it gives: few are wanted below."""


class _Graph:
    """Nodes in the order in which they are added; each is named for what it gives."""

    def __init__(self, encoder: Mapping[str, Any], precision: Precision, *, outliers: bool) -> None:
        self.encoder = encoder
        self.precision = precision
        self.outliers = outliers
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def add(self, operator: str, inputs: Sequence[str], gives: str, *, fused: bool = False, **attributes: Any) -> str:
        self.nodes.append(
            helper.make_node(operator, inputs, [gives], name=gives, domain=_FUSED if fused else "", **attributes)
        )
        return gives

    def constant(self, name: str, value: Any) -> str:
        self.constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def project(self, values: str, name: str, *, of_gelu: bool = False) -> str:
        """A projection without its bias, which what follows adds.

        In 8 bits the levels of a token's vector do not hang on what stands beside it; the runtime's own operator would
        take one size for the whole batch.
        """
        if self.precision is Precision.fp32:
            return self.add("MatMul", [values, f"{name}.weight"], name)
        size = self.size_of_gelu(values) if of_gelu else self.size(values)
        zero = _GELU_ZERO if of_gelu else 128
        level = self.constant(f"level above {zero}", np.float32(1 / (255 - zero)))
        middle = self.constant(f"middle {zero}", np.uint8(zero))
        unit = self.add("Div", [values, size], f"{values}.unit")
        levels = self.add("QuantizeLinear", [unit, level, middle], f"{values}.levels")
        inputs = [levels, f"{name}.weight", level, f"{name}.scale", middle, f"{name}.zero"]
        return self.add("Mul", [self.add("MatMulIntegerToFloat", inputs, f"{name}.levels", fused=True), size], name)

    def size(self, values: str) -> str:
        """Of each token's vector, the largest value on either side of 0."""
        axis = self.constant("last axis", np.array([-1]))
        size = self.add("ReduceMax", [self.add("Abs", [values], f"{values}.abs"), axis], f"{values}.size", keepdims=1)
        return self.add("Max", [size, self.constant("tiny", np.float32(1e-9))], f"{values}.size.positive")

    def size_of_gelu(self, values: str) -> str:
        """Of each token's vector, the largest value, or so much that the numbers below 0 reach the lowest."""
        axis = self.constant("last axis", np.array([-1]))
        least = self.constant("least", np.float32(-_GELU_LOWEST * (255 - _GELU_ZERO) / _GELU_ZERO))
        size = self.add("ReduceMax", [values, axis], f"{values}.size", keepdims=1)
        return self.add("Max", [size, least], f"{values}.size.least")

    def project_hidden(self, values: str, name: str) -> str:
        """A projection of what is between the layers, of which outliers, if there are any, are multiplied exactly."""
        if not self.outliers:
            return self.project(values, name)
        few = self.add("Gather", [values, OUTLIERS], f"{name}.outliers", axis=-1)
        exact = self.add("MatMul", [few, f"{name}.{FEW}"], f"{name}.exact")
        most = self.project(self.add("Mul", [values, OTHERS], f"{name}.others"), f"{name}.{MOST}")
        return self.add("Add", [most, exact], name)

    def project_onto(self, before: str, values: str, name: str, *, of_gelu: bool = False) -> str:
        """A projection added to what was there before, and normalised.

        In steps, since the runtime's fused operator takes four times as long.
        """
        projected = self.project(values, name, of_gelu=of_gelu)
        projected = self.add("Add", [projected, f"{name}.bias"], f"{name}.projected")
        inputs = [self.add("Add", [projected, before], f"{name}.sum"), f"{name}.norm.weight", f"{name}.norm.bias"]
        return self.add("LayerNormalization", inputs, f"{name}.normed", epsilon=self.encoder["layer_norm_eps"])


def build_graph(arrays: Mapping[str, NDArray[Any]], config: Mapping[str, Any], precision: Precision) -> onnx.ModelProto:
    """The graph of a network.

    Args:
        arrays: those of ``graph_weights``, of which only name, type and shape are taken.
        config: the network's.
        precision: of the projections in the layers.
    """
    encoder = config["encoder"]
    graph = _Graph(encoder, precision, outliers=OUTLIERS in arrays)
    hidden = _embed(graph)
    relative = _relative(graph) if RELATIVE in arrays else ""
    mask = graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    for layer in range(encoder["num_hidden_layers"]):
        hidden = _layer(graph, layer, hidden, mask, relative)
    pooled = _pool(graph, hidden, Pooling[config["pooling"]])
    graph.add("Gemm", [pooled, "classifier.weight", "classifier.bias"], "logits", transB=1)
    labels = len(config["id2label"])
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "stance",
            [helper.make_tensor_value_info(name, TensorProto.INT64, ["sentences", "tokens"]) for name in INPUTS],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["sentences", labels])],
            initializer=[*graph.constants.values(), *(_elsewhere(name, array) for name, array in arrays.items())],
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(_FUSED, 1)],
        producer_name="stance",
    )
    model.ir_version = 10
    return model


def _elsewhere(name: str, array: NDArray[Any]) -> onnx.TensorProto:
    """An initializer whose values are given when the graph is loaded."""
    tensor = onnx.TensorProto(
        name=name,
        data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
        dims=array.shape,
        data_location=TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value="model")  # must be named, and is never opened
    return tensor


def _embed(graph: _Graph) -> str:
    words = graph.add("Gather", [WORDS, "input_ids"], "words")
    graph.add("Shape", ["input_ids"], "tokens", start=1, end=2)
    zero = graph.constant("zero", np.array([0]))
    positions = graph.add("Slice", [POSITIONS, zero, "tokens", zero], "positions")
    return graph.add(
        "LayerNormalization",
        [graph.add("Add", [words, positions], "embedded"), "embeddings.norm.weight", "embeddings.norm.bias"],
        "hidden",
        epsilon=graph.encoder["layer_norm_eps"],
    )


def _relative(graph: _Graph) -> str:
    ends = graph.add("Concat", ["tokens", "tokens"], "ends", axis=0)
    starts, axes = graph.constant("starts", np.array([0, 0])), graph.constant("axes", np.array([2, 3]))
    return graph.add("Slice", [RELATIVE, starts, ends, axes], "relative")


def _layer(graph: _Graph, layer: int, hidden: str, mask: str, relative: str) -> str:
    joined = graph.project_hidden(hidden, f"{layer}.attention")
    parts = [f"{layer}.{part}" for part in ("query", "key", "value")]
    graph.nodes.append(helper.make_node("Split", [joined], parts, axis=-1, num_outputs=3))
    attended = graph.add(
        "MultiHeadAttention",
        [*parts, f"{layer}.attention.bias", mask, relative],
        f"{layer}.heads",
        fused=True,
        num_heads=graph.encoder["num_attention_heads"],
    )
    after = graph.project_onto(hidden, attended, f"{layer}.attended")
    projected = graph.project_hidden(after, f"{layer}.between")
    between = graph.add("BiasGelu", [projected, f"{layer}.between.bias"], f"{layer}.gelu", fused=True)
    return graph.project_onto(after, between, f"{layer}.output", of_gelu=True)


def _pool(graph: _Graph, hidden: str, pooling: Pooling) -> str:
    if pooling is Pooling.cls:
        first = graph.constant("first", np.array(0))
        return graph.add("Gather", [hidden, first], "pooled", axis=1)
    one, last = graph.constant("one", np.array([1])), graph.constant("last", np.array([2]))
    kept = graph.add("Unsqueeze", [graph.add("Cast", ["attention_mask"], "kept", to=TensorProto.FLOAT), last], "weight")
    total = graph.add("ReduceSum", [graph.add("Mul", [hidden, kept], "weighted"), one], "total", keepdims=0)
    count = graph.add("ReduceSum", [kept, one], "count", keepdims=0)
    mean = graph.add("Div", [total, count], "mean")
    if pooling is Pooling.mean:
        return mean
    lowest = graph.constant("lowest", np.array(np.finfo(np.float32).min, np.float32))
    real = graph.add("Cast", [kept], "real", to=TensorProto.BOOL)
    highest = graph.add("ReduceMax", [graph.add("Where", [real, hidden, lowest], "masked"), one], "highest", keepdims=0)
    return graph.add("Concat", [mean, highest], "pooled", axis=-1)
