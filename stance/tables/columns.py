"""The columns that rows have, and the narrowest types that hold their values."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from stance.tables.rows import BadRow, GoodRow

if TYPE_CHECKING:
    import pyarrow as pa


def found_schema(rows: Iterable[GoodRow | BadRow]) -> "pa.Schema":
    """The columns that rows are seen to have, and their types."""
    columns = Columns()
    for row in rows:
        columns.see(row)
    return columns.schema()


_TYPED_TOGETHER = 1024
"""Rows whose values are looked at together."""


class Columns:
    """The columns of rows that pass by, and their types; text where values are of several kinds."""

    def __init__(self) -> None:
        self._types: dict[str, pa.DataType] = {}
        self._values: dict[str, list[Any]] = defaultdict(list)
        self._rows = 0

    def see(self, row: GoodRow | BadRow) -> None:
        """Looks at a row."""
        if isinstance(row, GoodRow):
            for name, value in row.values.items():
                # Of text the type is known: what it says need not be held.
                self._values[name].append("" if isinstance(value, str) else value)
            self._rows += 1
            if self._rows % _TYPED_TOGETHER == 0:
                self._settle()

    def schema(self) -> "pa.Schema":
        """What has been found so far."""
        import pyarrow as pa

        self._settle()
        return pa.schema(list(self._types.items()))

    def _settle(self) -> None:
        for name, values in self._values.items():
            found = _type_of(values)
            self._types[name] = common_type(self._types.get(name, found), found)
        self._values.clear()


def _type_of(values: Sequence[Any]) -> "pa.DataType":
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if bool in kinds and len(kinds) > 1:  # Arrow takes truth for a number where a fraction came before it
        return pa.string()
    try:
        return pa.array(values).type
    except (pa.ArrowException, OverflowError):
        return pa.string()


def common_columns(schemas: Iterable["pa.Schema"]) -> "pa.Schema":
    """The columns of several schemas as one; a column whose types have nothing in common becomes text."""
    import pyarrow as pa

    columns: dict[str, pa.DataType] = {}
    for schema in schemas:
        for column in schema:
            columns[column.name] = common_type(columns.get(column.name, column.type), column.type)
    return pa.schema(list(columns.items()))


def common_type(one: "pa.DataType", other: "pa.DataType") -> "pa.DataType":
    """The narrowest type that holds both; text where they have nothing in common.

    Text too where integers of 64 bits, decimals or times meet others of their kind: as those, not all of them would
    stay what they are.
    """
    import pyarrow as pa

    if one == other:
        return one
    try:
        fields = [pa.schema([("column", kind)]) for kind in (one, other)]
        common = pa.unify_schemas(fields, promote_options="permissive").field("column").type
    except pa.ArrowException:
        return pa.string()
    if is_text(one) != is_text(other):  # Arrow takes text for bytes, and then other things for either
        return pa.string()
    if pa.types.is_decimal(common) and not all(map(_is_decimal_or_null, (one, other))):
        return pa.string()  # Arrow takes whole numbers into decimals that are too narrow for them
    exact = {leaf for leaf in (*leaves(one), *leaves(other)) if _is_exact(leaf[1])}
    return _nullable(common) if exact.issubset(leaves(common)) else pa.string()


def is_text(kind: "pa.DataType") -> bool:
    """Whether the values of a column are text, in whatever way Arrow holds it."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_decimal_or_null(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_decimal(kind) or pa.types.is_null(kind))


def _is_exact(kind: "pa.DataType") -> bool:
    """Whether a type holds what its wider kin do not."""
    import pyarrow as pa

    times = pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_time(kind)
    return times or pa.types.is_decimal(kind) or kind in (pa.int64(), pa.uint64())


def _nullable(kind: "pa.DataType") -> "pa.DataType":
    """The type with any part of its structs allowed to be missing, as it may be in one of the files."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_nullable(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_nullable(True).with_type(_nullable(field.type)) for field in kind])
    return kind


def leaves(kind: "pa.DataType", *way: str | int) -> Iterator[tuple[tuple[str | int, ...], "pa.DataType"]]:
    """The types inside a type that have none inside, each after the way to it; of a plain type itself."""
    import pyarrow as pa

    for index in range(kind.num_fields):
        inner = kind.field(index)
        yield from leaves(inner.type, *way, inner.name if pa.types.is_struct(kind) else index)
    if not kind.num_fields:
        yield way, kind
