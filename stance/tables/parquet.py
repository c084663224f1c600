"""Tables in .parquet."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import DataError
from stance.tables.cells import cell_text
from stance.tables.columns import is_text, leaves
from stance.tables.lines import shown
from stance.tables.rows import BadRow, GoodRow, Place, Row, Write

if TYPE_CHECKING:
    import pyarrow as pa


_BUFFER = 1 << 16
"""Bytes read ahead of each column."""


def read_parquet(path: Path, start: Place) -> Iterator[GoodRow | BadRow]:
    """The rows from a place on.

    Raises:
        DataError: the file cannot be read, or no further.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Neither whole row groups, which can be larger than memory, nor threads, which would each keep memory of their
        # own: so few rows are read as fast without.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = list(accumulate(sizes))
            first = bisect_right(ends, start.offset)
            row = ends[first - 1] if first else 0
            for batch in file.iter_batches(batch_size=1024, row_groups=range(first, len(sizes)), use_threads=False):
                wanted = batch.slice(max(start.offset - row, 0))
                yield from batch_rows(str(path), wanted, row + batch.num_rows - wanted.num_rows)
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:  # the latter of a page that is damaged
        raise DataError(f"Cannot read {path} as parquet: {error}") from None


def read_parquet_schema(path: Path) -> "pa.Schema":
    """The columns of a file and their types.

    Raises:
        DataError: it cannot be read, or two columns have one name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:  # the latter of a footer that is damaged
        raise DataError(f"Cannot read {path} as parquet: {error}") from None
    twice = sorted(name for name, count in Counter(schema.names).items() if count > 1)
    if twice:
        raise DataError(f"{path}: expected columns of different names, found twice: {', '.join(twice)}. Rename them.")
    return schema


def batch_rows(name: str, batch: "pa.RecordBatch", before: int) -> Iterator[GoodRow | BadRow]:
    """The rows of a batch, of which each is told where it stands: in what is called so, behind so many others."""
    try:
        rows: list[Row | None] = batch.to_pylist()
    except _UNHOLDABLE:
        rows = [None] * batch.num_rows
    for index, values in enumerate(rows):
        place = Place(before + index + 1, before + index)
        where = f"{name}:{place.number}"
        if values is not None:
            yield GoodRow(where, values, place)
            continue
        row = batch.slice(index, 1)
        try:  # one by one, to find the bad ones of the batch
            yield GoodRow(where, row.to_pylist()[0], place)
        except UnicodeDecodeError as error:
            yield BadRow(where, f"not valid UTF-8 at byte {error.start}", shown(error.object), place)
        except _UNHOLDABLE as error:
            yield BadRow(where, f"a value that cannot be read: {type(error).__name__}: {error}", str(row), place)


_UNHOLDABLE = (ValueError, OverflowError, LookupError)
"""What values of parquet can raise that Python has no like of: dates far away, time zones that nobody knows."""


@contextmanager
def write_parquet(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    """Opens a file with the columns of the schema, columns with objects that have no field as JSON text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Parquet has no objects without a field, as JSON has.
    schema = pa.schema(
        column.with_type(pa.string()) if any(pa.types.is_struct(inner) for _, inner in leaves(column.type)) else column
        for column in schema
    )
    as_text = {field.name for field in schema if is_text(field.type)}

    def fitted(row: Row) -> dict[str, Any]:
        return {name: cell_text(value) if name in as_text else value for name, value in row.items()}

    with pq.ParquetWriter(path, schema) as file:
        yield lambda rows: file.write_table(pa.Table.from_pylist([fitted(row) for row in rows], schema=schema))
