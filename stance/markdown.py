"""Markdown tables, as the data card and the tables of results have them."""

from collections.abc import Iterable, Iterator


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of a table; whole numbers get a comma for thousands."""
    names = [str(cell) for cell in head]
    yield _row(names)
    yield "|" + "---|" * len(names)
    for row in rows:
        yield _row(row)


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"
