"""Rows of tables, good and bad, and where they stand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Row = Mapping[str, Any]

Write = Callable[[Sequence[Row]], None]
"""Takes rows to add to a file that is being written."""


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
