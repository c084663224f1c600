"""What a labelled corpus was made by, and what of its input could not be labelled."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.errors import DataError
from stance.output_folder import MANIFEST, REJECTED, SUCCESS
from stance.tables.reading import read_rows
from stance.tables.rows import GoodRow, Row

SHOWN = 10
"""Rows set aside, and reasons for it, that are shown."""


@dataclass(frozen=True)
class SetAside:
    """Rows that could not be labelled.

    Attributes:
        n: how many.
        reasons: the commonest, with how many rows each.
        rows: the first of them, with ``where``, ``reason`` and ``raw``.
    """

    n: int
    reasons: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Origins:
    """Where a labelled corpus is from.

    Attributes:
        manifest: of the corpus job; None of a single file, which does not say what labelled it.
        finished: all shards are there.
        set_aside: of its input.
    """

    manifest: Mapping[str, Any] | None
    finished: bool
    set_aside: SetAside


def find_origins(path: Path) -> Origins:
    """Reads what lies beside a labelled file, or in the folder of a corpus job.

    Raises:
        DataError: the manifest is none.
    """
    if not path.is_dir():
        rejected = path.with_name(f"{path.name}.rejected.jsonl")
        return Origins(None, True, _set_aside([rejected] if rejected.exists() else []))
    manifest = path / MANIFEST
    try:
        found = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else None
    except ValueError as error:
        raise DataError(f"{manifest} cannot be read: {error}. Run the corpus job again: it writes it anew.") from None
    return Origins(found, (path / SUCCESS).exists(), _set_aside(sorted((path / REJECTED).glob("[!.]*.jsonl"))))


def _set_aside(files: Iterable[Path]) -> SetAside:
    reasons: Counter[str] = Counter()
    rows: list[Row] = []
    for row in (row for file in files for row in read_rows(file)):
        if isinstance(row, GoodRow):
            reasons[str(row.values.get("reason"))] += 1
            if len(rows) < SHOWN:
                rows.append(row.values)
    return SetAside(reasons.total(), tuple(reasons.most_common(SHOWN)), tuple(rows))
