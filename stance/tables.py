"""Rows of .jsonl (also gzipped), .csv, .tsv and .parquet files, read and written as a stream.

Reading never stops at a bad row: it yields what is wrong and goes on. Writing never leaves half a file: rows go to a
temporary name beside the target, which takes the target's place when all is on disk.
"""

import csv
import gzip
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import ConfigError, DataError
from stance.text import without_surrogates

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]


@dataclass(frozen=True)
class GoodRow:
    """A row and where it stands: ``where`` is ``file:line``, or ``file:row`` for parquet, counted from 1."""

    where: str
    values: Row


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read: where it stands, why, and what was found there."""

    where: str
    reason: str
    raw: str


def check_readable(path: Path) -> None:
    """Raises DataError, saying what to do, unless ``path`` is a file of a known kind that can be opened."""
    if _format(path) not in _READERS:
        raise DataError(f"Cannot tell the format of {path}: expected a file ending in {', '.join(_READERS)}.")
    if not path.exists():
        raise DataError(f"There is no file {path}. Check the path; it is relative to {Path.cwd()}.")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from None


def read_rows(path: Path) -> Iterator[GoodRow | BadRow]:
    """Yields the rows of a file in order, good and bad, without holding them all in memory.

    Raises:
        DataError: the file as a whole cannot be read.
    """
    check_readable(path)
    return _READERS[_format(path)](path)


def _format(path: Path) -> str:
    """The ending that tells the format, ``.jsonl.gz`` as a whole."""
    endings = [suffix.lower() for suffix in path.suffixes[-2:]]
    return "".join(endings) if endings[-1:] == [".gz"] else path.suffix.lower()


def _read_jsonl(path: Path) -> Iterator[GoodRow | BadRow]:
    # Bytes that are not UTF-8 become lone surrogates, so that one bad line is reported and the others are read.
    opened = gzip.open if path.suffix.lower() == ".gz" else Path.open
    with opened(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            raw = line.rstrip("\r\n")
            if without_surrogates(raw) != raw:
                yield BadRow(where, "not valid UTF-8", raw)
                continue
            try:
                values = json.loads(raw)
            except (ValueError, RecursionError) as error:
                yield BadRow(where, f"not valid JSON: {error}", raw)
                continue
            if isinstance(values, dict):
                yield GoodRow(where, _without_surrogates(values) if "\\ud" in raw.lower() else values)
            else:
                yield BadRow(where, f"expected a JSON object, found {type(values).__name__}", raw)


def _without_surrogates(value: Any) -> Any:
    """The value with the lone surrogates that JSON escapes can smuggle in replaced, as no output could hold them."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def _read_delimited(delimiter: str) -> Callable[[Path], Iterator[GoodRow | BadRow]]:
    def read(path: Path) -> Iterator[GoodRow | BadRow]:
        csv.field_size_limit(2**31 - 1)
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            header = next(rows, [])
            if len(set(header)) < len(header):
                raise DataError(f"{path}:1: expected column names that differ, found {', '.join(header)}.")
            while True:
                number = rows.line_num + 1
                try:
                    cells = next(rows, None)
                except csv.Error as error:
                    yield BadRow(f"{path}:{number}", f"not valid CSV: {error}", "")
                    continue
                if cells is None:
                    return
                if cells:
                    yield _delimited_row(f"{path}:{number}", header, cells, delimiter)

    return read


def _delimited_row(where: str, header: Sequence[str], cells: Sequence[str], delimiter: str) -> GoodRow | BadRow:
    raw = delimiter.join(cells)
    if len(cells) != len(header):
        return BadRow(where, f"expected {len(header)} columns, found {len(cells)}", raw)
    if without_surrogates(raw) != raw:
        return BadRow(where, "not valid UTF-8", raw)
    return GoodRow(where, dict(zip(header, cells, strict=True)))


def _read_parquet(path: Path) -> Iterator[GoodRow | BadRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=1024):
                for values in batch.to_pylist():
                    number += 1
                    yield GoodRow(f"{path}:{number}", values)
    except pa.ArrowException as error:
        raise DataError(f"Cannot read {path} as parquet: {error}") from None


_READERS: dict[str, Callable[[Path], Iterator[GoodRow | BadRow]]] = {
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".csv": _read_delimited(","),
    ".tsv": _read_delimited("\t"),
    ".parquet": _read_parquet,
}
READABLE = tuple(_READERS)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside ``path``; on success its file is synced and takes the place of ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def json_line(values: Mapping[str, Any]) -> str:
    """One JSON object on one line, in readable Unicode that UTF-8 can hold."""
    return without_surrogates(json.dumps(values, ensure_ascii=False, default=str)) + "\n"


def read_schema(path: Path) -> "pa.Schema":
    """The columns of a readable file and their types; JSON lines are read through once to find them.

    Columns whose values are of several kinds come out as text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_readable(path)
    if path.suffix.lower() == ".parquet":
        try:
            return pq.read_schema(path)
        except pa.ArrowException as error:
            raise DataError(f"Cannot read {path} as parquet: {error}") from None
    types: dict[str, pa.DataType] = {}
    good = (row.values for row in read_rows(path) if isinstance(row, GoodRow))
    while rows := list(islice(good, 1024)):
        for name in dict.fromkeys(name for row in rows for name in row):
            found = _type_of([row.get(name) for row in rows])
            types[name] = _common_type(types.get(name, pa.null()), found)
    return pa.schema(list(types.items()))


def _type_of(values: Sequence[Any]) -> "pa.DataType":
    import pyarrow as pa

    try:
        return pa.array(values).type
    except (pa.ArrowException, OverflowError):
        return pa.string()


def _common_type(one: "pa.DataType", other: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa

    try:
        fields = [pa.schema([("column", kind)]) for kind in (one, other)]
        return pa.unify_schemas(fields, promote_options="permissive").field("column").type
    except pa.ArrowException:
        return pa.string()


Write = Callable[[Sequence[Row]], None]
"""Takes rows to add to a file that is being written."""


def check_writable(path: Path) -> None:
    """Raises ConfigError, saying what to do, unless rows can be written to a file of that name."""
    if path.suffix.lower() not in _WRITERS:
        raise ConfigError(f"Cannot write {path}: expected a name ending in {', '.join(_WRITERS)}.")
    if path.is_dir():
        raise ConfigError(f"Cannot write {path}: it is a folder; expected the name of a file.")


@contextmanager
def writing(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    """Opens a file for rows of the schema; it takes its name when the block ends well, and leaves nothing otherwise."""
    check_writable(path)
    with replacing(path) as temporary, _WRITERS[path.suffix.lower()](temporary, schema) as write:
        yield write


@contextmanager
def _write_jsonl(path: Path, _: "pa.Schema") -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda rows: file.writelines(map(json_line, rows))


@contextmanager
def _write_csv(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, schema.names)
        table.writeheader()
        yield lambda rows: table.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


@contextmanager
def _write_parquet(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    as_text = {field.name for field in schema if pa.types.is_string(field.type)}

    def fitted(row: Row) -> dict[str, Any]:
        return {name: _cell(value) if name in as_text else value for name, value in row.items()}

    with pq.ParquetWriter(path, schema) as file:
        yield lambda rows: file.write_table(pa.Table.from_pylist([fitted(row) for row in rows], schema=schema))


def _cell(value: Any) -> str | None:
    """A value as text: lists of names joined by commas, anything else that is not text as JSON."""
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return without_surrogates(",".join(value))
    return without_surrogates(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


_WRITERS: dict[str, Callable[[Path, "pa.Schema"], AbstractContextManager[Write]]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
