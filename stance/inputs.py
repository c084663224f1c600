"""What is to be labelled: files and datasets, each a stream of rows that can be read from any place on.

A document (.txt, .html) is a single row with the columns ``document`` and ``text``.
"""

import glob
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pyarrow as pa

from stance.errors import ConfigError, DataError, install_extra
from stance.sources import hash_file
from stance.tables.columns import found_schema
from stance.tables.lines import DECOMPRESSED
from stance.tables.parquet import batch_rows
from stance.tables.reading import READABLE, declared_schema, format_of, read_rows
from stance.tables.rows import START, BadRow, GoodRow, Place
from stance.text import LONGEST, without_surrogates

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)

_READ_TOGETHER = 1024
"""Rows of a dataset that are in memory at once."""

TEXT, HTML = (".txt",), (".html", ".htm")
KINDS = (*TEXT, *HTML, *READABLE)
DOCUMENT_COLUMNS = pa.schema([("document", pa.string()), ("text", pa.string())])


class Input(Protocol):
    """Something that holds rows to label."""

    @property
    def name(self) -> str:
        """As the user gave it, or as it was found."""
        ...

    @property
    def is_document(self) -> bool:
        """Whether it is one text, not a table of them."""
        ...

    @property
    def is_compressed(self) -> bool:
        """Whether what stands before a row must be read to come to it."""
        ...

    def fingerprint(self) -> str:
        """Changes with the contents."""
        ...

    def stamp(self) -> tuple[int, ...]:
        """Changes when it is written to; costs less than the fingerprint, and says less."""
        ...

    def declared_columns(self) -> pa.Schema | None:
        """The columns of its rows, with their types; None where only the rows tell."""
        ...

    def rows(self, start: Place = START) -> Iterator[GoodRow | BadRow]:
        """Its rows, good and bad, from a place on."""
        ...


@dataclass(frozen=True)
class File:
    """A file of a known kind."""

    path: Path

    @property
    def name(self) -> str:
        """As it was found."""
        return str(self.path)

    @cached_property  # it is asked for each row
    def is_document(self) -> bool:
        """Whether it is one text, not a table of them."""
        return format_of(self.path) in (*TEXT, *HTML)

    @cached_property
    def is_compressed(self) -> bool:
        """Whether what stands before a row must be read to come to it."""
        return self.path.suffix.lower() in DECOMPRESSED

    def fingerprint(self) -> str:
        """SHA-256 of the file."""
        return hash_file(self.path)

    def stamp(self) -> tuple[int, ...]:
        """Its size, and when it was last written to."""
        found = self.path.stat()
        return found.st_size, found.st_mtime_ns

    def declared_columns(self) -> pa.Schema | None:
        """The columns of its rows, with their types; None of JSON lines.

        Raises:
            ConfigError: a package that is needed to read the file is not installed.
        """
        if format_of(self.path) in HTML and find_spec("trafilatura") is None:  # known before hours of other work
            raise ConfigError(f"Reading .html needs the trafilatura package: {install_extra('html')}")
        return DOCUMENT_COLUMNS if self.is_document else declared_schema(self.path)

    def rows(self, start: Place = START) -> Iterator[GoodRow | BadRow]:
        """Its rows, good and bad, from a place on."""
        if not self.is_document:
            yield from read_rows(self.path, start)
        elif start == START:
            yield _document(self.path)


@dataclass(frozen=True)
class HubDataset:
    """A dataset that the library ``datasets`` has loaded."""

    name: str
    dataset: "Dataset"
    is_document: bool = False
    is_compressed: bool = False

    def fingerprint(self) -> str:
        """The one that the library keeps; it changes with the contents."""
        return str(self.dataset._fingerprint)

    def stamp(self) -> tuple[int, ...]:
        """Always the same: what is loaded stays."""
        return ()

    def declared_columns(self) -> pa.Schema:
        """The columns of its rows, with their types."""
        schema: pa.Schema = self.dataset.features.arrow_schema
        return schema.remove_metadata()

    def rows(self, start: Place = START) -> Iterator[GoodRow | BadRow]:
        """Its rows from a place on."""
        as_stored = self.dataset.with_format("arrow")  # not as pictures and the like, which no table holds
        for first in range(start.offset, len(self.dataset), _READ_TOGETHER):
            before = first
            for batch in as_stored[first : first + _READ_TOGETHER].to_batches():
                yield from batch_rows(self.name, batch, before)
                before += batch.num_rows


@dataclass(frozen=True)
class Stdin:
    """Text from a pipe, as one document."""

    name: str = "-"
    is_document: bool = True
    is_compressed: bool = False

    def fingerprint(self) -> str:
        """There is none: it can be read once."""
        raise DataError(
            "Text from a pipe cannot be labelled into a folder, as it is read only once: write it to a file."
        )

    def stamp(self) -> tuple[int, ...]:
        """Always the same."""
        return ()

    def declared_columns(self) -> pa.Schema:
        """The columns of a document."""
        return DOCUMENT_COLUMNS

    def rows(self, start: Place = START) -> Iterator[GoodRow | BadRow]:
        """The document, if it is asked for from its start."""
        if start == START:
            yield _document_row(self.name, sys.stdin.buffer.read())


def find_inputs(names: str | Path | Sequence[str | Path], output: Path | None = None) -> list[Input]:
    """Finds what a name, or each of several, stands for.

    A file, a folder of files, a pattern with ``*``, a dataset on disk or on the hub, or ``-``: text from a pipe.
    The order is that of the names, and within a folder or a pattern that of the paths: it is the same at each call.
    Where a pattern matches ``output`` or what is in it, that is left out.

    Raises:
        ConfigError: no name is given.
        DataError: a name stands for nothing that can be read.
    """
    several = [names] if isinstance(names, str | Path) else list(names)
    if not all(map(str, several)) or not several:
        raise ConfigError("There is nothing to label: give input=<file, folder or pattern>.")
    found = [item for name in several for item in _find(str(name), output)]
    files = Counter(str(Path(item.name).resolve()) if Path(item.name).exists() else item.name for item in found)
    twice = sorted(name for name, count in files.items() if count > 1)
    if twice:
        raise DataError("These inputs are named twice, and their rows would be labelled twice:", twice)
    unnameable = [repr(item.name) for item in found if without_surrogates(item.name) != item.name]
    if unnameable:
        raise DataError("The names of these files are not UTF-8, and cannot be written down; rename them:", unnameable)
    return found


def _find(name: str, output: Path | None) -> list[Input]:
    path = Path(name)
    if name == Stdin.name:
        return [Stdin()]
    if any((path / saved).exists() for saved in ("dataset_info.json", "dataset_dict.json")):
        return [HubDataset(name, _loaded(name))]
    if path.is_dir():
        return [*_of_known_kinds(sorted(_files(path)), name)]
    if path.exists():
        if format_of(path) not in KINDS:
            raise DataError(f"Cannot label {path}: expected a file ending in {', '.join(KINDS)}.")
        return [File(path)]
    matching = sorted(map(Path, glob.glob(name, recursive=True)))  # noqa: PTH207 (the pattern may be absolute)
    if output is not None:
        matching = [match for match in matching if not match.resolve().is_relative_to(output.resolve())]
    dangling = [str(match) for match in matching if not match.exists()]
    if dangling:
        raise DataError("These are links to what is not there; mend or remove them:", dangling)
    if matching:
        # A pattern may match a folder and what it holds, and what it was not meant for, as a folder holds that too.
        folders = (_files(match) for match in matching if match.is_dir())
        files = dict.fromkeys(chain((match for match in matching if match.is_file()), chain.from_iterable(folders)))
        return [*_of_known_kinds(sorted(files), name)]
    if name.count("/") == 1 and format_of(path) not in KINDS and not path.parent.exists():
        return [HubDataset(name, _loaded(name))]
    raise DataError(
        f"There is no file {name}, relative to {Path.cwd()}; nor is it a folder, a pattern that matches files, or a "
        "dataset of the hub (owner/name)."
    )


def _of_known_kinds(files: Sequence[Path], name: str) -> list[File]:
    """The files that can be read, of those that a folder or pattern stands for."""
    known = [File(file) for file in files if format_of(file) in KINDS]
    if not known:
        raise DataError(f"{name} holds no files that end in {', '.join(KINDS)}.")
    if len(known) < len(files):
        log.warning("%d files in %s end in nothing that is known: left alone.", len(files) - len(known), name)
    return known


def _files(folder: Path) -> Iterator[Path]:
    """The files in a folder and those below, but for hidden ones; links to folders are followed, each folder once.

    Raises:
        DataError: a folder cannot be looked into, or a link leads nowhere.
    """

    def refuse(error: OSError) -> NoReturn:
        raise DataError(f"Cannot look into {error.filename}: {error.strerror}.") from None

    seen: set[Path] = set()
    for parent, below, names in os.walk(folder, onerror=refuse, followlinks=True):
        here = Path(parent)
        real = here.resolve()
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below[:] = sorted(name for name in below if not name.startswith("."))  # of two links one comes first
        for file in (here / name for name in names if not name.startswith(".")):
            if not file.exists() and format_of(file) in KINDS:
                raise DataError(f"{file} is a link to what is not there: mend or remove it.")
            if file.is_file():
                yield file


def _loaded(name: str) -> "Dataset":
    import datasets  # heavy, and most jobs read files

    try:
        loaded: Any = datasets.load_from_disk(name) if Path(name).is_dir() else datasets.load_dataset(name)
        if isinstance(loaded, datasets.DatasetDict):
            loaded = datasets.concatenate_datasets([loaded[split] for split in sorted(loaded)])
    except Exception as error:  # of many kinds, from the hub and from what datasets builds on
        raise DataError(f"Cannot load the dataset {name}: {error}") from None
    return loaded


_LARGEST_TEXT = 4 * LONGEST + 3
"""Bytes of the longest text in UTF-8, with a mark in front that says that it is."""
_LARGEST_PAGE = 32_000_000
"""Bytes of a page beyond which it is set aside: what is made of it takes many times as much memory."""


def _document(path: Path) -> GoodRow | BadRow:
    html = format_of(path) in HTML
    most = _LARGEST_PAGE if html else _LARGEST_TEXT
    try:
        size = path.stat().st_size
        if size > most:  # before memory is filled with it
            return BadRow(str(path), f"too large: expected at most {most:,} bytes, found {size:,}", "")
        raw = path.read_bytes()
    except OSError as error:
        return BadRow(str(path), f"cannot be read: {error.strerror}", "")
    return _document_row(str(path), raw, html=html)


def _document_row(where: str, raw: bytes, *, html: bool = False) -> GoodRow | BadRow:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return BadRow(where, f"not valid UTF-8 at byte {error.start}", repr(raw[error.start : error.start + 20]))
    text = _main_text(text) if html else text
    return GoodRow(where, {"document": where, "text": text}) if text.strip() else BadRow(where, "holds no text", "")


def _main_text(html: str) -> str:
    from trafilatura import extract  # heavy, and most jobs read other files

    return extract(html, include_comments=False) or ""


def columns_of(source: Input) -> pa.Schema:
    """The columns of an input's rows, with their types; JSON lines are read through to find them."""
    declared = source.declared_columns()
    return found_schema(source.rows()) if declared is None else declared
