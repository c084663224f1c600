"""Writes the graph by which ONNX Runtime runs a model: what is computed, without the weights.

The weights stay in the model's own file, under the same names, so that they exist once whoever runs them.
"""

from pathlib import Path

import numpy as np

from stance.config import ExportConfig, Precision
from stance.delta import save_delta
from stance.errors import ConfigError, ModelError
from stance.graph_weights import ARCHITECTURES, graph_weights
from stance.model_file import ModelFile
from stance.onnx_inference import OnnxInference
from stance.sources import GRAPH, find_delta_base, find_source
from stance.tables import replacing
from stance.torch_inference import TorchInference

TOLERANCE = 1e-3
"""Largest difference of a logit from torch's that is taken for rounding."""
_PROBES = ("He denied it.", "We are ready to resume if they are ready, the ministry said.", "Rain.", "a " * 90)


def export(config: ExportConfig) -> list[Path]:
    """Writes ``graph.onnx`` into a model's folder, and the model as a delta, each if it is wanted.

    Returns:
        What was written: the graph, the folder of the delta.

    Raises:
        ConfigError: the packages that write graphs are not installed.
        ModelError: the model cannot be had, or the graph computes something else than the network.
    """
    source = find_source(config.model.path, config.model.revision)
    model_file = ModelFile.read(source.folder)
    base = find_delta_base(source, config.model.base or model_file.base["name"])
    written = []
    if config.graph:
        written.append(write_graph(source.folder, max_length=model_file.max_length, base=base))
    if config.delta is not None:
        save_delta(source.folder, Path(config.delta), config.delta_base)
        written.append(Path(config.delta))
    return written


def write_graph(folder: Path, *, max_length: int, base: Path | None = None) -> Path:
    """Writes ``graph.onnx`` into a model's folder and checks it against torch; returns the file.

    Args:
        folder: the model.
        max_length: longest sentence in tokens.
        base: the folder of its base, if the model is kept as the difference from one.

    Raises:
        ConfigError: the package that writes graphs is not installed, or no graph is known for the encoder.
        ModelError: the graph computes something else than the network.
    """
    try:
        from stance.graph import build_graph
    except ImportError:
        raise ConfigError("Writing a graph needs one more package: pip install 'stance[export]'") from None
    inference = TorchInference.from_pretrained(folder, max_length=max_length, base=base, device="cpu")
    config = inference.network.config.to_dict()
    encoder = config["encoder"]
    if encoder["model_type"] not in ARCHITECTURES or encoder["hidden_act"] != "gelu":
        raise ConfigError(
            f"Graphs are written for {' and '.join(ARCHITECTURES)} encoders, and {folder} has one of the kind "
            f"{encoder['model_type']} ({encoder.get('hidden_act')}): it runs in torch."
        )
    weights = {name: tensor.numpy() for name, tensor in inference.network.state_dict().items()}
    model = build_graph(graph_weights(weights, encoder, Precision.fp32, max_length), config, Precision.fp32)
    with replacing(folder / GRAPH) as temporary:
        temporary.write_bytes(model.SerializeToString())
    wanted = inference.logits(_PROBES).values
    found = OnnxInference.from_pretrained(folder, max_length=max_length, base=base).logits(_PROBES).values
    if np.abs(found - wanted).max() > TOLERANCE:
        (folder / GRAPH).unlink()
        raise ModelError(
            f"The graph of {folder} differs from the network by {np.abs(found - wanted).max():.1g} in a logit: "
            "not kept. Please report this with the encoder's name."
        )
    return folder / GRAPH
