"""Groups of sentences: by what stands in a column, by the period that a date falls into, or by length."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.config import Period
from stance.errors import DataError

NO_VALUE = "(none)"
"""The group of sentences that have no value in a column."""

MANY = 500
"""Groups above which a column is hardly meant to group by."""

_LENGTHS = (10, 20, 30, 40)
"""The most words in each group of lengths but the last."""
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?(?=$|[T ])")


def group(value: Any) -> str:
    """The group of a sentence by its value in a column."""
    return NO_VALUE if value is None or value == "" else str(value)


def periods(values: Sequence[Any], period: Period, *, column: str, ids: Sequence[str], told: str) -> list[str]:
    """The period of each date.

    Args:
        values: dates such as ``2024-05-31``, or as much of one as the period needs; or nothing.
        period: year, month or day.
        column: where they stand.
        ids: of their sentences.
        told: names the file in errors.

    Raises:
        DataError: some are no dates.
    """
    found = [group(value) for value in values]
    wrong = [
        f"sentence '{identifier}': {value!r:.40}"
        for identifier, value in zip(ids, found, strict=True)
        if value != NO_VALUE and not (_DATE.match(value) and len(value) >= period.value)
    ]
    if wrong:
        example = "2024-05-31"[: period.value]
        raise DataError(f"{told}: expected '{column}' to hold dates such as {example}, found:", wrong)
    return [value if value == NO_VALUE else value[: period.value] for value in found]


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
    groups, where = np.unique(np.asarray(values), return_inverse=True)
    if len(groups) > MANY:
        raise DataError(
            f"{told}: '{column}' has {len(groups)} values; expected at most {MANY} groups. Take another column, or a "
            "longer period."
        )
    return groups.tolist(), where
