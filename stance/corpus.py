"""Labelling files: articles and tables in, a table of labelled sentences out, in one pass and bounded memory."""

import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from stance.config import OnError, PredictConfig
from stance.errors import ConfigError, DataError, did_you_mean
from stance.predict import Prediction, Predictor
from stance.progress import progress
from stance.tables import (
    READABLE,
    BadRow,
    GoodRow,
    check_readable,
    check_writable,
    json_line,
    read_rows,
    read_schema,
    writing,
)
from stance.text import Sentence, split_sentences

log = logging.getLogger(__name__)

STDIN = STDOUT = "-"
_OUR_COLUMNS = ("labels", "uncertain", "probabilities", "truncated")
_PLACES = ("start", "end")
CHUNK = 512
"""Sentences labelled together: enough to batch by length, few enough to hold."""


@dataclass
class Counts:
    """What became of the input; every row or document is in one of the two.

    Attributes:
        inputs: rows or documents labelled.
        set_aside: rows or documents that could not be labelled.
        sentences: sentences labelled.
        labels: of these, how many carry each label.
        uncertain: of these, how many have a label that a person should look at.
    """

    inputs: int = 0
    set_aside: int = 0
    sentences: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    uncertain: int = 0

    @property
    def carried(self) -> str:
        """The counts of the labels, in words."""
        return ", ".join(f"{label} {n}" for label, n in self.labels.items())


@dataclass(frozen=True)
class Piece:
    """A sentence to label, or a whole row, and the columns to keep beside it."""

    text: str
    columns: Mapping[str, Any]


Show = Callable[[Prediction], None]


def label(config: PredictConfig, show: Show | None = None) -> Counts:
    """Labels ``config.input`` into ``config.output``.

    Rows that cannot be labelled are set aside in ``<output>.rejected.jsonl`` (or told in warnings where the output is
    no file), with where they stand, why, and what was found there.

    Args:
        config: what to label, with which model, to where.
        show: called with each prediction instead of writing it, when ``config.output`` is None.

    Raises:
        ConfigError, DataError, ModelError: nothing was written; or, with ``on_error=fail``, a row is bad.
    """
    source = _Source(config)
    output = None if config.output in (None, STDOUT) else Path(str(config.output))
    if output is not None:
        check_writable(output)
        if output.resolve() == Path(config.input).resolve():
            raise ConfigError(f"input and output are both {output}: give the output another name.")
    predictor = Predictor.from_config(config.model)
    predictor.model_file.decision.with_thresholds(config.thresholds)
    counts = Counts(labels=Counter(dict.fromkeys(predictor.labels, 0)))
    with (
        _Rejects(output, config.on_error) as rejects,
        _writing(config, source, predictor.labels, show) as write,
        progress("labelling", hidden=config.output is None) as counter,
    ):
        pieces = source.pieces(counts, rejects.add)
        while chunk := list(islice(pieces, CHUNK)):
            predictions = predictor.predict([piece.text for piece in chunk], thresholds=config.thresholds)
            write(chunk, predictions)
            counts.sentences += len(chunk)
            counts.labels.update(name for prediction in predictions for name in prediction.labels)
            counts.uncertain += sum(bool(prediction.uncertain) for prediction in predictions)
            counter.advance(len(chunk), f"{counts.set_aside} set aside, {counts.carried}")
    return counts


class _Source:
    """The input, as a stream of pieces."""

    def __init__(self, config: PredictConfig) -> None:
        self.text_column = config.text_column
        self.split = config.split
        self.tables: list[Path] = []
        self.documents: list[Path | None] = []  # None is stdin
        path = Path(config.input)
        if config.input == STDIN:
            self.documents = [None]
        elif path.is_dir():
            self.documents.extend(sorted(path.rglob("*.txt")))
            others = sum(other.is_file() for other in path.rglob("*")) - len(self.documents)
            if not self.documents:
                raise DataError(f"The folder {path} holds no .txt files.")
            if others:
                log.warning("%d files in %s are not .txt: left alone.", others, path)
        elif path.suffix.lower() == ".txt":
            if not path.exists():
                raise DataError(f"There is no file {path}. Check the path; it is relative to {Path.cwd()}.")
            self.documents = [path]
        else:
            if not path.suffix or path.suffix.lower() not in READABLE:
                raise DataError(
                    f"Cannot label {path}: expected a folder of .txt files, - for stdin, or a file ending in "
                    f"{', '.join(('.txt', *READABLE))}."
                )
            check_readable(path)
            self.tables = [path]

    def columns(self) -> pa.Schema:
        """The columns that pieces bring along, with their types."""
        places = [pa.field(name, pa.int64()) for name in _PLACES]
        if self.documents:
            return pa.schema([("document", pa.string()), *places, ("text", pa.string())])
        schema = read_schema(self.tables[0])
        if self.text_column not in schema.names:
            raise DataError(
                f"{self.tables[0]} has no column '{self.text_column}'; {did_you_mean(self.text_column, schema.names)} "
                "Give text_column=<name>."
            )
        kept = [field.with_name(self._kept(field.name)) for field in schema]
        return pa.schema([*kept, *(places if self.split else [])])

    def pieces(self, counts: Counts, set_aside: Callable[[BadRow], None]) -> Iterator[Piece]:
        """Yields what is to be labelled, counting inputs and setting aside what is bad."""
        for found in self._inputs():
            if isinstance(found, BadRow):
                counts.set_aside += 1
                set_aside(found)
            else:
                counts.inputs += 1
                yield from found

    def _inputs(self) -> Iterator[BadRow | list[Piece]]:
        for document in self.documents:
            yield _document_pieces(document)
        for table in self.tables:
            for row in read_rows(table):
                yield row if isinstance(row, BadRow) else self._row_pieces(row)

    def _row_pieces(self, row: GoodRow) -> BadRow | list[Piece]:
        text = row.values.get(self.text_column)
        if not isinstance(text, str) or not text.strip():
            reason = f"expected text in '{self.text_column}', found {text!r:.60}"
            return BadRow(row.where, reason, json_line(row.values).rstrip())
        columns = {self._kept(name): value for name, value in row.values.items()}
        if not self.split:
            return [Piece(text, columns)]
        text_column = self._kept(self.text_column)
        return [_placed(sentence, {**columns, text_column: sentence.text}) for sentence in split_sentences(text)]

    def _kept(self, column: str) -> str:
        """An input column's name in the output: with ``input_`` before it if the output has a column of that name."""
        bare = column
        while bare.startswith("input_"):
            bare = bare.removeprefix("input_")
        ours = bare in _OUR_COLUMNS or bare.startswith("probability_") or (self.split and bare in _PLACES)
        return f"input_{column}" if ours else column


def _document_pieces(path: Path | None) -> BadRow | list[Piece]:
    where = STDIN if path is None else str(path)
    try:
        raw = sys.stdin.buffer.read() if path is None else path.read_bytes()
    except OSError as error:
        return BadRow(where, f"cannot be read: {error.strerror}", "")
    try:
        sentences = split_sentences(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return BadRow(where, f"not valid UTF-8 at byte {error.start}", repr(raw[error.start : error.start + 20]))
    if not sentences:
        return BadRow(where, "holds no text", "")
    return [_placed(sentence, {"document": where, "text": sentence.text}) for sentence in sentences]


def _placed(sentence: Sentence, columns: Mapping[str, Any]) -> Piece:
    return Piece(sentence.text, {**columns, "start": sentence.start, "end": sentence.end})


class _Rejects:
    """Where bad rows go: a file that exists only if there are any, or warnings where there is no output file."""

    def __init__(self, output: Path | None, on_error: OnError) -> None:
        self._path = None if output is None else output.with_name(f"{output.name}.rejected.jsonl")
        self._on_error = on_error
        self._file: IO[str] | None = None

    def __enter__(self) -> "_Rejects":
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: BadRow) -> None:
        """Sets a row aside, or raises DataError if the job is to fail instead."""
        if self._on_error is OnError.fail:
            raise DataError(f"{row.where}: {row.reason}. on_error=set_aside labels the rest.")
        if self._path is None:
            log.warning("set aside: %s: %s", row.where, row.reason)
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8")
        self._file.write(json_line(asdict(row)))


Take = Callable[[Sequence[Piece], Sequence[Prediction]], None]


@contextmanager
def _writing(config: PredictConfig, source: _Source, labels: Sequence[str], show: Show | None) -> Iterator[Take]:
    """Gives what takes labelled pieces to where the config wants them."""
    if config.output is None and show is not None:
        yield lambda _, predictions: _each(show, predictions)
    elif config.output in (None, STDOUT):
        yield lambda pieces, predictions: sys.stdout.writelines(
            json_line(_nested_row(piece, prediction)) for piece, prediction in zip(pieces, predictions, strict=True)
        )
    else:
        path = Path(str(config.output))
        as_row = _nested_row if path.suffix.lower() == ".jsonl" else _flat_row
        schema = pa.schema([*source.columns(), *_flat_fields(labels)])
        with writing(path, schema) as write:
            yield lambda pieces, predictions: write(
                [as_row(piece, prediction) for piece, prediction in zip(pieces, predictions, strict=True)]
            )


def _each(show: Show, predictions: Sequence[Prediction]) -> None:
    for prediction in predictions:
        show(prediction)


def _nested_row(piece: Piece, prediction: Prediction) -> dict[str, Any]:
    return {
        **piece.columns,
        "labels": list(prediction.labels),
        "uncertain": list(prediction.uncertain),
        "probabilities": {name: round(value, 6) for name, value in prediction.probabilities.items()},
        "truncated": prediction.truncated,
    }


def _flat_row(piece: Piece, prediction: Prediction) -> dict[str, Any]:
    row = _nested_row(piece, prediction)
    probabilities = row.pop("probabilities")
    return row | {f"probability_{name}": value for name, value in probabilities.items()}


def _flat_fields(labels: Sequence[str]) -> list[pa.Field]:
    return [
        pa.field("labels", pa.list_(pa.string())),
        pa.field("uncertain", pa.list_(pa.string())),
        pa.field("truncated", pa.bool_()),
        *(pa.field(f"probability_{name}", pa.float64()) for name in labels),
    ]
