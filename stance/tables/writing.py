"""Rows of .jsonl, .csv and .parquet files, written as a stream; those that were set aside go beside them.

Writing never leaves half a file: see ``stance.files``.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stance.errors import ConfigError
from stance.files import check_no_folder, replacing
from stance.tables.delimited import write_csv
from stance.tables.json_lines import json_line, write_jsonl
from stance.tables.parquet import write_parquet
from stance.tables.rows import BadRow, Write

if TYPE_CHECKING:
    import pyarrow as pa


_WRITERS: dict[str, Callable[[Path, "pa.Schema"], AbstractContextManager[Write]]] = {
    ".jsonl": write_jsonl,
    ".csv": write_csv,
    ".parquet": write_parquet,
}


def check_writable(path: Path) -> None:
    """Raises ConfigError, saying what to do, unless rows can be written to a file of that name."""
    if path.suffix.lower() not in _WRITERS:
        raise ConfigError(f"Cannot write {path}: expected a name ending in {', '.join(_WRITERS)}.")
    check_no_folder(path)


@contextmanager
def writing(path: Path, schema: "pa.Schema") -> Iterator[Write]:
    """Opens a file for rows of the schema; it takes its name when the block ends well, and leaves nothing otherwise."""
    check_writable(path)
    with replacing(path) as temporary, _WRITERS[path.suffix.lower()](temporary, schema) as write:
        yield write


def rejected_beside(output: Path) -> Path:
    """The file of the rows that were set aside, beside the one that all others went to."""
    return output.with_name(f"{output.name}.rejected.jsonl")


def rejected_line(row: BadRow) -> str:
    """A bad row as a line of the file of those that were set aside."""
    return json_line({"where": row.where, "reason": row.reason, "raw": row.raw})
