"""What differs between two sets of plain values, in words."""

from typing import Any


def differences(there: Any, now: Any, key: str = "") -> list[str]:
    """One line for each value that differs: ``key.key: this there, that now``."""
    if isinstance(there, dict) and isinstance(now, dict):
        return [
            difference
            for name in dict.fromkeys([*there, *now])
            for difference in differences(there.get(name), now.get(name), f"{key}.{name}".lstrip("."))
        ]
    return [] if there == now else [f"{key}: {there} there, {now} now"]
