"""Writes the graph by which ONNX Runtime runs a model: what is computed, without the weights.

The weights stay in the model's own file, under the same names, so that they exist once whoever runs them.
"""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from stance.config import ExportConfig
from stance.delta import save_delta
from stance.errors import ConfigError, ModelError
from stance.model_file import ModelFile
from stance.onnx_inference import INPUTS, OnnxInference
from stance.progress import quiet_transformers
from stance.sources import GRAPH, find_delta_base, find_source
from stance.tables import replacing
from stance.torch_inference import TorchInference

OPSET = 20
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
        ConfigError: the packages that write graphs are not installed.
        ModelError: the graph computes something else than the network.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 (torch exports through it)
    except ImportError:
        raise ConfigError("Writing a graph needs more packages: pip install 'stance[export]'") from None
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it would tell of packages that it does without
    inference = TorchInference.from_pretrained(folder, max_length=max_length, base=base, device="cpu")
    ids = torch.full((2, 7), 5)
    free = {0: torch.export.Dim("sentences", min=1), 1: torch.export.Dim("tokens", min=2)}
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        program = torch.onnx.export(
            _LogitsAlone(inference.network).train(False),
            (ids, torch.ones_like(ids)),
            dynamo=True,
            optimize=False,  # ONNX Runtime optimises when it loads; here it would fold weights into new ones
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_shapes=(free, free),
            opset_version=OPSET,
            verbose=False,
        )
    model = program.model_proto  # type: ignore[union-attr]  # None only where another exporter is asked for
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]  # stack traces of this machine
    weights = dict(inference.network.named_parameters())
    for tensor in model.graph.initializer:
        tensor.name = _plain(tensor.name)
        if tensor.name in weights:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=GRAPH)  # must be named, and is never opened
    for node in model.graph.node:
        node.input[:] = [_plain(name) for name in node.input]
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


class _LogitsAlone(nn.Module):
    """The network as a function of two arrays to one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits: Tensor = self.network(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def _plain(name: str) -> str:
    return name.removeprefix("network.")
