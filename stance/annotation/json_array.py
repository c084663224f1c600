"""Files that are one JSON array, as annotation tools read and write them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stance.errors import DataError
from stance.files import write_text
from stance.tables.rows import BadRow, GoodRow
from stance.text import without_surrogates


def read_array(path: Path) -> Iterator[GoodRow | BadRow]:
    """Yields the objects of the array, each placed by its number, counted from 1.

    Raises:
        DataError: the file is not a JSON array in UTF-8.
    """
    try:
        items = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(items, list):
        raise DataError(f"{path}: expected a JSON array, found {type(items).__name__}.")
    for number, item in enumerate(items, start=1):
        where = f"{path}:{number}"
        if isinstance(item, dict):
            yield GoodRow(where, item)
        else:
            yield BadRow(where, f"expected a JSON object, found {type(item).__name__}", json.dumps(item))


def write_json(path: Path, value: Any) -> Path:
    """Writes a value as readable JSON that UTF-8 can hold."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    write_text(path, without_surrogates(text) + "\n")
    return path
