"""What differs between two sets of plain values, in words."""

from typing import Any

_FEW = 5
"""Differences that are told of a list; of longer ones, how many more there are."""


def differences(there: Any, now: Any, key: str = "") -> list[str]:
    """One line for each value that differs: ``key.key: this there, that now``; of long lists the first few."""
    if isinstance(there, dict) and isinstance(now, dict):
        return [
            difference
            for name in dict.fromkeys([*there, *now])
            for difference in differences(there.get(name), now.get(name), f"{key}.{name}".lstrip("."))
        ]
    if isinstance(there, list) and isinstance(now, list) and max(len(there), len(now)) > _FEW:
        return _in_lists(there, now, key)
    return [] if there == now else [f"{key}: {there} there, {now} now"]


def _in_lists(there: list[Any], now: list[Any], key: str) -> list[str]:
    if len(there) != len(now):
        return [f"{key}: {len(there):,} there, {len(now):,} now"]
    apart = [place for place, (one, other) in enumerate(zip(there, now, strict=True)) if one != other]
    lines = [f"{key}: {there[place]} there, {now[place]} now" for place in apart[:_FEW]]
    return lines + [f"{key}: {len(apart) - _FEW:,} more differ"] * (len(apart) > _FEW)
