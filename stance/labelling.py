"""Rows in, labelled sentences out, a chunk at a time; and what became of each row, in numbers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Self

from stance.config import OnError
from stance.errors import DataError, check_settings
from stance.inputs import Input
from stance.pieces import Cutter, Piece
from stance.predict import Prediction, Predictor
from stance.tables.rows import BadRow, GoodRow

CHUNK = 512
"""Sentences labelled together: enough to batch by length, few enough to hold."""

Reject = Callable[[BadRow], object]
Take = Callable[[Sequence[Piece], Sequence[Prediction]], None]


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

    @classmethod
    def of(cls, labels: Sequence[str]) -> Self:
        """Zeros, with a place for each label."""
        return cls(labels=Counter(dict.fromkeys(labels, 0)))

    @property
    def carried(self) -> str:
        """The counts of the labels, in words."""
        return ", ".join(f"{label} {n}" for label, n in self.labels.items())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """As they were before ``to_dict``."""
        return cls(**{**values, "labels": Counter(values["labels"])})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return vars(self) | {"labels": dict(self.labels)}

    def add(self, other: "Counts") -> None:
        """Adds those of another part of the input."""
        self.inputs += other.inputs
        self.set_aside += other.set_aside
        self.sentences += other.sentences
        self.labels.update(other.labels)
        self.uncertain += other.uncertain


class ErrorLimit:
    """How many bad rows a job bears."""

    def __init__(self, on_error: OnError, max_errors: int | None) -> None:
        if max_errors is not None:
            check_settings("", [("max_errors", max_errors, max_errors >= 0, "at least 0")])
        self._most = 0 if on_error is OnError.fail else max_errors
        self._advice = f"max_errors={max_errors} is the most"
        if on_error is OnError.fail:
            self._advice = "on_error=set_aside labels the rest"

    def check(self, bad: int, told: str) -> None:
        """Ends the job when too many rows are bad.

        Args:
            bad: how many.
            told: what is wrong, to begin the message with.

        Raises:
            DataError: they are too many.
        """
        if self._most is not None and bad > self._most:
            raise DataError(f"{told}. Bad rows so far: {bad}; {self._advice}.")


class Labeller:
    """Labels rows with one model.

    Raises:
        ConfigError: a threshold is for a label that the model does not have.
    """

    def __init__(
        self, predictor: Predictor, cutter: Cutter, thresholds: Mapping[str, float], limit: ErrorLimit
    ) -> None:
        predictor.model_file.decision.with_thresholds(thresholds)
        self.predictor = predictor
        self.cutter = cutter
        self.thresholds = thresholds
        self.limit = limit

    def label(
        self, rows: Iterable[tuple[Input, GoodRow | BadRow]], counts: Counts, write: Take, set_aside: Reject
    ) -> Iterator[int]:
        """Labels rows and hands them on, chunk by chunk.

        Args:
            rows: each with the input that it is from.
            counts: is kept up to date.
            write: takes sentences and what the model says about them.
            set_aside: takes rows that cannot be labelled.

        Yields:
            How many sentences a chunk had, once it has been written.
        """
        pieces = self._pieces(rows, counts, set_aside)
        while chunk := list(islice(pieces, CHUNK)):
            predictions = self.predictor.predict([piece.text for piece in chunk], thresholds=self.thresholds)
            write(chunk, predictions)
            counts.sentences += len(chunk)
            counts.labels.update(name for prediction in predictions for name in prediction.labels)
            counts.uncertain += sum(bool(prediction.uncertain) for prediction in predictions)
            yield len(chunk)

    def _pieces(
        self, rows: Iterable[tuple[Input, GoodRow | BadRow]], counts: Counts, set_aside: Reject
    ) -> Iterator[Piece]:
        for source, row in rows:
            found = row if isinstance(row, BadRow) else self.cutter.cut(row, document=source.is_document)
            if isinstance(found, BadRow):
                counts.set_aside += 1
                self.limit.check(counts.set_aside, f"{found.where}: {found.reason}")
                set_aside(found)
            else:
                counts.inputs += 1
                yield from found
