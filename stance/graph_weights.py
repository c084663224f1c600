"""The network's weights in the form in which its graph takes them: joined, turned round, and perhaps in 8 bits.

They are made anew whenever a model is loaded, which takes less time than reading them; so a model has one file of
weights.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.config import Precision
from stance.errors import ConfigError

Arrays = Mapping[str, NDArray[Any]]

INPUTS = ("input_ids", "attention_mask")
WORDS, POSITIONS, RELATIVE = "embeddings.words", "embeddings.positions", "attention.relative"
OUTLIERS, OTHERS = "outliers", "others"
"""Channels between the layers that are far larger than the rest, and 1 for each of the rest, 0 for them."""
MOST, FEW = "most", "few"
"""Of a projection, the part in 8 bits, and the part of the outliers, which is exact."""


@dataclass(frozen=True)
class Names:
    """Where an architecture keeps what the graph needs; ``{}`` stands for the number of a layer.

    Attributes:
        query, key, value: the three projections of attention, which the graph does as one.
        attended: the projection after attention, and the normalisation after that.
        between: the first of the two projections that follow.
        output: the second, and its normalisation.
    """

    query: str
    key: str
    value: str
    attended: tuple[str, str]
    between: str = "encoder.layer.{}.intermediate.dense"
    output: tuple[str, str] = ("encoder.layer.{}.output.dense", "encoder.layer.{}.output.LayerNorm")


ARCHITECTURES = {
    "bert": Names(
        query="encoder.layer.{}.attention.self.query",
        key="encoder.layer.{}.attention.self.key",
        value="encoder.layer.{}.attention.self.value",
        attended=("encoder.layer.{}.attention.output.dense", "encoder.layer.{}.attention.output.LayerNorm"),
    ),
    "mpnet": Names(
        query="encoder.layer.{}.attention.attn.q",
        key="encoder.layer.{}.attention.attn.k",
        value="encoder.layer.{}.attention.attn.v",
        attended=("encoder.layer.{}.attention.attn.o", "encoder.layer.{}.attention.LayerNorm"),
    ),
}
"""Those that a graph is known for; the others run in torch."""

_LARGEST = 63
_OUTLIERS, _OUTLYING = 4, 4.0
"""How many channels are multiplied exactly, where one is so many times as large as the typical one. Three or four of
MPNet's are up to fifty times as large as the others, for which they would leave but few of 256 levels (Dettmers et al.
2022, "LLM.int8()"); more of them gain nothing. MiniLM's lie closer, and the steps would cost more than they give."""
_NONE: NDArray[np.int64] = np.array([], dtype=np.int64)
_FIRST_POSITION = 2
"""Of MPNet's positions, the one of a sentence's first token: the two before are padding's and none."""
_BUCKETS, _FAR = 32, 128
"""Of MPNet's relative positions: how many kinds of distance, and from where on all are alike."""


def check_architecture(encoder: Mapping[str, Any], folder: Path) -> None:
    """Tells whether a graph is known for an encoder.

    Args:
        encoder: its config.
        folder: of the model, for the message.

    Raises:
        ConfigError: none is.
    """
    if encoder["model_type"] not in ARCHITECTURES or encoder["hidden_act"] != "gelu":
        raise ConfigError(
            f"Graphs are known for {' and '.join(ARCHITECTURES)} encoders, and {folder} has one of the kind "
            f"{encoder['model_type']} ({encoder.get('hidden_act')}): it runs in torch."
        )


def graph_weights(
    weights: Arrays, encoder: Mapping[str, Any], precision: Precision, longest: int
) -> dict[str, NDArray[Any]]:
    """The arrays that the graph takes, by name.

    Args:
        weights: the network's.
        encoder: the encoder's config.
        precision: of the projections in the layers.
        longest: sentence in tokens.
    """
    names = ARCHITECTURES[encoder["model_type"]]
    arrays = dict(_embeddings(weights, encoder, longest))
    few = _NONE if precision is Precision.fp32 else _outliers(weights, names, encoder)
    if len(few):
        others = np.isin(np.arange(encoder["hidden_size"]), few, invert=True)
        arrays |= {OUTLIERS: few, OTHERS: others.astype(np.float32)}
    for layer in range(encoder["num_hidden_layers"]):
        parts = [f"encoder.{name.format(layer)}" for name in (names.query, names.key, names.value)]
        joined = np.concatenate([weights[f"{part}.weight"] for part in parts])
        arrays |= _hidden_projection(f"{layer}.attention", joined, precision, few)
        arrays[f"{layer}.attention.bias"] = np.concatenate([weights[f"{part}.bias"] for part in parts])
        for name, (part, norm) in (
            ("attended", names.attended),
            ("between", (names.between, None)),
            ("output", names.output),
        ):
            source = f"encoder.{part.format(layer)}"
            matrix = weights[f"{source}.weight"]
            if name == "between":
                arrays |= _hidden_projection(f"{layer}.{name}", matrix, precision, few)
            else:
                arrays |= _projection(f"{layer}.{name}", matrix, precision)
            arrays[f"{layer}.{name}.bias"] = weights[f"{source}.bias"]
            if norm is not None:
                for kind in ("weight", "bias"):
                    arrays[f"{layer}.{name}.norm.{kind}"] = weights[f"encoder.{norm.format(layer)}.{kind}"]
    arrays |= {name: weights[name] for name in ("classifier.weight", "classifier.bias")}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _embeddings(weights: Arrays, encoder: Mapping[str, Any], longest: int) -> Iterator[tuple[str, NDArray[Any]]]:
    prefix = "encoder.embeddings"
    yield WORDS, weights[f"{prefix}.word_embeddings.weight"]
    positions = weights[f"{prefix}.position_embeddings.weight"]
    if encoder["model_type"] == "mpnet":
        yield POSITIONS, positions[_FIRST_POSITION : _FIRST_POSITION + longest]
        yield RELATIVE, _relative(weights["encoder.encoder.relative_attention_bias.weight"], longest)
    else:
        # Every token is of type 0.
        yield POSITIONS, positions[:longest] + weights[f"{prefix}.token_type_embeddings.weight"][0]
    for kind in ("weight", "bias"):
        yield f"embeddings.norm.{kind}", weights[f"{prefix}.LayerNorm.{kind}"]


def _relative(bias: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """What each head adds to attention between positions, of shape (1, heads, longest, longest).

    Near distances have a bucket each, farther ones share buckets that widen (as in T5), for either direction.
    """
    positions = np.arange(longest)
    away = positions[:, None] - positions[None, :]
    half, exact = _BUCKETS // 2, _BUCKETS // 4
    distance = np.abs(away)
    widening = exact + np.log(np.maximum(distance, 1) / exact) / np.log(_FAR / exact) * (half - exact)
    bucket = np.where(away < 0, half, 0) + np.where(
        distance < exact, distance, np.minimum(widening.astype(np.int64), half - 1)
    )
    added: NDArray[np.float32] = bias[bucket].transpose(2, 0, 1)[None]
    return added


def _outliers(weights: Arrays, names: Names, encoder: Mapping[str, Any]) -> NDArray[np.int64]:
    """The channels that are by far the largest after a normalisation, measured by its typical one, in any layer."""
    norms = [f"encoder.{names.attended[1].format(layer)}" for layer in range(encoder["num_hidden_layers"])]
    # What a normalisation gives is hardly ever more than three deviations from its mean.
    sizes = [np.abs(weights[f"{norm}.bias"]) + 3 * np.abs(weights[f"{norm}.weight"]) for norm in norms]
    relative = np.max([size / np.median(size) for size in sizes], axis=0)
    wanted = _OUTLIERS if relative.max() >= _OUTLYING else 0
    return np.sort(np.argsort(-relative, kind="stable")[:wanted])


def _hidden_projection(
    name: str, weight: NDArray[np.float32], precision: Precision, outliers: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """The matrix of a projection of what is between the layers: in 8 bits but for the rows of the outliers."""
    if not len(outliers):
        return _projection(name, weight, precision)
    rest = weight.copy()
    rest[:, outliers] = 0
    return {f"{name}.{FEW}": weight.T[outliers], **_projection(f"{name}.{MOST}", rest, precision)}


def _projection(name: str, weight: NDArray[np.float32], precision: Precision) -> dict[str, NDArray[Any]]:
    """A projection's matrix, of shape (inputs, outputs); in 8 bits each output has a scale of its own.

    Of the 8 bits 7 are used: processors without instructions for 8-bit products add pairs of them in 16 bits, which
    would overflow, and the same model would say other things there.
    """
    matrix = weight.T
    if precision is Precision.fp32:
        return {f"{name}.weight": matrix}
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / _LARGEST
    return {
        f"{name}.weight": np.rint(matrix / scale).astype(np.int8),
        f"{name}.scale": scale.astype(np.float32),
        f"{name}.zero": np.zeros(scale.shape, np.int8),
    }
