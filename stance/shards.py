"""The plan of a corpus job: its inputs looked through, and cut into shards that can be done in any order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from stance.errors import DataError
from stance.inputs import Input
from stance.pieces import TEXT, Cutter
from stance.progress import progress
from stance.tables.columns import Columns, common_columns
from stance.tables.rows import START, BadRow, GoodRow, Place

LONG = 1_000_000
"""Characters of text after which a shard ends, however few its rows: what is lost by a kill stays small."""

Rows = Iterator[tuple[Input, GoodRow | BadRow]]
"""Each with the input that it is from."""


@dataclass(frozen=True)
class Shard:
    """A run of rows of the inputs, and where it begins.

    Attributes:
        index: from 0.
        source: index of the input in which it begins.
        place: where in it.
        last: index of the input in which it ends.
        rows: how many rows it has, good and bad.
    """

    index: int
    source: int
    place: Place
    last: int
    rows: int

    @property
    def name(self) -> str:
        """Of its files."""
        return shard_name(self.index)


def shard_name(index: int) -> str:
    """The name of the files of a shard, without their endings."""
    return f"part-{index:05}"


@dataclass(frozen=True)
class Plan:
    """What a corpus job has to do.

    Attributes:
        inputs: in the order in which they are labelled.
        stamps: of each, from before it was looked through.
        fingerprints: of each.
        columns: that sentences bring along into the output.
        shards: all of them.
    """

    inputs: tuple[Input, ...]
    stamps: tuple[tuple[int, ...], ...]
    fingerprints: tuple[str, ...]
    columns: pa.Schema
    shards: tuple[Shard, ...]

    @property
    def rows(self) -> int:
        """Of all inputs, good and bad."""
        return sum(shard.rows for shard in self.shards)

    def check_unchanged(self, shard: Shard | None = None) -> None:
        """Looks whether the inputs that a shard has rows of, or all of them, are still what was planned for.

        Raises:
            DataError: one has been written to.
        """
        wanted = slice(shard.source, shard.last + 1) if shard else slice(None)
        for source, stamp in zip(self.inputs[wanted], self.stamps[wanted], strict=True):
            if source.stamp() != stamp:
                raise DataError(
                    f"{source.name} was written to while it was being labelled. Run again: that goes on, or says what "
                    "to do if the contents have changed."
                )


class Reader:
    """Reads shards. One that follows on the last is read on from there: compressed files are slow to wind forward.

    Args:
        inputs: that the shards are of.
        shards: all of them.
    """

    def __init__(self, inputs: Sequence[Input], shards: Sequence[Shard]) -> None:
        self._inputs = inputs
        self._shards = shards
        self._rows: Rows = iter(())
        self._next: int | None = None

    def read(self, shard: Shard) -> Rows:
        """The rows of a shard."""
        rows = self._on_to(shard) or self._from(shard)
        self._next = None  # until all of them have been taken
        yield from islice(rows, shard.rows)
        self._rows, self._next = rows, shard.index + 1

    def _on_to(self, shard: Shard) -> Rows | None:
        """The rows from where the last shard ended, less those before this one; None if it is quicker to begin anew."""
        if self._next is None or self._next > shard.index:
            return None
        between = self._shards[self._next : shard.index]
        if between and not (between[0].source == shard.source and self._inputs[shard.source].is_compressed):
            return None
        for _ in islice(self._rows, sum(passed.rows for passed in between)):
            pass
        return self._rows

    def _from(self, shard: Shard) -> Rows:
        for position in range(shard.source, len(self._inputs)):
            source = self._inputs[position]
            for row in source.rows(shard.place if position == shard.source else START):
                yield source, row


def make_plan(inputs: Sequence[Input], cutter: Cutter, shard_rows: int) -> Plan:
    """Looks through the inputs and cuts them into shards of at most ``shard_rows`` rows.

    Each file is read twice, one after the other: its bytes for the fingerprint, then its rows.

    Raises:
        DataError: an input cannot be read as a whole, or has no column of text.
    """
    survey, shards = _Survey(inputs, cutter), []
    with progress("looking through") as counter:
        for shard in _cut(survey.rows(), shard_rows):
            shards.append(shard)
            counter.advance(shard.rows)
    columns = common_columns(survey.columns)
    return Plan(tuple(inputs), tuple(survey.stamps), tuple(survey.fingerprints), columns, tuple(shards))


class _Survey:
    """Reads inputs through, and keeps what a plan has to tell of them.

    Attributes:
        stamps: of each input, from before it was read.
        fingerprints: of each.
        columns: that their sentences bring along, each set of them once.
    """

    def __init__(self, inputs: Sequence[Input], cutter: Cutter) -> None:
        self._inputs = inputs
        self._cutter = cutter
        self.stamps: list[tuple[int, ...]] = []
        self.fingerprints: list[str] = []
        self.columns: dict[pa.Schema, None] = {}

    def rows(self) -> Iterator[tuple[int, Place, int]]:
        """All rows: of which input each is, where it begins, and how many characters of text it has."""
        for position, source in enumerate(self._inputs):
            self.stamps.append(source.stamp())
            self.fingerprints.append(source.fingerprint())
            text_column = TEXT if source.is_document else self._cutter.text_column
            found, declared = Columns(), source.declared_columns()
            for row in source.rows():
                if declared is None:
                    found.see(row)
                text = row.values.get(text_column) if isinstance(row, GoodRow) else row.raw
                yield position, row.place, len(text) if isinstance(text, str) else 0
            columns = found.schema() if declared is None else declared
            self.columns[self._cutter.columns(source, columns)] = None


def _cut(rows: Iterator[tuple[int, Place, int]], shard_rows: int) -> Iterator[Shard]:
    index, begins, last, count, characters = 0, (0, START), 0, 0, 0
    for position, place, length in rows:
        if count == shard_rows or characters >= LONG:
            yield Shard(index, *begins, last, count)
            index, count, characters = index + 1, 0, 0
        if not count:
            begins = (position, place)
        last, count, characters = position, count + 1, characters + length
    if count:
        yield Shard(index, *begins, last, count)
