"""Rows of labelled files, as ``scripts/predict.py`` writes them: which sentence each is, and what a model said.

Rows of a sample, which ``scripts/sample.py`` draws from such a file, are read alike, but say nothing of the model.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import DataError
from stance.tables.columns import common_columns
from stance.tables.reading import read_rows, read_schema
from stance.tables.rows import BadRow, GoodRow, Row
from stance.text import sentence_id

if TYPE_CHECKING:
    import pyarrow as pa

PROBABILITY = "probability_"
"""Begins the names of the columns of .csv and .parquet files that hold probabilities; .jsonl nests them."""

MODEL_COLUMNS = ("labels", "uncertain", "probabilities", "truncated")
"""What a labelled file says of a sentence beside ``probability_*``."""

ANNOTATIONS = "annotations"
"""The column of a table of annotations that says what each annotator gave; empty where nobody has read the sentence."""

LABEL_SET = "label_set"
"""A column of samples: the names of the labels that a person may give, as there are no probabilities to tell them."""

SENTENCES = "sentences"
"""Where the output folder of a corpus job has its labelled shards."""


def is_annotated(cell: Any) -> bool:
    """Whether anybody has read a sentence, by its cell of annotations: an object, of which .csv has the JSON text.

    In .parquet it has a field for each annotator of the table, empty for those who have not.
    """
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except ValueError:
            return bool(cell.strip())
    return any(given is not None for given in cell.values()) if isinstance(cell, dict) else bool(cell)


@dataclass(frozen=True)
class LabelledSentence:
    """A sentence of a labelled file, and what a model says about it.

    Attributes:
        where: ``file:row`` at which it stands.
        id: the value of ``id``, else of ``document``, else 16 digits of the hash of the text; followed by ``:start``
            where the file has that column, as the sentences of a document or a row share the rest. A text that stands
            there again without a name is told apart by ``-2``, ``-3`` in order.
        text: the sentence; empty where the file has no column ``text``.
        labels: those that the model gave; none in a sample.
        uncertain: labels, given or not, that a person should look at; none in a sample.
        probabilities: for every label; none in a sample.
        row: all that stands there.
    """

    where: str
    id: str
    text: str
    labels: tuple[str, ...]
    uncertain: tuple[str, ...]
    probabilities: Mapping[str, float]
    row: Row

    @property
    def label_set(self) -> tuple[str, ...]:
        """The labels that the model knows; in a sample those that its column ``label_set`` names, if any."""
        named = self.probabilities or _split(self.row.get(LABEL_SET)) or ()
        return tuple(name for name in named if isinstance(name, str) and name)

    @property
    def columns(self) -> Row:
        """What stands there beside id, text, and what the model says."""
        return {name: value for name, value in self.row.items() if is_kept(name)}


def is_kept(column: str) -> bool:
    """Whether a column of a labelled file is neither id nor text nor what a model says."""
    return column not in ("id", "text", *MODEL_COLUMNS) and not column.startswith(PROBABILITY)


def read_sentences(path: Path, *, samples: bool = False) -> Iterator[LabelledSentence | BadRow]:
    """The sentences of a labelled file, or of a folder of shards, in order; and rows that hold none, or a used id.

    Args:
        path: the file or folder.
        samples: whether a sample will do as well.

    Raises:
        DataError: the file cannot be read, or is no labelled file.
    """
    labels: tuple[str, ...] | None = None
    places: dict[str, str] = {}
    copies: Counter[str] = Counter()
    for row in read_labelled(path):
        if isinstance(row, BadRow):
            yield row
            continue
        if labels is None:
            labels = _labels(path, row.values, samples=samples)
        found = _sentence(row, labels, number=len(places) + 1, copies=copies)
        if isinstance(found, LabelledSentence) and found.id in places:
            found = f"id '{found.id}' was used before, at {places[found.id]}"
        if isinstance(found, str):
            yield BadRow(row.where, found, "", row.place)
        else:
            places[found.id] = row.where
            yield found


def _labels(path: Path, row: Row, *, samples: bool) -> tuple[str, ...]:
    """The labels of which rows have probabilities: none in a sample."""
    found = tuple(probabilities_of(row))
    if samples and not found and LABEL_SET in row:
        return ()
    if not found or "labels" not in row:
        sample = f", or a sample with '{LABEL_SET}', as scripts/sample.py draws it" if samples else ""
        raise DataError(
            f"{path} is no labelled file: expected 'labels' and 'probabilities' (or '{PROBABILITY}<label>'){sample}, "
            f"found {', '.join(row)}. Make one: python scripts/predict.py input=<file> "
            f"output={path.stem}-labelled.jsonl"
        )
    return found


def _sentence(row: GoodRow, labels: Sequence[str], *, number: int, copies: Counter[str]) -> LabelledSentence | str:
    """The sentence of a row, or what is wrong with it."""
    values, cells = row.values, probabilities_of(row.values)
    text = values["text"] if isinstance(values.get("text"), str) else ""
    if set(cells) != set(labels):
        return f"expected probabilities of {', '.join(labels)}, found {', '.join(cells)}"
    probabilities: dict[str, float] = {}
    for label in labels:
        probability = _as_probability(cells[label])
        if probability is None:
            return f"expected a probability from 0 to 1 for '{label}', found {cells[label]!r:.60}"
        probabilities[label] = probability
    given, uncertain = (_names(values.get(column), labels) for column in ("labels", "uncertain"))
    if given is None or uncertain is None:
        return f"expected label names, found {values.get('labels')!r:.60} and {values.get('uncertain')!r:.60}"
    identifier = _identify(values, otherwise=sentence_id(text) if text else str(number))
    if _named(values) is None:
        copies[identifier] += 1
        identifier += f"-{copies[identifier]}" if copies[identifier] > 1 else ""
    return LabelledSentence(row.where, identifier, text, given, uncertain, probabilities, values)


def _names(cell: Any, labels: Sequence[str]) -> tuple[str, ...] | None:
    found = _split(cell)
    return None if found is None else tuple(label for label in labels if label in found)


def _split(cell: Any) -> list[Any] | None:
    """What a cell lists; None where it holds anything but a list, or names joined by commas."""
    found = [name.strip() for name in cell.split(",")] if isinstance(cell, str) else cell or []
    return found if isinstance(found, list) else None


def read_labelled(path: Path) -> Iterator[GoodRow | BadRow]:
    """The rows of a labelled file, or of all shards in the output folder of a corpus job.

    Raises:
        DataError: the file cannot be read, or the folder is not one that a corpus job has written.
    """
    for file in _files(path):
        yield from read_rows(file)


def labelled_schema(path: Path) -> "pa.Schema":
    """The columns of a labelled file, or of all shards in a folder, with their types."""
    return common_columns(map(read_schema, _files(path)))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    shards = sorted((path / SENTENCES).glob("[!.]*"))  # the hidden ones are of a killed job, or of the system
    if not shards:
        raise DataError(f"{path} is no output folder of scripts/predict.py: expected shards in {path / SENTENCES}.")
    return shards


def _identify(row: Row, otherwise: str) -> str:
    identifier, start = _named(row) or otherwise, row.get("start")
    # The id of a sentence that was identified before ends with its start already.
    again = start in (None, "") or identifier.endswith(f":{start}")
    return identifier if again else f"{identifier}:{start}"


def _named(row: Row) -> str | None:
    """What the file itself calls the row or document that a sentence is of; None if it has no name."""
    return next((str(row[name]) for name in ("id", "document") if row.get(name) not in (None, "")), None)


def probabilities_of(row: Row) -> Mapping[str, Any]:
    """The probabilities by label, nested or in columns, as they stand in the file: text in .csv."""
    nested = row.get("probabilities")
    if isinstance(nested, dict):
        return nested
    return {name.removeprefix(PROBABILITY): value for name, value in row.items() if name.startswith(PROBABILITY)}


def _as_probability(cell: Any) -> float | None:
    """A cell as a number from 0 to 1; None if it is none."""
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if 0 <= value <= 1 else None
