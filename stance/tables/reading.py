"""Rows of .jsonl (also compressed), .csv, .tsv and .parquet files, read as a stream.

Reading never stops at a bad row: it yields what is wrong and goes on. It can begin at any row whose place is known.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stance.errors import ConfigError, DataError
from stance.tables.columns import found_schema
from stance.tables.delimited import DELIMITERS, read_delimited, read_header
from stance.tables.json_lines import read_jsonl
from stance.tables.lines import DECOMPRESSED
from stance.tables.parquet import read_parquet, read_parquet_schema
from stance.tables.rows import START, BadRow, GoodRow, Place

if TYPE_CHECKING:
    import pyarrow as pa


_READERS: dict[str, Callable[[Path, Place], Iterator[GoodRow | BadRow]]] = {
    ".jsonl": read_jsonl,
    ".jsonl.gz": read_jsonl,
    ".jsonl.zst": read_jsonl,
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".parquet": read_parquet,
}

READABLE = tuple(_READERS)


def check_readable(path: Path) -> None:
    """Raises DataError, saying what to do, unless ``path`` is a file of a known kind that can be opened."""
    if format_of(path) not in _READERS:
        raise DataError(f"Cannot tell the format of {path}: expected a file ending in {', '.join(_READERS)}.")
    if not path.exists():
        raise DataError(f"There is no file {path}. Check the path; it is relative to {Path.cwd()}.")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from None


def read_rows(path: Path, start: Place = START) -> Iterator[GoodRow | BadRow]:
    """Yields the rows of a file in order, good and bad, from a place on, without holding them all in memory.

    What cannot be read any further, such as a compressed file that was cut off, ends in a bad row.

    Raises:
        DataError: the file as a whole cannot be read.
    """
    check_readable(path)
    return _READERS[format_of(path)](path, start)


def format_of(path: Path) -> str:
    """The ending that tells the format, ``.jsonl.gz`` as a whole."""
    endings = [suffix.lower() for suffix in path.suffixes[-2:]]
    return "".join(endings) if path.suffix.lower() in DECOMPRESSED else path.suffix.lower()


def read_schema(path: Path) -> "pa.Schema":
    """The columns of a readable file and their types; JSON lines are read through once to find them."""
    declared = declared_schema(path)
    return found_schema(read_rows(path)) if declared is None else declared


def declared_schema(path: Path) -> "pa.Schema | None":
    """The columns that a readable file declares, and their types; None of JSON lines, whose rows alone tell."""
    import pyarrow as pa

    check_readable(path)
    if format_of(path) in DELIMITERS:
        return pa.schema([(name, pa.string()) for name in read_header(path)[0]])
    return read_parquet_schema(path) if format_of(path) == ".parquet" else None


def check_not_filled_in(path: Path, columns: Sequence[str]) -> None:
    """Raises ConfigError if a table is there in which a person has filled in one of the columns: it is not replaced."""
    if not path.is_file() or path.suffix.lower() not in READABLE:
        return
    for row in read_rows(path):
        filled = [name for name in columns if isinstance(row, GoodRow) and row.values.get(name) not in (None, "", [])]
        if filled:
            raise ConfigError(
                f"{path} is there, and somebody has filled in '{filled[0]}' at {row.where}: it is not replaced. Give "
                "the output another name, or move that file away."
            )
