"""Writes the graphs by which ONNX Runtime runs a model: what is computed, without the weights.

The weights stay in the model's own file, so that they exist once whoever runs them. The graph in 8 bits is kept only if
it gives, nearly everywhere, the labels that the exact one gives.
"""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from stance.config import ExportConfig, Precision
from stance.delta import save_delta
from stance.errors import ConfigError, DataError, ModelError, install_extra
from stance.files import replacing
from stance.graph_weights import check_architecture, graph_weights
from stance.inference import Inference
from stance.model_file import ModelFile
from stance.onnx_inference import OnnxInference
from stance.own_data import read_own_validation
from stance.sources import GRAPHS, check_whole, find_source
from stance.torch_inference import TorchInference

log = logging.getLogger(__name__)

TOLERANCE = 1e-3
"""Largest difference of a logit from torch's that is taken for rounding."""
MOST_FLIPS = 0.003
"""Share of the labels, given and withheld, about which 8 bits may decide otherwise."""
_PROBES = ("He denied it.", "We are ready to resume if they are ready, the ministry said.", "Rain.", "a " * 90)


def export(config: ExportConfig) -> list[Path]:
    """Writes the graphs into a model's folder, and the model as a delta, each if it is wanted.

    Returns:
        What was written: graphs, and the folder of the delta.

    Raises:
        ConfigError: the package that writes graphs is not installed, no graph is known for the encoder, or there is
            something where the delta is to be written.
        ModelError: the model cannot be had, or is a delta already, or the graph computes something else than the
            network.
    """
    if not config.graph and config.delta is None:
        raise ConfigError("There is nothing to write: give graph=true, or delta=<folder>.")
    source = find_source(config.model.path, config.model.revision)
    model_file = ModelFile.read(source.folder)
    base = model_file.find_delta_base(source, config.model.base)
    if config.delta is not None:
        check_whole(source)
        if Path(config.delta).exists():
            raise ConfigError(f"{config.delta} exists: name a folder that is still to be made, delta=<folder>.")
    written = []
    if config.graph:
        network = TorchInference.from_pretrained(
            source.folder, max_length=model_file.max_length, base=base, device="cpu"
        )
        written += [write_graph(network, source.folder, base), *_write_int8(network, source.folder, model_file, base)]
    if config.delta is not None:
        save_delta(source.folder, Path(config.delta), config.delta_base)
        written.append(Path(config.delta))
    return written


def write_graph(network: TorchInference, folder: Path, base: Path | None = None) -> Path:
    """Writes the exact graph into a model's folder and checks it against torch; returns the file.

    Args:
        network: the model, loaded.
        folder: where it lies.
        base: the folder of its base, if the model is kept as the difference from one.

    Raises:
        ConfigError: the package that writes graphs is not installed, or no graph is known for the encoder.
        ModelError: the graph computes something else than the network.
    """
    graph = _graph(network, folder, Precision.fp32)
    wanted = network.logits(_PROBES).values
    found = OnnxInference(folder, max_length=network.max_length, base=base, graph=graph)
    difference = np.abs(found.logits(_PROBES).values - wanted).max()
    if not difference <= TOLERANCE:  # so that a NaN is refused too
        raise ModelError(
            f"The graph of {folder} differs from the network by {difference:.1g} in a logit: not kept. Please report "
            "this with the encoder's name."
        )
    return _write(graph, folder / GRAPHS[Precision.fp32])


def _write(graph: bytes, path: Path) -> Path:
    with replacing(path) as temporary:
        temporary.write_bytes(graph)
    return path


def _graph(network: TorchInference, folder: Path, precision: Precision) -> bytes:
    try:
        from stance.graph import build_graph
    except ImportError:
        raise ConfigError(f"Writing a graph needs one more package: {install_extra('export')}") from None
    config = network.network.config.to_dict()
    check_architecture(config["encoder"], folder)
    weights = {name: tensor.numpy() for name, tensor in network.network.state_dict().items()}
    graph: bytes = build_graph(
        graph_weights(weights, config["encoder"], precision, network.max_length), config, precision
    ).SerializeToString()
    return graph


def _write_int8(network: TorchInference, folder: Path, model_file: ModelFile, base: Path | None) -> list[Path]:
    """Writes the graph in 8 bits if it decides otherwise about few enough of the model's own validation labels."""
    try:
        validation = read_own_validation(model_file)
    except DataError as error:
        log.warning("No new graph in 8 bits: its validation sentences are not here to check it on. %s", error)
        return []
    (folder / GRAPHS[Precision.int8]).unlink(missing_ok=True)
    texts = [example.text for example in validation]
    length = model_file.max_length
    graph = _graph(network, folder, Precision.int8)
    flips = _flips(
        OnnxInference(folder, max_length=length, base=base),
        OnnxInference(folder, max_length=length, base=base, precision=Precision.int8, graph=graph),
        texts,
        model_file,
    )
    decisions = len(texts) * len(model_file.decision.labels)
    checked = {"sentences": len(texts), "decisions": decisions, "flips": flips}
    replace(model_file, metrics=model_file.metrics | {"int8": checked}).write(folder)
    if flips <= MOST_FLIPS * decisions:
        return [_write(graph, folder / GRAPHS[Precision.int8])]
    log.warning("No graph in 8 bits: it flips %d of %d decisions about validation sentences.", flips, decisions)
    return []


def _flips(exact: Inference, other: Inference, texts: list[str], model_file: ModelFile) -> int:
    decision = model_file.decision
    one, two = (
        decision.decide(decision.probabilities(inference.logits(texts).values)).carried for inference in (exact, other)
    )
    return int((one != two).sum())
