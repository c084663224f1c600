"""Values as the text that a cell of a table can hold."""

import json
from typing import Any

from stance.text import without_surrogates


def cell_text(value: Any) -> str | None:
    """A value as text: lists of names joined by commas, what JSON knows as JSON, anything else as it calls itself."""
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return without_surrogates(",".join(value))
    if isinstance(value, list | dict | bool | int | float):
        return without_surrogates(json.dumps(value, ensure_ascii=False, default=str))
    return without_surrogates(str(value))
