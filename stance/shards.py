"""The plan of a corpus job: its inputs looked through once, and cut into shards that can be done in any order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from stance.inputs import Input, common_columns
from stance.pieces import TEXT, Cutter
from stance.progress import progress
from stance.tables import START, BadRow, GoodRow, Place

LONG = 1_000_000
"""Characters of text after which a shard ends, however few its rows: what is lost by a kill stays small."""


@dataclass(frozen=True)
class Shard:
    """A run of rows of the inputs, and where it begins.

    Attributes:
        index: from 0.
        source: index of the input in which it begins.
        place: where in it.
        rows: how many rows it has, good and bad; they may go on into the next inputs.
    """

    index: int
    source: int
    place: Place
    rows: int

    @property
    def name(self) -> str:
        """Of its files."""
        return f"part-{self.index:05}"

    def read(self, inputs: Sequence[Input]) -> Iterator[tuple[Input, GoodRow | BadRow]]:
        """Its rows, each with the input that it is from."""
        everything = (
            (source, row)
            for source in inputs[self.source :]
            for row in source.rows(self.place if source is inputs[self.source] else START)
        )
        return islice(everything, self.rows)


@dataclass(frozen=True)
class Plan:
    """What a corpus job has to do.

    Attributes:
        inputs: in the order in which they are labelled.
        fingerprints: of each.
        columns: that sentences bring along into the output.
        shards: all of them.
    """

    inputs: tuple[Input, ...]
    fingerprints: tuple[str, ...]
    columns: pa.Schema
    shards: tuple[Shard, ...]

    @property
    def rows(self) -> int:
        """Of all inputs, good and bad."""
        return sum(shard.rows for shard in self.shards)


def make_plan(inputs: Sequence[Input], cutter: Cutter, shard_rows: int) -> Plan:
    """Looks through the inputs and cuts them into shards of at most ``shard_rows`` rows.

    Raises:
        DataError: an input cannot be read as a whole, or has no column of text.
    """
    fingerprints = tuple(source.fingerprint() for source in inputs)
    columns = common_columns(cutter.columns(source.columns(), documents=source.is_document) for source in inputs)
    return Plan(tuple(inputs), fingerprints, columns, tuple(_shards(inputs, cutter.text_column, shard_rows)))


def _shards(inputs: Sequence[Input], text_column: str, shard_rows: int) -> Iterator[Shard]:
    index, begins, rows, characters = 0, (0, START), 0, 0
    with progress("looking through") as counter:
        for position, source in enumerate(inputs):
            column = TEXT if source.is_document else text_column
            for row in source.rows():
                if rows == shard_rows or characters >= LONG:
                    yield Shard(index, *begins, rows)
                    index, rows, characters = index + 1, 0, 0
                if not rows:
                    begins = (position, row.place)
                rows += 1
                text = row.values.get(column) if isinstance(row, GoodRow) else None
                characters += len(text) if isinstance(text, str) else 0
                counter.advance(1)
    if rows:
        yield Shard(index, *begins, rows)
