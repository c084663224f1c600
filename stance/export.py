"""Writes the graphs by which ONNX Runtime runs a model: what is computed, without the weights.

The weights stay in the model's own file, so that they exist once whoever runs them. The graph in 8 bits is kept only if
it gives, nearly everywhere, the labels that the exact one gives.
"""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from stance.config import DataConfig, ExportConfig, Precision
from stance.data import read_splits
from stance.delta import save_delta
from stance.errors import ConfigError, DataError, ModelError
from stance.graph_weights import check_architecture, graph_weights
from stance.inference import Inference
from stance.model_file import ModelFile
from stance.onnx_inference import OnnxInference
from stance.sources import GRAPHS, find_delta_base, find_source
from stance.tables import replacing
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
        ConfigError: the package that writes graphs is not installed, or no graph is known for the encoder.
        ModelError: the model cannot be had, or the graph computes something else than the network.
    """
    source = find_source(config.model.path, config.model.revision)
    model_file = ModelFile.read(source.folder)
    base = find_delta_base(source, config.model.base or model_file.base["name"])
    written = []
    if config.graph:
        network = _load(source.folder, model_file.max_length, base)
        written += [_write_exact(network, source.folder, base), *_write_int8(network, source.folder, model_file, base)]
    if config.delta is not None:
        save_delta(source.folder, Path(config.delta), config.delta_base)
        written.append(Path(config.delta))
    return written


def write_graph(folder: Path, *, max_length: int, base: Path | None = None) -> Path:
    """Writes the exact graph into a model's folder and checks it against torch; returns the file.

    Args:
        folder: the model.
        max_length: longest sentence in tokens.
        base: the folder of its base, if the model is kept as the difference from one.

    Raises:
        ConfigError: the package that writes graphs is not installed, or no graph is known for the encoder.
        ModelError: the graph computes something else than the network.
    """
    return _write_exact(_load(folder, max_length, base), folder, base)


def _load(folder: Path, max_length: int, base: Path | None) -> TorchInference:
    return TorchInference.from_pretrained(folder, max_length=max_length, base=base, device="cpu")


def _write_exact(network: TorchInference, folder: Path, base: Path | None) -> Path:
    graph = _graph(network, folder, Precision.fp32)
    wanted = network.logits(_PROBES).values
    found = OnnxInference(folder, max_length=network.max_length, base=base, graph=graph)
    difference = np.abs(found.logits(_PROBES).values - wanted).max()
    if difference > TOLERANCE:
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
        raise ConfigError("Writing a graph needs one more package: pip install 'stance[export]'") from None
    config = network.network.config.to_dict()
    check_architecture(config["encoder"], folder)
    weights = {name: tensor.numpy() for name, tensor in network.network.state_dict().items()}
    graph: bytes = build_graph(
        graph_weights(weights, config["encoder"], precision, network.max_length), config, precision
    ).SerializeToString()
    return graph


def _write_int8(network: TorchInference, folder: Path, model_file: ModelFile, base: Path | None) -> list[Path]:
    """Writes the graph in 8 bits and keeps it if it decides otherwise about few enough validation labels."""
    (folder / GRAPHS[Precision.int8]).unlink(missing_ok=True)
    labels = model_file.decision.labels
    try:
        data = DataConfig(**model_file.settings["data"])
        validation = read_splits(labels, data, model_file.settings["seed"]).validation
    except DataError as error:
        log.warning("No graph in 8 bits: there are no validation sentences to check it on. %s", error)
        return []
    texts = [example.text for example in validation]
    length = model_file.max_length
    graph = _graph(network, folder, Precision.int8)
    flips = _flips(
        OnnxInference(folder, max_length=length, base=base),
        OnnxInference(folder, max_length=length, base=base, precision=Precision.int8, graph=graph),
        texts,
        model_file,
    )
    decisions = len(texts) * len(labels)
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
