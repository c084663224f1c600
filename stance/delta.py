"""A model as its difference from the base that training started from: small enough to ship and to send.

Weights that training left alone stay in the base. Of the others, a matrix that moved in few directions, as low-rank
adapters move it, is kept as two thin factors of the movement, and any other as it is; all in half precision.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from stance.errors import ModelError
from stance.model_file import ModelFile
from stance.network import StanceForSequenceClassification, pretrained_encoder
from stance.network_config import StanceConfig
from stance.progress import quiet_transformers
from stance.sources import DELTA, find_source, hash_file

_ENCODER = "encoder."
_DOWN, _UP = ".down", ".up"
_BASE_HASH = "base_tensors_sha256"
_RANK_TOLERANCE = 1e-3
"""Movement below this share of the largest is rounding: merging adapters in fp32 leaves some in every direction."""


def save_delta(folder: Path, to: Path, base: str | None = None) -> None:
    """Writes the model in ``folder`` to the folder ``to`` as its difference from its base.

    Args:
        folder: a model that training has saved.
        to: a folder to make.
        base: where those who load it find the base, if not under the name that training found it by.

    Raises:
        ModelError: the base cannot be had, or is not the one that the model started from.
    """
    model_file = ModelFile.read(folder)
    with quiet_transformers():
        network = StanceForSequenceClassification.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    source = find_source(model_file.base["name"])
    if source.sha256 != model_file.base["sha256"]:
        raise ModelError(
            f"{source.folder} is not the base that {folder} started from: expected SHA-256 "
            f"{model_file.base['sha256']}, found {source.sha256}."
        )
    before = _base_weights(source.folder, network.config)
    tensors: dict[str, Tensor] = {}
    for name, after in network.state_dict().items():
        tensors |= _difference(name, before.get(name), after)
    to.mkdir(parents=True)
    save_file(
        {name: tensor.half().contiguous() for name, tensor in tensors.items()},
        to / DELTA,
        metadata={"format": "pt", _BASE_HASH: _hash_tensors(before)},
    )
    for name in ("config.json", "config.yaml"):
        shutil.copyfile(folder / name, to / name)
    replace(
        model_file,
        weights_sha256=hash_file(to / DELTA),
        base=model_file.base | ({} if base is None else {"name": base}),
    ).write(to)


def load_delta(folder: Path, base: Path) -> StanceForSequenceClassification:
    """Puts the model in ``folder``, saved by ``save_delta``, together again with the base in the folder ``base``.

    Raises:
        ModelError: that is another base.
    """
    config = StanceConfig.from_pretrained(folder, local_files_only=True)
    weights = _base_weights(base, config)
    with safe_open(folder / DELTA, framework="pt") as file:
        wanted, found = file.metadata()[_BASE_HASH], _hash_tensors(weights)
        if wanted != found:
            raise ModelError(
                f"{base} is not the base that {folder} belongs to: expected weights of SHA-256 {wanted}, found {found}."
            )
        for name in file.keys():  # noqa: SIM118 (not a dict)
            if name.endswith(_UP):
                changed = name.removesuffix(_UP)
                up, down = (file.get_tensor(changed + end).float() for end in (_UP, _DOWN))
                weights[changed] = weights[changed] + up @ down
            elif not name.endswith(_DOWN):
                weights[name] = file.get_tensor(name).float()
    network = StanceForSequenceClassification(config)
    network.load_state_dict(weights)
    return network


def _base_weights(folder: Path, config: StanceConfig) -> dict[str, Tensor]:
    """The weights of a base under the names they have in the network, of no more layers than it reads."""
    layers = config.encoder.num_hidden_layers  # type: ignore[union-attr]  # a config object once it is loaded
    with quiet_transformers():
        _, encoder = pretrained_encoder(folder, layers)
    return {f"{_ENCODER}{name}": tensor for name, tensor in encoder.state_dict().items() if "pooler" not in name}


def _difference(name: str, before: Tensor | None, after: Tensor) -> dict[str, Tensor]:
    if before is None or before.shape != after.shape:
        return {name: after}
    if torch.equal(before, after):
        return {}
    moved = after - before
    if moved.ndim == 2:  # noqa: PLR2004
        rows, columns = moved.shape
        left, sizes, right = torch.linalg.svd(moved, full_matrices=False)
        rank = int((sizes > _RANK_TOLERANCE * sizes[0]).sum())
        if rank * (rows + columns) < rows * columns / 2:
            root = sizes[:rank].sqrt()
            return {name + _UP: left[:, :rank] * root, name + _DOWN: root[:, None] * right[:rank]}
    return {name: after}


def _hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names and values: that of the file would differ between packagings of the same weights."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().numpy().data)
    return digest.hexdigest()
