"""The sentences of a labelled corpus, an output of ``scripts/predict.py``, with ids that stay the same."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stance.errors import DataError
from stance.labelled_rows import (
    MODEL_COLUMNS,
    PROBABILITY,
    as_probability,
    identify,
    labelled_schema,
    named,
    probabilities_of,
    read_labelled,
)
from stance.tables import BadRow, GoodRow
from stance.text import sentence_id


@dataclass(frozen=True)
class LabelledSentence:
    """A sentence and what a model says about it.

    Attributes:
        id: the value of ``id``, else of ``document``, else 16 digits of the hash of the text; followed by ``:start``
            where the file has that column, as the sentences of a document or a row share the rest.
        text: the sentence.
        labels: those that the model gave.
        uncertain: labels, given or not, that a person should look at.
        probabilities: for every label.
        columns: what else the file has in its row.
    """

    id: str
    text: str
    labels: tuple[str, ...]
    uncertain: tuple[str, ...]
    probabilities: dict[str, float]
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class LabelledCorpus:
    """Labelled sentences in the order of their file, by id.

    Attributes:
        path: the file.
        labels: the model's, in its order.
        sentences: by id.
        schema: the columns that the sentences bring along beside id, text, and what the model says.
    """

    path: Path
    labels: tuple[str, ...]
    sentences: Mapping[str, LabelledSentence]
    schema: pa.Schema

    def probabilities(self, ids: Sequence[str]) -> NDArray[np.float64]:
        """What the model says of some sentences, shape (ids, labels)."""
        found = [list(self.sentences[identifier].probabilities.values()) for identifier in ids]
        return np.array(found, dtype=np.float64).reshape(len(ids), len(self.labels))


def read_corpus(path: Path) -> LabelledCorpus:
    """Reads a labelled file, all of it into memory.

    A text that stands twice in a file without ids and documents is told apart by ``-2``, ``-3`` in order.

    Raises:
        DataError: the file cannot be read, is no labelled file, or holds rows that are wrong or share an id; every
            problem is listed with its ``file:line``.
    """
    sentences: dict[str, LabelledSentence] = {}
    places: dict[str, str] = {}
    labels: tuple[str, ...] = ()
    copies: Counter[str] = Counter()
    problems: list[str] = []
    for row in read_labelled(path):
        if isinstance(row, BadRow):
            problems.append(f"{row.where}: {row.reason}")
            continue
        labels = labels or tuple(probabilities_of(row.values))
        found = _sentence(row, labels)
        if isinstance(found, str):
            problems.append(f"{row.where}: {found}")
            continue
        if named(row.values) is None:
            copies[found.id] += 1
            if copies[found.id] > 1:
                found = replace(found, id=f"{found.id}-{copies[found.id]}")
        if found.id in places:
            problems.append(f"{row.where}: id '{found.id}' was used before, at {places[found.id]}")
        places[found.id] = row.where
        sentences[found.id] = found
    if problems:
        raise DataError(f"{path} cannot be used as it is; scripts/predict.py writes files that can:", problems)
    if not sentences:
        raise DataError(f"{path} holds no sentences.")
    kept = [column for column in labelled_schema(path) if _is_kept(column.name)]
    return LabelledCorpus(path, labels, sentences, pa.schema(kept))


def row_of(sentence: LabelledSentence) -> dict[str, Any]:
    """The sentence as a row of a labelled file, which ``read_corpus`` reads back."""
    return {
        **sentence.columns,
        "id": sentence.id,
        "text": sentence.text,
        "labels": list(sentence.labels),
        "uncertain": list(sentence.uncertain),
        **{PROBABILITY + label: value for label, value in sentence.probabilities.items()},
    }


def schema_of(corpus: LabelledCorpus) -> pa.Schema:
    """The columns of ``row_of``."""
    names = pa.list_(pa.string())
    probabilities = [pa.field(PROBABILITY + label, pa.float64()) for label in corpus.labels]
    ours = [("id", pa.string()), ("text", pa.string()), ("labels", names), ("uncertain", names)]
    return pa.schema([*ours, *probabilities, *corpus.schema])


def _sentence(row: GoodRow, labels: Sequence[str]) -> LabelledSentence | str:
    """The sentence of a row, or what is wrong with it."""
    text, cells = row.values.get("text"), probabilities_of(row.values)
    if not cells or "labels" not in row.values:
        return f"expected 'labels' and 'probabilities' (or '{PROBABILITY}<label>'), found {', '.join(row.values)}"
    if not isinstance(text, str) or not text.strip():
        return f"expected text in 'text', found {text!r:.60}"
    if set(cells) != set(labels):
        return f"expected probabilities of {', '.join(labels)}, found {', '.join(cells)}"
    probabilities = {label: as_probability(cells[label]) for label in labels}
    wrong = [label for label, value in probabilities.items() if value is None]
    if wrong:
        return f"expected a probability from 0 to 1 for '{wrong[0]}', found {cells[wrong[0]]!r:.60}"
    return LabelledSentence(
        id=identify(row.values, otherwise=sentence_id(text)),
        text=text,
        labels=_names(row.values["labels"], labels),
        uncertain=_names(row.values.get("uncertain"), labels),
        probabilities={label: value for label, value in probabilities.items() if value is not None},
        columns={name: value for name, value in row.values.items() if _is_kept(name)},
    )


def _names(cell: Any, labels: Sequence[str]) -> tuple[str, ...]:
    found = cell.split(",") if isinstance(cell, str) else cell or ()
    return tuple(label for label in labels if label in found)


def _is_kept(column: str) -> bool:
    return column not in ("id", "text", *MODEL_COLUMNS) and not column.startswith(PROBABILITY)
