"""Tables in .csv and .tsv.

Texts are other people's, and a spreadsheet runs a cell that begins like a formula. In .csv such a cell, or name of a
column, is written with an apostrophe in front, which reading .csv and .tsv takes off again, whoever wrote them; numbers
are left alone: https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from stance.errors import DataError
from stance.tables.cells import cell_text
from stance.tables.lines import Lines, LongLineError, shown
from stance.tables.rows import START, BadRow, GoodRow, Place, Write
from stance.text import without_surrogates

if TYPE_CHECKING:
    import pyarrow as pa


DELIMITERS = {".csv": ",", ".tsv": "\t"}

# What spreadsheets may pass over before the sign is white space and characters that nobody sees. Apostrophes in front
# are part of it, so that taking one off undoes putting one on, whatever the text.
_UNSEEN = r"\s\x00-\x1f\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"

_FORMULA = re.compile(rf"'*(?:[{_UNSEEN}]*[=+\-@＝＋－＠]|[\t\r\n])")  # noqa: RUF001

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def read_delimited(path: Path, start: Place) -> Iterator[GoodRow | BadRow]:
    """The rows from a place on.

    Raises:
        DataError: the names of the columns cannot be read, or are not different.
    """
    header, first = read_header(path)
    place: Place | None = first if start == START else start
    while place is not None:
        with Lines(path, place, "") as lines:
            place = yield from _delimited_rows(path, lines, header)


def read_header(path: Path) -> tuple[list[str], Place]:
    """The names of the columns, and the place of the first row."""
    csv.field_size_limit(2**31 - 1)
    with Lines(path, START, "") as lines:
        try:
            while (cells := _cells(lines, DELIMITERS[path.suffix.lower()])) == []:
                pass  # blank lines
        except _OpenQuoteError as error:
            raise DataError(
                f"{path}:1: expected column names, found a quote that is not closed: {shown(error.line):.200}. "
                "Close it, or double it if it is part of a name."
            ) from None
        except LongLineError as error:
            raise DataError(
                f"{path}:1: expected column names, found {error}: {shown(error.beginning):.200}. Is it a table?"
            ) from None
        first = lines.place
    header = list(map(_unguarded, cells or []))
    if any(without_surrogates(name) != name for name in header):
        found = shown(", ".join(header).encode(errors="surrogateescape"))
        raise DataError(
            f"{path}:1: expected column names in UTF-8, found {found:.200}. Save the file as UTF-8 (in a spreadsheet: "
            "as 'CSV UTF-8'), or convert it: iconv -f <its encoding> -t UTF-8 <file>"
        )
    if len(set(header)) < len(header):
        raise DataError(f"{path}:1: expected column names that differ, found {', '.join(header)}.")
    return header, first


_LONGEST_ROW = 8_000_000
"""Characters of a delimited row after which no further line is taken for a part of it: texts an eighth as long are set
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


def _delimited_rows(path: Path, lines: Lines, header: Sequence[str]) -> Generator[GoodRow | BadRow, None, Place | None]:
    """The rows of lines, up to one with an open quote; returns the place to go on from after that, None at the end."""
    delimiter = DELIMITERS[path.suffix.lower()]
    while True:
        place = lines.place
        where = f"{path}:{place.number}"
        try:
            cells = _cells(lines, delimiter)
        except _OpenQuoteError as error:
            yield BadRow(
                where, f"a quote opened here is not closed within {_LONGEST_ROW:,} characters", shown(error.line), place
            )
            return error.following
        except LongLineError as error:
            yield BadRow(where, f"too long: {error}", shown(error.beginning), place)
            continue
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


def _cells(lines: Lines, delimiter: str) -> list[str] | None:
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
        cells = next(csv.reader(_lines_of_row(first, lines), delimiter=delimiter, strict=True))
    except csv.Error:
        alone = csv.reader([_decoded(first), ""], delimiter=delimiter)
        next(alone)
        if alone.line_num > 1:  # it asks for a further line only while a quote is open
            raise _OpenQuoteError(first.rstrip(b"\r\n"), following) from None
        return [_alone(cell, delimiter) for cell in _apart(_decoded(first).rstrip("\r\n"), delimiter)]
    if delimiter == "\t" and any("\t" in cell and "\n" in cell for cell in cells):
        # Two sentences that a speech's quotes run through, a line each, rather than one cell with a tab and lines.
        raise _OpenQuoteError(first.rstrip(b"\r\n"), following)
    return cells


_BEFORE_COMMA = re.compile(r'((?:"(?:[^"]|"")*")?[^,]*),')
"""A cell as it stands: a comma in the quotes that it begins with does not end it."""


def _apart(line: str, delimiter: str) -> list[str]:
    """The cells of a line as they stand there, in which a text's own quotes were not told from a cell's."""
    return line.split(delimiter) if delimiter == "\t" else _BEFORE_COMMA.findall(f"{line},")


def _alone(cell: str, delimiter: str) -> str:
    """A cell without the quotes that wrap it, if they do."""
    try:
        (text,) = next(csv.reader([cell], delimiter=delimiter, strict=True)) or [cell]
    except csv.Error:
        return cell
    return text


def _lines_of_row(first: bytes, others: Lines) -> Iterator[str]:
    length = 0
    with suppress(LongLineError):  # which is told when it comes to be read as a row of its own
        for line in chain([first], others):
            yield (text := _decoded(line))
            length += len(text)
            if length > _LONGEST_ROW:
                return


def _decoded(line: bytes) -> str:
    # Bytes that are not UTF-8 become lone surrogates, so that one bad row is reported and the others are read.
    return line.decode(errors="surrogateescape")


def _delimited_row(
    where: str, header: Sequence[str], cells: Sequence[str], delimiter: str, place: Place
) -> GoodRow | BadRow:
    raw = delimiter.join(cells)
    if without_surrogates(raw) != raw:
        return BadRow(where, "not valid UTF-8", shown(raw.encode(errors="surrogateescape")), place)
    if len(cells) != len(header):
        return BadRow(where, f"expected {len(header)} columns, found {len(cells)}", raw, place)
    return GoodRow(where, dict(zip(header, map(_unguarded, cells), strict=True)), place)


@contextmanager
def write_csv(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    """Opens a .csv file with the columns of the schema."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, schema.names)
        table.writerow({name: guarded(name) for name in schema.names})
        yield lambda rows: table.writerows(
            {name: guarded(cell_text(value) or "") for name, value in row.items()} for row in rows
        )


def guarded(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet might run it."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def _unguarded(cell: str) -> str:
    """Undoes ``guarded``; a cell that lost its apostrophe on the way stays as it is."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
