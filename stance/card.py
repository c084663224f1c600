"""The tables of the data card, made from the data: each stands in the card between two comments."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from stance.agreement import agreement
from stance.contrast import ContrastGroup
from stance.data import SPLITS
from stance.errors import DataError
from stance.labels import LABELS
from stance.references import Reference
from stance.shipped import ShippedData, WrittenSentence


def with_tables(card: str, data: ShippedData) -> str:
    """The card with its tables as the data give them.

    Raises:
        DataError: the card lacks the place of a table.
    """
    for name, lines in _TABLES.items():
        place = re.search(rf"(?<=<!-- table: {name} -->\n).*?(?=<!-- end -->)", card, re.DOTALL)
        if place is None:
            raise DataError(f"The card has no place for its table: expected <!-- table: {name} --> and <!-- end -->.")
        card = card[: place.start()] + "".join(f"{line}\n" for line in lines(data)) + card[place.end() :]
    return card


def _row(*cells: object) -> str:
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), "|" + "---|" * len(cells)]


def _counted(name: str, lines: Sequence[WrittenSentence | Reference], families: set[str]) -> str:
    carried = Counter(label for line in lines for label in line.labels)
    none = sum(not line.labels for line in lines)
    return _row(name, len(lines), len(families), none, *(carried[label] for label in LABELS))


def _written_tables(data: ShippedData) -> Iterator[str]:
    yield from _head("split", "sentences", "scenarios", "no label", *LABELS)
    for split in SPLITS:
        lines = [line for line in data.written if line.split == split]
        yield _counted(split, lines, {line.scenario for line in lines})
    yield ""
    yield from _combinations(data.written)
    yield ""
    genres = Counter(line.genre for line in data.written)
    yield "Genres: " + ", ".join(f"{genre} {n:,}" for genre, n in genres.most_common()) + "."


def _combinations(lines: Sequence[WrittenSentence | Reference]) -> Iterator[str]:
    found = Counter(" + ".join(line.labels) or "none" for line in lines)
    yield "Combinations: " + "; ".join(f"{name} {n:,}" for name, n in found.most_common()) + "."


def _contrast_tables(data: ShippedData) -> Iterator[str]:
    yield from _head("phenomenon", "groups", "sentences")
    groups: Mapping[str, list[ContrastGroup]] = defaultdict(list)
    for group in data.contrast:
        groups[group.phenomenon].append(group)
    for name in sorted(groups):
        yield _row(name, len(groups[name]), sum(len(group.members) for group in groups[name]))
    yield _row("all", len(data.contrast), sum(len(group.members) for group in data.contrast))


def _real_tables(data: ShippedData) -> Iterator[str]:
    yield from _head("split", "sentences", "documents", "no label", *LABELS)
    for split in SPLITS:
        lines = [line for line in data.real if line.split == split]
        yield _counted(split, lines, {line.group for line in lines})
    yield ""
    yield from _combinations(data.real)
    yield ""
    yield from _head("repository", "commit", "sentences", "documents", "no label", *LABELS)
    for repo, commit in sorted({(line.repo, line.commit) for line in data.real}):
        lines = [line for line in data.real if line.repo == repo]
        _, *cells = _counted(repo, lines, {line.group for line in lines}).strip("| ").split(" | ")
        yield _row(repo, commit[:8], *cells)


def _agreement_tables(data: ShippedData) -> Iterator[str]:
    yield from _head("split", "read twice", "label", "first reader", "second reader", "F1", "Krippendorff's alpha")
    for split in SPLITS:
        readers = [line.readers for line in data.real if line.split == split and len(line.readers) > 1]
        for row in agreement([pair[0] for pair in readers], [pair[1] for pair in readers], LABELS):
            alpha = "-" if row.alpha is None else f"{row.alpha:.3f}"
            yield _row(split, row.n, row.label, row.first, row.second, f"{row.f1:.3f}", alpha)


_TABLES: Mapping[str, Callable[[ShippedData], Iterator[str]]] = {
    "written": _written_tables,
    "contrast": _contrast_tables,
    "real": _real_tables,
    "agreement": _agreement_tables,
}
"""The tables of the card by name: it has ``<!-- table: <name> -->`` and ``<!-- end -->`` around each."""
