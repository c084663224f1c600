"""Rows of .jsonl (also compressed), .csv, .tsv and .parquet files, read and written as a stream.

Reading never stops at a bad row: it yields what is wrong and goes on. It can begin at any row whose place is known.
Writing never leaves half a file: rows go to a temporary name beside the target, which takes the target's place when all
is on disk.

Texts are other people's, and a spreadsheet runs a cell that begins like a formula. In .csv such a cell, or name of a
column, is written with an apostrophe in front, which reading .csv and .tsv takes off again, whoever wrote them; numbers
are left alone: https://owasp.org/www-community/attacks/CSV_Injection
"""

import codecs
import csv
import gzip
import io
import json
import math
import os
import re
import uuid
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from stance.errors import ConfigError, DataError
from stance.text import without_surrogates

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]

# What spreadsheets may pass over before the sign is white space and characters that nobody sees. Apostrophes in front
# are part of it, so that taking one off undoes putting one on, whatever the text.
_UNSEEN = r"\s\x00-\x1f\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_FORMULA = re.compile(rf"'*(?:[{_UNSEEN}]*[=+\-@＝＋－＠]|[\t\r\n])")  # noqa: RUF001
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class Place(NamedTuple):
    """Where a row begins.

    Attributes:
        number: of its line, or of the row in parquet, counted from 1.
        offset: bytes of the file, decompressed, before it; rows in parquet.
    """

    number: int
    offset: int


START = Place(1, 0)


@dataclass(frozen=True)
class GoodRow:
    """A row and where it stands: ``where`` is ``file:line``, or ``file:row`` for parquet, counted from 1."""

    where: str
    values: Row
    place: Place = field(default=START, compare=False)


_SHOWN = 2_000
"""Characters of what was found in a bad row that are kept: enough to know it by, and few enough to hold many."""


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read: where it stands, why, and what was found there, or how that begins."""

    where: str
    reason: str
    raw: str
    place: Place = field(default=START, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "raw", self.raw[:_SHOWN])


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
    return "".join(endings) if endings[-1:] in ([".gz"], [".zst"]) else path.suffix.lower()


class _Lines:
    """The lines of a file, as bytes, and the place of the next one.

    Args:
        path: of the file.
        start: where to begin.
        newline: what ends a line, as for ``open``: of ``""`` a carriage return alone does too, as on old Macs.
    """

    def __init__(self, path: Path, start: Place, newline: str) -> None:
        self.place = start
        self._path = path
        self._newline = newline

    def __enter__(self) -> "_Lines":
        suffix = self._path.suffix.lower()
        if suffix == ".gz":
            # Not within another buffer, which would lose what is good of a piece that is damaged further on.
            file: BinaryIO = gzip.GzipFile(self._path)  # type: ignore[assignment]
        elif suffix == ".zst":
            import pyarrow as pa

            file = io.BufferedReader(pa.input_stream(str(self._path), compression="zstd"))
        else:
            file = self._path.open("rb")
        self._skip(file, self.place.offset)
        # Latin-1 makes each byte a character and back, so that places stay those of bytes.
        self._text = io.TextIOWrapper(file, encoding="latin-1", newline=self._newline)
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> bytes:
        line = self._text.readline().encode("latin-1")
        if not line:
            raise StopIteration
        self.place = Place(self.place.number + 1, self.place.offset + len(line))
        return line.removeprefix(codecs.BOM_UTF8) if self.place.offset == len(line) else line

    def _skip(self, file: BinaryIO, count: int) -> None:
        if self._path.suffix.lower() != ".zst":
            file.seek(count)
            return
        while count:  # what decompresses zstd cannot be wound forward
            count -= len(file.read(min(count, 1 << 20))) or count


def _read_jsonl(path: Path, start: Place) -> Iterator[GoodRow | BadRow]:
    with _Lines(path, start, "\n") as lines:
        while True:
            place = lines.place
            where = f"{path}:{place.number}"
            try:
                line = next(lines, None)
            except _UNREADABLE as error:
                yield BadRow(where, f"cannot be read from here on: {error}", "", place)
                return
            if line is None:
                return
            if line.strip():
                yield _json_row(where, line.rstrip(b"\r\n"), place)


_UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a damaged file can raise."""


_DEEPEST = 100
"""Lists and objects within one another: deeper ones could be read, but not written in all forms."""


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _json_row(where: str, line: bytes, place: Place) -> GoodRow | BadRow:
    try:
        raw = line.decode()
    except UnicodeDecodeError as error:
        return BadRow(where, f"not valid UTF-8 at byte {error.start}", _shown(line), place)
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return BadRow(where, f"not valid JSON: {error}", raw, place)
    if not isinstance(values, dict):
        return BadRow(where, f"expected a JSON object, found {type(values).__name__}", raw, place)
    if _is_deep(values):
        return BadRow(where, f"nested more than {_DEEPEST} deep", raw, place)
    return GoodRow(where, _without_surrogates(values) if "\\ud" in raw.lower() else values, place)


def _shown(raw: bytes) -> str:
    """Bytes that are not UTF-8, as text that shows them all."""
    return raw.decode(errors="backslashreplace")


def _without_surrogates(value: Any) -> Any:
    """The value with the lone surrogates that JSON escapes can smuggle in replaced, as no output could hold them."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


_LONGEST_ROW = 2_000_000
"""Characters of a delimited row after which no further line is taken for a part of it: a text of half as many is set
aside anyway, and little is read in vain, or held, because somebody left a quote open."""


class _OpenQuoteError(Exception):
    """Nothing closes a quote of a row.

    Attributes:
        line: the first of the row, as it stands there.
        following: the place of the second.
    """

    def __init__(self, line: bytes, following: Place) -> None:
        self.line = line
        self.following = following


def _read_delimited(path: Path, start: Place) -> Iterator[GoodRow | BadRow]:
    header, first = _header(path)
    place: Place | None = first if start == START else start
    while place is not None:
        with _Lines(path, place, "") as lines:
            place = yield from _delimited_rows(path, lines, header)


def _delimited_rows(
    path: Path, lines: _Lines, header: Sequence[str]
) -> Generator[GoodRow | BadRow, None, Place | None]:
    """The rows of lines, up to one with an open quote; returns the place to go on from after that, None at the end."""
    delimiter = _DELIMITERS[format_of(path)]
    while True:
        place = lines.place
        where = f"{path}:{place.number}"
        try:
            cells = _cells(lines, delimiter)
        except _OpenQuoteError as error:
            yield BadRow(where, "a quote opened here is not closed", _shown(error.line), place)
            return error.following
        except csv.Error as error:
            yield BadRow(where, f"not valid CSV: {error}", "", place)
            continue
        except OSError as error:
            yield BadRow(where, f"cannot be read from here on: {error}", "", place)
            return None
        if cells is None:
            return None
        if cells:
            yield _delimited_row(where, header, cells, delimiter, place)


def _header(path: Path) -> tuple[list[str], Place]:
    """The names of the columns, and the place of the first row."""
    csv.field_size_limit(2**31 - 1)
    with _Lines(path, START, "") as lines:
        try:
            while (cells := _cells(lines, _DELIMITERS[format_of(path)])) == []:
                pass  # blank lines
        except _OpenQuoteError as error:
            raise DataError(
                f"{path}:1: expected column names, found a quote that is not closed: {_shown(error.line):.200}. "
                "Close it, or double it if it is part of a name."
            ) from None
        first = lines.place
    header = list(map(_unguarded, cells or []))
    if any(without_surrogates(name) != name for name in header):
        found = _shown(", ".join(header).encode(errors="surrogateescape"))
        raise DataError(
            f"{path}:1: expected column names in UTF-8, found {found:.200}. Save the file as UTF-8 (in a spreadsheet: "
            "as 'CSV UTF-8'), or convert it: iconv -f <its encoding> -t UTF-8 <file>"
        )
    if len(set(header)) < len(header):
        raise DataError(f"{path}:1: expected column names that differ, found {', '.join(header)}.")
    return header, first


def _cells(lines: _Lines, delimiter: str) -> list[str] | None:
    """The cells of the next row; None if there is none.

    A quote amid a cell is taken as it stands, but not from one line to the next: where a row of several lines has a
    quote that closes before the end of its cell, an earlier one was left open and has run into it.

    Raises:
        _OpenQuoteError: the row does not end, or not so.
    """
    first = next(lines, None)
    if first is None:
        return None
    following = lines.place
    try:
        return next(csv.reader(_lines_of_row(first, lines), delimiter=delimiter, strict=True))
    except csv.Error:
        alone = csv.reader([_decoded(first), ""], delimiter=delimiter)
        cells = next(alone)
        if alone.line_num > 1:  # it asks for a further line only while a quote is open
            raise _OpenQuoteError(first.rstrip(b"\r\n"), following) from None
        return cells


def _lines_of_row(first: bytes, others: _Lines) -> Iterator[str]:
    length = 0
    for line in chain([first], others):
        yield (text := _decoded(line))
        length += len(text)
        if length > _LONGEST_ROW:
            return


def _decoded(line: bytes) -> str:
    # Bytes that are not UTF-8 become lone surrogates, so that one bad row is reported and the others are read.
    return line.decode(errors="surrogateescape")


def guarded(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet might run it."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def _unguarded(cell: str) -> str:
    """Undoes ``guarded``; a cell that lost its apostrophe on the way stays as it is."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _delimited_row(
    where: str, header: Sequence[str], cells: Sequence[str], delimiter: str, place: Place
) -> GoodRow | BadRow:
    raw = delimiter.join(cells)
    if without_surrogates(raw) != raw:
        return BadRow(where, "not valid UTF-8", _shown(raw.encode(errors="surrogateescape")), place)
    if len(cells) != len(header):
        return BadRow(where, f"expected {len(header)} columns, found {len(cells)}", raw, place)
    return GoodRow(where, dict(zip(header, map(_unguarded, cells), strict=True)), place)


def _read_parquet(path: Path, start: Place) -> Iterator[GoodRow | BadRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = list(accumulate(sizes))
            first = bisect_right(ends, start.offset)
            row = ends[first - 1] if first else 0
            # Threads would each keep memory of their own, and so few rows are read as fast without.
            for batch in file.iter_batches(batch_size=1024, row_groups=range(first, len(sizes)), use_threads=False):
                wanted = batch.slice(max(start.offset - row, 0))
                yield from _batch_rows(path, wanted, row + batch.num_rows - wanted.num_rows)
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:  # the latter of a page that is damaged
        raise DataError(f"Cannot read {path} as parquet: {error}") from None


def _batch_rows(path: Path, batch: "pa.RecordBatch", before: int) -> Iterator[GoodRow | BadRow]:
    try:
        rows: list[Row | None] = batch.to_pylist()
    except _UNHOLDABLE:
        rows = [None] * batch.num_rows
    for index, values in enumerate(rows):
        place = Place(before + index + 1, before + index)
        where = f"{path}:{place.number}"
        if values is not None:
            yield GoodRow(where, values, place)
            continue
        row = batch.slice(index, 1)
        try:  # one by one, to find the bad ones of the batch
            yield GoodRow(where, row.to_pylist()[0], place)
        except UnicodeDecodeError as error:
            yield BadRow(where, f"not valid UTF-8 at byte {error.start}", _shown(error.object), place)
        except _UNHOLDABLE as error:
            yield BadRow(where, f"a value that cannot be read: {type(error).__name__}: {error}", str(row), place)


_UNHOLDABLE = (ValueError, OverflowError, LookupError)
"""What values of parquet can raise that Python has no like of: dates far away, time zones that nobody knows."""


_READERS: dict[str, Callable[[Path, Place], Iterator[GoodRow | BadRow]]] = {
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".jsonl.zst": _read_jsonl,
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".parquet": _read_parquet,
}
READABLE = tuple(_READERS)
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


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


def rejected_beside(output: Path) -> Path:
    """The file of the rows that were set aside, beside the one that all others went to."""
    return output.with_name(f"{output.name}.rejected.jsonl")


def rejected_line(row: BadRow) -> str:
    """A bad row as a line of the file of those that were set aside."""
    return json_line({"where": row.where, "reason": row.reason, "raw": row.raw})


def json_line(values: Mapping[str, Any]) -> str:
    """One JSON object on one line, in readable Unicode that UTF-8 can hold; null for numbers that are not finite."""
    try:
        line = json.dumps(values, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:  # which few lines raise: the others need no second look
        line = json.dumps(_finite(values), ensure_ascii=False, default=str)
    return without_surrogates(line) + "\n"


def _finite(value: Any) -> Any:
    """The value with None for each number that JSON has no form of."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return {name: _finite(item) for name, item in value.items()} if isinstance(value, Mapping) else value


def read_schema(path: Path) -> "pa.Schema":
    """The columns of a readable file and their types; JSON lines are read through once to find them."""
    declared = declared_schema(path)
    return found_schema(read_rows(path)) if declared is None else declared


def declared_schema(path: Path) -> "pa.Schema | None":
    """The columns that a readable file declares, and their types; None of JSON lines, whose rows alone tell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_readable(path)
    if format_of(path) in _DELIMITERS:
        return pa.schema([(name, pa.string()) for name in _header(path)[0]])
    if format_of(path) != ".parquet":
        return None
    try:
        schema = pq.read_schema(path)
    except pa.ArrowException as error:
        raise DataError(f"Cannot read {path} as parquet: {error}") from None
    twice = sorted(name for name, count in Counter(schema.names).items() if count > 1)
    if twice:
        raise DataError(f"{path}: expected columns of different names, found twice: {', '.join(twice)}. Rename them.")
    return schema


def found_schema(rows: Iterable[GoodRow | BadRow]) -> "pa.Schema":
    """The columns that rows are seen to have, and their types."""
    columns = Columns()
    for row in rows:
        columns.see(row)
    return columns.schema()


_TYPED_TOGETHER = 1024
"""Rows whose values are looked at together."""


class Columns:
    """The columns of rows that pass by, and their types; text where values are of several kinds."""

    def __init__(self) -> None:
        self._types: dict[str, pa.DataType] = {}
        self._rows: list[Row] = []

    def see(self, row: GoodRow | BadRow) -> None:
        """Looks at a row."""
        if isinstance(row, GoodRow):
            # Of text the type is known: what it says need not be held.
            self._rows.append({name: "" if isinstance(value, str) else value for name, value in row.values.items()})
            if len(self._rows) == _TYPED_TOGETHER:
                self._settle()

    def schema(self) -> "pa.Schema":
        """What has been found so far."""
        import pyarrow as pa

        self._settle()
        return pa.schema(list(self._types.items()))

    def _settle(self) -> None:
        for name in dict.fromkeys(name for row in self._rows for name in row):
            found = _type_of([row.get(name) for row in self._rows])
            self._types[name] = common_type(self._types.get(name, found), found)
        self._rows.clear()


def _type_of(values: Sequence[Any]) -> "pa.DataType":
    import pyarrow as pa

    try:
        return pa.array(values).type
    except (pa.ArrowException, OverflowError):
        return pa.string()


def common_type(one: "pa.DataType", other: "pa.DataType") -> "pa.DataType":
    """The narrowest type that holds both; text where they have nothing in common.

    Text too where integers of 64 bits, decimals or times meet others of their kind: as those, not all of them would
    stay what they are.
    """
    import pyarrow as pa

    if one == other:
        return one
    try:
        fields = [pa.schema([("column", kind)]) for kind in (one, other)]
        common = pa.unify_schemas(fields, promote_options="permissive").field("column").type
    except pa.ArrowException:
        return pa.string()
    exact = {leaf for leaf in (*_leaves(one), *_leaves(other)) if _is_exact(leaf[1])}
    return _nullable(common) if exact.issubset(_leaves(common)) else pa.string()


def _is_exact(kind: "pa.DataType") -> bool:
    """Whether a type holds what its wider kin do not."""
    import pyarrow as pa

    times = pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_time(kind)
    return times or pa.types.is_decimal(kind) or kind in (pa.int64(), pa.uint64())


def _nullable(kind: "pa.DataType") -> "pa.DataType":
    """A struct of which any part may be missing, as it may be in one of the files; other types as they are."""
    import pyarrow as pa

    if not pa.types.is_struct(kind):
        return kind
    return pa.struct([field.with_nullable(True).with_type(_nullable(field.type)) for field in kind])


def _leaves(kind: "pa.DataType", *way: str | int) -> Iterator[tuple[tuple[str | int, ...], "pa.DataType"]]:
    """The types inside a type that have none inside, each after the way to it; of a plain type itself."""
    import pyarrow as pa

    for index in range(kind.num_fields):
        inner = kind.field(index)
        yield from _leaves(inner.type, *way, inner.name if pa.types.is_struct(kind) else index)
    if not kind.num_fields:
        yield way, kind


def common_columns(schemas: Iterable["pa.Schema"]) -> "pa.Schema":
    """The columns of several schemas as one; a column whose types have nothing in common becomes text."""
    import pyarrow as pa

    columns: dict[str, pa.DataType] = {}
    for schema in schemas:
        for column in schema:
            columns[column.name] = common_type(columns.get(column.name, column.type), column.type)
    return pa.schema(list(columns.items()))


Write = Callable[[Sequence[Row]], None]
"""Takes rows to add to a file that is being written."""


def check_writable(path: Path) -> None:
    """Raises ConfigError, saying what to do, unless rows can be written to a file of that name."""
    if path.suffix.lower() not in _WRITERS:
        raise ConfigError(f"Cannot write {path}: expected a name ending in {', '.join(_WRITERS)}.")
    if path.is_dir():
        raise ConfigError(f"Cannot write {path}: it is a folder; expected the name of a file.")


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file or folder, also on disks that take capital letters for small ones."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def check_apart(output: Path, **inputs: str | None) -> None:
    """Raises ConfigError if ``output`` would replace what is read; the inputs by the settings that name them."""
    for name, path in inputs.items():
        if path is not None and is_same(Path(path), output):
            raise ConfigError(f"{name} and output are both {output}: give the output another name.")


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


@contextmanager
def writing(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    """Opens a file for rows of the schema; it takes its name when the block ends well, and leaves nothing otherwise."""
    check_writable(path)
    with replacing(path) as temporary, _WRITERS[path.suffix.lower()](temporary, schema) as write:
        yield write


@contextmanager
def _write_jsonl(path: Path, _: "pa.Schema") -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield lambda rows: file.writelines(map(json_line, rows))


@contextmanager
def _write_csv(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, schema.names)
        table.writerow({name: guarded(name) for name in schema.names})
        yield lambda rows: table.writerows(
            {name: guarded(_cell(value) or "") for name, value in row.items()} for row in rows
        )


@contextmanager
def _write_parquet(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Parquet has no objects without a field, as JSON has.
    schema = pa.schema(
        column.with_type(pa.string()) if any(pa.types.is_struct(inner) for _, inner in _leaves(column.type)) else column
        for column in schema
    )
    as_text = {field.name for field in schema if pa.types.is_string(field.type)}

    def fitted(row: Row) -> dict[str, Any]:
        return {name: _cell(value) if name in as_text else value for name, value in row.items()}

    with pq.ParquetWriter(path, schema) as file:
        yield lambda rows: file.write_table(pa.Table.from_pylist([fitted(row) for row in rows], schema=schema))


def _cell(value: Any) -> str | None:
    """A value as text: lists of names joined by commas, what JSON knows as JSON, anything else as it calls itself."""
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return without_surrogates(",".join(value))
    if isinstance(value, list | dict | bool | int | float):
        return without_surrogates(json.dumps(value, ensure_ascii=False, default=str))
    return without_surrogates(str(value))


_WRITERS: dict[str, Callable[[Path, "pa.Schema"], AbstractContextManager[Write]]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
