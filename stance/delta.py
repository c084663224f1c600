"""A model as its difference from the base that training started from: small enough to ship and to send.

Where that is itself a model that stance has trained, the difference is from the base of the first training.
Weights that training left alone stay in the base. Of the others, a matrix that moved in few directions, as low-rank
adapters move it, is kept as two thin factors of the movement, and any other as it is; all in half precision.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file

from stance.arrays import write_arrays
from stance.errors import ModelError
from stance.model_file import NAME, ModelFile
from stance.sources import DELTA, GRAPHS, LEARNED, SETTINGS, SIEVE, WEIGHTS, Source, hash_file

Weights = Mapping[str, NDArray[np.float32]]
"""Arrays by their name in the network."""

_ENCODER = "encoder."
_DOWN, _UP = ".down", ".up"
_FROM_BASE, _BASE_HASH = "base_weights", "base_sha256"
_RANK_TOLERANCE = 1e-2
"""Movement below this share of the largest is left out: merging adapters in fp32 leaves some in every direction, and of
adapters that were laid over others the smallest say nothing."""


def save_delta(folder: Path, to: Path, base: str | None = None) -> None:
    """Writes the model in ``folder`` to the folder ``to`` as its difference from its base.

    Args:
        folder: a model that training has saved.
        to: a folder to make.
        base: where those who load it find the base, if not under the name that training found it by.

    Raises:
        ModelError: the base cannot be had, or is not the one that the model started from.
    """
    model_file, source = _from_first_base(folder)
    after = load_file(folder / WEIGHTS)
    before = {name: array for name, array in _base_weights(source.folder).items() if name in after}
    kept: dict[str, NDArray[np.float32]] = {}
    for name, array in after.items():
        kept |= _difference(name, before.get(name), array)
    to.mkdir(parents=True)
    write_arrays(
        to / DELTA,
        {name: array.astype(np.float16) for name, array in kept.items()},
        {_FROM_BASE: json.dumps(sorted(before)), _BASE_HASH: _hash(before)},
    )
    for name in ("config.json", SETTINGS, LEARNED, SIEVE, *GRAPHS.values()):
        if (folder / name).exists():
            shutil.copyfile(folder / name, to / name)
    replace(
        model_file,
        weights_sha256=hash_file(to / DELTA),
        base=model_file.base | ({} if base is None else {"name": base}),
    ).write(to)


def read_delta(folder: Path, base: Path) -> Weights:
    """The whole weights of a model saved by ``save_delta``, with those of the base in the folder ``base``.

    Raises:
        ModelError: that is another base.
    """
    found = _base_weights(base)
    with safe_open(folder / DELTA, framework="np") as file:
        metadata = file.metadata()
        kept = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118 (not a dict)
    weights = {name: found[name] for name in json.loads(metadata[_FROM_BASE]) if name in found}
    if _hash(weights) != metadata[_BASE_HASH]:
        raise ModelError(
            f"{base} is not the base that {folder} belongs to: expected weights of SHA-256 {metadata[_BASE_HASH]}, "
            f"found {_hash(weights)}."
        )
    for name, array in kept.items():
        if name.endswith(_UP):
            changed = name.removesuffix(_UP)
            weights[changed] = weights[changed] + array @ kept[changed + _DOWN]
        elif not name.endswith(_DOWN):
            weights[name] = array
    return weights


def _from_first_base(folder: Path) -> tuple[ModelFile, Source]:
    """What the model file says, but with the base of the first of several trainings as base; and that base."""
    model_file = ModelFile.read(folder)
    source = model_file.find_base()
    if source.sha256 != model_file.base["sha256"]:
        raise ModelError(
            f"{source.folder} is not the base that {folder} started from: expected SHA-256 "
            f"{model_file.base['sha256']}, found {source.sha256}."
        )
    if not (source.folder / NAME).exists():
        return model_file, source
    earlier, first = _from_first_base(source.folder)
    begun = {f"{source.name}_sha256": source.sha256} | earlier.base
    return replace(model_file, base=model_file.base | begun), first


def _base_weights(folder: Path) -> Weights:
    """The weights of a base under the names that they have in the network, in fp32 whatever they are kept in."""
    return {f"{_ENCODER}{name}": a.astype(np.float32, copy=False) for name, a in load_file(folder / WEIGHTS).items()}


def _difference(name: str, before: NDArray[np.float32] | None, after: NDArray[np.float32]) -> Weights:
    if before is None or before.shape != after.shape:
        return {name: after}
    if np.array_equal(before, after):
        return {}
    moved = after - before
    if moved.ndim == 2:  # noqa: PLR2004
        rows, columns = moved.shape
        left, sizes, right = np.linalg.svd(moved, full_matrices=False)
        rank = int((sizes > _RANK_TOLERANCE * sizes[0]).sum())
        if rank * (rows + columns) < rows * columns / 2:
            root = np.sqrt(sizes[:rank])
            return {name + _UP: left[:, :rank] * root, name + _DOWN: root[:, None] * right[:rank]}
    return {name: after}


def _hash(weights: Weights) -> str:
    """SHA-256 over names and values: that of the file would differ between packagings of the same weights."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).data)
    return digest.hexdigest()
