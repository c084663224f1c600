"""Rows of labelled files, as ``scripts/predict.py`` writes them: which sentence each is, and what a model said."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import DataError
from stance.tables import BadRow, GoodRow, Row, read_rows, read_schema

if TYPE_CHECKING:
    import pyarrow as pa

PROBABILITY = "probability_"
"""Begins the names of the columns of .csv and .parquet files that hold probabilities; .jsonl nests them."""

MODEL_COLUMNS = ("labels", "uncertain", "probabilities", "truncated")
"""What a labelled file says of a sentence beside ``probability_*``."""

SENTENCES = "sentences"
"""Where the output folder of a corpus job has its labelled shards."""


def read_labelled(path: Path) -> Iterator[GoodRow | BadRow]:
    """The rows of a labelled file, or of all shards in the output folder of a corpus job.

    Raises:
        DataError: the file cannot be read, or the folder is not one that a corpus job has written.
    """
    for file in _files(path):
        yield from read_rows(file)


def labelled_schema(path: Path) -> "pa.Schema":
    """The columns of a labelled file, or of the shards in a folder, with their types."""
    return read_schema(_files(path)[0])


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    shards = sorted((path / SENTENCES).glob("*"))
    if not shards:
        raise DataError(f"{path} is no output folder of scripts/predict.py: expected shards in {path / SENTENCES}.")
    return shards


def identify(row: Row, otherwise: str) -> str:
    """The id of a sentence: its ``id``, else its ``document``, else what is given instead.

    Where the file says so, what stands there is followed by where the sentence starts, as several sentences of a row or
    document share the rest.
    """
    identifier, start = named(row) or otherwise, row.get("start")
    # The id of a sentence that was identified before ends with its start already.
    again = start in (None, "") or identifier.endswith(f":{start}")
    return identifier if again else f"{identifier}:{start}"


def named(row: Row) -> str | None:
    """What the file itself calls the row or document that a sentence is of; None if it has no name."""
    return next((str(row[name]) for name in ("id", "document") if row.get(name) not in (None, "")), None)


def probabilities_of(row: Row) -> Mapping[str, Any]:
    """The probabilities by label, nested or in columns, as they stand in the file: text in .csv."""
    nested = row.get("probabilities")
    if isinstance(nested, dict):
        return nested
    return {name.removeprefix(PROBABILITY): value for name, value in row.items() if name.startswith(PROBABILITY)}


def as_probability(cell: Any) -> float | None:
    """A cell as a number from 0 to 1; None if it is none."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if 0 <= value <= 1 else None
