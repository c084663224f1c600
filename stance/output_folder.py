"""The folder that a corpus job writes: shards that are there whole or not at all, and what has become of each.

``sentences/`` holds the labelled shards, ``rejected/`` the rows of each that could not be labelled, ``receipts/`` what
each shard's files must be, ``manifest.json`` what was labelled by what, and ``_SUCCESS``, at the end, the totals.
Nothing in it depends on when it was written, or how often the job was killed on the way.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import BaseFileLock, FileLock, Timeout

from stance.differences import differences
from stance.errors import ConfigError
from stance.files import write_text
from stance.labelled_rows import SENTENCES
from stance.shards import Shard, shard_name
from stance.sources import hash_file
from stance.tables.rows import BadRow, Write
from stance.tables.writing import rejected_line, writing

log = logging.getLogger(__name__)

MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
REJECTED, RECEIPTS = "rejected", "receipts"
_UNFINISHED_SHARD = re.compile(r"\.part-(\d+)\.")
_GLANCE = 2.0
"""Seconds in which all portions that begin at once have looked whether another job is at work."""


@dataclass(frozen=True)
class Portion:
    """Which of the shards a process does: those whose index is ``number`` modulo ``of``, counted from 0."""

    number: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str | None) -> "Portion":
        """Reads ``2/8``, the second of eight.

        Raises:
            ConfigError: it is not of that form.
        """
        if text is None:
            return cls()
        number, _, of = text.partition("/")
        if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
            return cls(int(number) - 1, int(of))
        raise ConfigError(f"Expected shard=<i>/<n> with i from 1 to n, such as shard=2/8; found {text!r}.")

    def __contains__(self, shard: Shard) -> bool:
        return shard.index % self.of == self.number


@dataclass(frozen=True)
class Receipt:
    """What has become of a shard.

    Attributes:
        job: the job it was made by.
        files: SHA-256 of its files by their path in the folder.
        sizes: of these files, in bytes.
        counts: of rows and sentences.
    """

    job: str
    files: Mapping[str, str]
    sizes: Mapping[str, int]
    counts: Mapping[str, Any]


class OutputFolder:
    """The output of one job, of which this process does a portion.

    Args:
        path: of the folder.
        job: what makes this job this job, as JSON holds it; another may not write into the same folder.
        format: the ending of the shards' files.
    """

    def __init__(self, path: Path, job: Mapping[str, Any], format: str) -> None:
        self.path = path
        self.job = job
        self.job_sha256 = hashlib.sha256(json.dumps(self.job, sort_keys=True).encode()).hexdigest()
        self.format = format

    @contextmanager
    def claimed(self, part: Portion) -> Iterator[None]:
        """Keeps other processes out while the block runs, and takes away what a killed one has left half done.

        Raises:
            ConfigError: another process writes there, or the folder holds another job or other files.
        """
        check_free(self.path)
        self.path.mkdir(parents=True, exist_ok=True)
        own = self.path / f".lock-{part.number + 1}-of-{part.of}"
        with self._lock(own):
            for path in self.path.glob(".lock-*"):  # once our own is held: of two that look at once, one is refused
                if not path.name.endswith(f"-of-{part.of}"):
                    # Not kept, since the other portions look at it too; those that look at once wait for each other.
                    with self._lock(path, patience=_GLANCE):
                        pass
            with FileLock(self.path / ".manifest-lock"):  # portions of different jobs that begin at once
                self._write_manifest()
            self._remove_unfinished(part)
            yield
            self._remove_unfinished(part)  # of actors that were lost on the way

    def _remove_unfinished(self, part: Portion) -> None:
        """Removes temporary files, of which those of other portions may be in use."""
        for path in self.path.rglob(".*.tmp"):
            shard = _UNFINISHED_SHARD.match(path.name)
            if int(shard[1]) % part.of == part.number if shard else part.of == 1:
                path.unlink(missing_ok=True)

    def _lock(self, path: Path, patience: float = 0) -> AbstractContextManager[BaseFileLock]:
        try:
            return FileLock(path).acquire(timeout=patience)
        except Timeout:
            raise ConfigError(
                f"Another process is labelling into {self.path}. Wait for it, or stop it; a job that was stopped goes "
                "on when it is started again."
            ) from None

    def _write_manifest(self) -> None:
        path = self.path / MANIFEST
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            found = None
        except ValueError:  # torn by a failing disk: what the shards are is told by their receipts
            log.warning("%s cannot be read: written anew.", path)
            found = None
        if found is not None and found != self.job:
            raise ConfigError(
                f"{self.path} holds the output of another job ({'; '.join(differences(found, self.job))}). Give "
                "another output, or delete that folder."
            )
        foreign = [receipt for receipt in read_receipts(self.path) if receipt.job != self.job_sha256]
        if foreign:
            raise ConfigError(f"{self.path} holds shards of another job. Give another output, or delete that folder.")
        if found is None:
            self._write_json(path, self.job)

    def receipt(self, shard: Shard, *, hashed: bool = True) -> Receipt | None:
        """What has become of a shard, if it is there and whole.

        Args:
            shard: any, also one of another portion.
            hashed: its files are read through to tell; otherwise they must have the right sizes.
        """
        receipt = _read_receipt(self.path / RECEIPTS / f"{shard.name}.json")
        if receipt is None or receipt.job != self.job_sha256:
            return None
        changed = list(_changed(self.path, receipt, hashed=hashed))
        for name in changed:
            log.warning("%s is not what was written there: labelled again.", self.path / name)
        return None if changed else receipt

    @contextmanager
    def writing(self, shard: Shard, schema: pa.Schema) -> Iterator["ShardWriter"]:
        """Gives what takes a shard's rows; its files and its receipt are there when the block has ended well."""
        sentences = self.path / SENTENCES / f"{shard.name}{self.format}"
        rejected = self.path / REJECTED / f"{shard.name}.jsonl"
        receipt = self.path / RECEIPTS / f"{shard.name}.json"
        for vouching in (receipt, self.path / SUCCESS):
            vouching.unlink(missing_ok=True)
        with writing(sentences, schema) as write:
            writer = ShardWriter(write)
            yield writer
        if writer.rejected:
            write_text(rejected, "".join(map(rejected_line, writer.rejected)))
        else:
            rejected.unlink(missing_ok=True)
        written = {path.relative_to(self.path).as_posix(): path for path in (sentences, rejected) if path.exists()}
        files = {name: hash_file(path) for name, path in written.items()}
        sizes = {name: path.stat().st_size for name, path in written.items()}
        self._write_json(receipt, asdict(Receipt(self.job_sha256, files, sizes, writer.counts)))

    def succeed(self, totals: Mapping[str, Any]) -> None:
        """Marks the folder as complete."""
        self._write_json(self.path / SUCCESS, totals)

    @staticmethod
    def _write_json(path: Path, values: Mapping[str, Any]) -> None:
        text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        write_text(path, text)


class ShardWriter:
    """Takes what a shard is to hold.

    Attributes:
        write: takes labelled rows.
        rejected: the rows that could not be labelled; add to it.
        counts: what the receipt is to tell; to be set.
    """

    def __init__(self, write: Write) -> None:
        self.write = write
        self.rejected: list[BadRow] = []
        self.counts: Mapping[str, Any] = {}


def check_free(path: Path) -> None:
    """Raises ConfigError if there is anything at ``path`` but a folder that a corpus job has made, or an empty one."""
    known = {MANIFEST, SUCCESS, SENTENCES, REJECTED, RECEIPTS}
    others = [inside.name for inside in path.iterdir()] if path.is_dir() else []
    strange = sorted(name for name in others if name not in known and not name.startswith("."))
    if path.exists() and (not path.is_dir() or strange):
        what = f"holds other files ({', '.join(strange[:3])})" if strange else "is a file"
        raise ConfigError(f"{path} {what}: expected a new or empty folder, or one that this job has begun.")


def read_receipts(folder: Path) -> Iterator[Receipt]:
    """What has become of each shard in a folder; receipts that cannot be read are passed over."""
    for path in sorted((folder / RECEIPTS).glob("[!.]*.json")):
        receipt = _read_receipt(path)
        if receipt is not None:
            yield receipt


def changed_files(folder: Path) -> list[str]:
    """The files of a folder that are not, or no longer, what the job wrote: changed, gone, or added."""
    receipts = list(read_receipts(folder))
    known = {name for receipt in receipts for name in receipt.files}
    there = {
        path.relative_to(folder).as_posix()
        for part in (SENTENCES, REJECTED)
        for path in (folder / part).glob("[!.]*")  # the hidden ones are not yet, or never, shards
    }
    changed = [name for receipt in receipts for name in _changed(folder, receipt, hashed=True)]
    return [*changed, *sorted(there - known), *_lost_receipts(folder)]


def _lost_receipts(folder: Path) -> Iterator[str]:
    """Of a finished job, receipts that are not there any more."""
    try:
        shards = json.loads((folder / SUCCESS).read_text(encoding="utf-8"))["shards"]
    except (OSError, ValueError, KeyError):
        return
    for index in range(shards):
        path = folder / RECEIPTS / f"{shard_name(index)}.json"
        if not path.exists():
            yield path.relative_to(folder).as_posix()


def _changed(folder: Path, receipt: Receipt, *, hashed: bool) -> Iterator[str]:
    for name, sha256 in receipt.files.items():
        path = folder / name
        same_size = path.exists() and path.stat().st_size == receipt.sizes[name]
        if not same_size or (hashed and hash_file(path) != sha256):
            yield name


def _read_receipt(path: Path) -> Receipt | None:
    try:
        return Receipt(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        log.warning("%s cannot be read: its shard is labelled again.", path)
        return None
