"""Files that are written whole or not at all, and never over what is read."""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stance.errors import ConfigError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside ``path``; on success its file is synced and takes the place of ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not the process id alone: processes of several machines may write side by side.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        if os.name == "posix":  # the new name is to survive a power cut too; elsewhere folders cannot be synced
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all, and the same on every system."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file or folder, also on disks that take capital letters for small ones."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def check_no_folder(output: Path) -> None:
    """Raises ConfigError if ``output``, which is to be a file, is a folder."""
    if output.is_dir():
        raise ConfigError(f"Cannot write {output}: it is a folder; expected the name of a file.")


def check_apart(output: Path, **inputs: str | Sequence[str] | None) -> None:
    """Raises ConfigError if ``output`` is one of the inputs, which are given by the settings that name them."""
    for name, given in inputs.items():
        paths = [given] if isinstance(given, str) else given or ()
        if any(is_same(Path(path), output) for path in paths):
            raise ConfigError(f"{name} and output are both {output}: give the output another name.")
