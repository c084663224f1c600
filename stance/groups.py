"""Groups of sentences: by what stands in a column, by the period that a date falls into, or by length."""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.config import PartsConfig
from stance.errors import DataError

NO_VALUE = "(none)"
"""The group of sentences that have no value in a column."""

MANY = 500
"""Groups above which a column is hardly meant to group by."""

_LENGTHS = (10, 20, 30, 40)
"""The most words in each group of lengths but the last."""
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?(?=$|[T ])")


def group(value: Any) -> str:
    """The group of a sentence by its value in a column."""
    return NO_VALUE if value is None or value == "" else str(value)


def grouped(
    columns: Mapping[str, Sequence[Any]], config: PartsConfig, *, ids: Sequence[str], told: str
) -> dict[str, list[str]]:
    """The group of each sentence in each of the columns that make parts, by its value or its period.

    Args:
        columns: what stands in each; of dates such as ``2024-05-31``, or as much of one as the period needs.
        config: the parts.
        ids: of the sentences.
        told: names the file in errors.

    Raises:
        DataError: some dates are none.
    """
    found = {column: [group(value) for value in columns[column]] for column in config.by}
    if config.time is not None:
        dates = [group(value) for value in columns[config.time]]
        _check_dates(dates, config, ids, told)
        found[config.time] = [date if date == NO_VALUE else date[: config.period.value] for date in dates]
    return found


def _check_dates(dates: Sequence[str], config: PartsConfig, ids: Sequence[str], told: str) -> None:
    wrong = [
        f"sentence '{identifier}': {date!r:.40}"
        for identifier, date in zip(ids, dates, strict=True)
        if date != NO_VALUE and not ((found := _DATE.match(date)) and len(found[0]) >= config.period.value)
    ]
    if wrong:
        example = "2024-05-31"[: config.period.value]
        raise DataError(f"{told}: expected '{config.time}' to hold dates such as {example}, found:", wrong)


def lengths(texts: Sequence[str]) -> list[str]:
    """The group of each text by its number of words, such as ``11-20 words``."""
    starts = [1, *(most + 1 for most in _LENGTHS)]
    names = [*(f"{start}-{most} words" for start, most in zip(starts, _LENGTHS, strict=False)), f"{starts[-1]}+ words"]
    return [names[bisect_left(_LENGTHS, len(text.split()))] for text in texts]


def apart(values: Sequence[str], *, column: str, told: str) -> tuple[list[str], NDArray[np.int64]]:
    """The groups in order, and the number of each sentence's group, of shape (sentences,).

    Raises:
        DataError: they are too many.
    """
    groups, where = numbered(values)
    if len(groups) > MANY:
        raise DataError(
            f"{told}: '{column}' has {len(groups)} values; expected at most {MANY} groups. Take another column, or a "
            "longer period."
        )
    return groups, where


def numbered(names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The different names in order, and the number of each, of shape (names,).

    An array of the names would give each of them the room of the longest.
    """
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return list(numbers), np.fromiter((numbers[name] for name in names), np.int64, len(names))
