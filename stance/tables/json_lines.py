"""JSON lines, one object a line."""

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.tables.lines import Lines, LongLineError, shown
from stance.tables.rows import BadRow, GoodRow, Place, Write
from stance.text import without_surrogates

if TYPE_CHECKING:
    import pyarrow as pa


def read_jsonl(path: Path, start: Place) -> Iterator[GoodRow | BadRow]:
    """The rows from a place on; blank lines are passed over."""
    with Lines(path, start, "\n") as lines:
        while True:
            place = lines.place
            where = f"{path}:{place.number}"
            try:
                line = next(lines, None)
            except LongLineError as error:
                yield BadRow(where, f"too long: {error}", shown(error.beginning), place)
                continue
            except _UNREADABLE as error:
                yield BadRow(where, f"cannot be read from here on: {error}", "", place)
                return
            if line is None:
                return
            if line.strip():
                yield _json_row(where, line.rstrip(b"\r\n"), place)


_UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a damaged file can raise."""


def _json_row(where: str, line: bytes, place: Place) -> GoodRow | BadRow:
    try:
        raw = line.decode()
    except UnicodeDecodeError as error:
        return BadRow(where, f"not valid UTF-8 at byte {error.start}", shown(line), place)
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return BadRow(where, f"not valid JSON: {error}", raw, place)
    if not isinstance(values, dict):
        return BadRow(where, f"expected a JSON object, found {type(values).__name__}", raw, place)
    if _is_deep(values):
        return BadRow(where, f"nested more than {_DEEPEST} deep", raw, place)
    return GoodRow(where, _without_surrogates(values) if "\\ud" in raw.lower() else values, place)


_DEEPEST = 100
"""Lists and objects within one another: deeper ones could be read, but not written in all forms."""


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _without_surrogates(value: Any) -> Any:
    """The value with the lone surrogates that JSON escapes can smuggle in replaced, as no output could hold them."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


@contextmanager
def write_jsonl(path: Path, _: "pa.Schema") -> Iterator[Write]:
    """Opens a file to which rows go with whatever columns they have."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield lambda rows: file.writelines(map(json_line, rows))


def json_line(values: Mapping[str, Any]) -> str:
    """One JSON object on one line, in readable Unicode that UTF-8 can hold; null for numbers that are not finite."""
    try:
        line = json.dumps(values, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:  # which few lines raise: the others need no second look
        line = json.dumps(_finite(values), ensure_ascii=False, default=str)
    return without_surrogates(line) + "\n"


def _finite(value: Any) -> Any:
    """The value with None for each number that JSON has no form of."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return {name: _finite(item) for name, item in value.items()} if isinstance(value, Mapping) else value
