"""Rows as the sentences to label in them, and labelled sentences as rows of the output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from stance.errors import DataError, did_you_mean
from stance.inputs import Input
from stance.labelled_rows import MODEL_COLUMNS, PROBABILITY
from stance.predict import Prediction
from stance.tables.json_lines import json_line
from stance.tables.rows import BadRow, GoodRow
from stance.text import LONGEST, Sentence, split_sentences

DOCUMENT, TEXT = "document", "text"
_PLACES = ("start", "end")


@dataclass(frozen=True)
class Piece:
    """A sentence to label, or a whole row, and the columns to keep beside it."""

    text: str
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class Cutter:
    """Makes rows into pieces.

    Attributes:
        text_column: the column of tables that holds the text; documents have theirs in ``text``.
        split: whether the rows of tables are split into sentences; documents always are.
        located: every piece tells where it stands: in which file and row (``document``), from which character of its
            text to which (``start``, ``end``). Otherwise only those of documents and of split rows do.
    """

    text_column: str
    split: bool
    located: bool

    def columns(self, source: Input, rows: pa.Schema) -> pa.Schema:
        """The columns that pieces bring along, with their types; none if the rows have none, as nothing is cut of them.

        Args:
            source: where the rows are from.
            rows: their columns.

        Raises:
            DataError: there is no column of text.
        """
        places = [pa.field(name, pa.int64()) for name in _PLACES]
        document = pa.field(DOCUMENT, pa.string())
        if source.is_document:
            return pa.schema([document, *places, (TEXT, pa.string())])
        if not rows.names:
            return rows
        if self.text_column not in rows.names:
            raise DataError(
                f"{source.name} has no column '{self.text_column}'; {did_you_mean(self.text_column, rows.names)} "
                "Give text_column=<name>."
            )
        # Of whatever type its column is: nothing but text is labelled.
        plain = (field.with_type(pa.string()) if field.name == self.text_column else field for field in rows)
        kept = [field.with_name(self.kept(field.name)) for field in plain]
        return pa.schema([*([document] * self.located), *kept, *(places * (self.split or self.located))])

    def cut(self, row: GoodRow, *, document: bool) -> BadRow | list[Piece]:
        """The pieces of a row; or, if it holds nothing that can be labelled, why."""
        text = row.values.get(TEXT if document else self.text_column)
        if not isinstance(text, str) or not text.strip():
            reason = f"expected text in '{self.text_column}', found {text!r:.60}"
            return BadRow(row.where, reason, json_line(row.values).rstrip(), row.place)
        if len(text) > LONGEST:
            reason = f"too long: expected at most {LONGEST:,} characters of text, found {len(text):,}"
            return BadRow(row.where, reason, text, row.place)
        if document:
            return [
                self._placed(sentence, {DOCUMENT: row.where, TEXT: sentence.text}) for sentence in split_sentences(text)
            ]
        columns = ({DOCUMENT: row.where} if self.located else {}) | {
            self.kept(name): value for name, value in row.values.items()
        }
        if self.split:
            return [self._placed(found, {**columns, TEXT: found.text}) for found in split_sentences(text)]
        return [self._placed(Sentence(text, 0, len(text)), columns) if self.located else Piece(text, columns)]

    def kept(self, column: str) -> str:
        """An input column's name in the output: with ``input_`` before it if the output has a column of that name.

        The column of the text is called ``text`` there, for all that read labelled files to find it.
        """
        if column == self.text_column:
            return TEXT
        bare = column
        while bare.startswith("input_"):
            bare = bare.removeprefix("input_")
        ours = (
            bare in (TEXT, *MODEL_COLUMNS)
            or bare.startswith(PROBABILITY)
            or ((self.split or self.located) and bare in _PLACES)
            or (self.located and bare == DOCUMENT)
        )
        return f"input_{column}" if ours else column

    @staticmethod
    def _placed(sentence: Sentence, columns: Mapping[str, Any]) -> Piece:
        return Piece(sentence.text, {**columns, "start": sentence.start, "end": sentence.end})


def nested_row(piece: Piece, prediction: Prediction) -> dict[str, Any]:
    """A labelled sentence as it stands in JSON lines."""
    return {
        **piece.columns,
        "labels": list(prediction.labels),
        "uncertain": list(prediction.uncertain),
        "probabilities": {name: round(value, 6) for name, value in prediction.probabilities.items()},
        "truncated": prediction.truncated,
    }


def flat_row(piece: Piece, prediction: Prediction) -> dict[str, Any]:
    """A labelled sentence as it stands in tables, where each probability has a column."""
    row = nested_row(piece, prediction)
    probabilities = row.pop("probabilities")
    return row | {f"{PROBABILITY}{name}": value for name, value in probabilities.items()}


def output_schema(columns: pa.Schema, labels: Sequence[str]) -> pa.Schema:
    """The columns of flat rows: those that pieces bring along, then those of predictions."""
    return pa.schema([*columns, *_predicted(labels)])


def _predicted(labels: Sequence[str]) -> Iterator[pa.Field]:
    yield pa.field("labels", pa.list_(pa.string()))
    yield pa.field("uncertain", pa.list_(pa.string()))
    yield pa.field("truncated", pa.bool_())
    for name in labels:
        yield pa.field(f"{PROBABILITY}{name}", pa.float64())
