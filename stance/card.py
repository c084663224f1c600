"""The tables of the data card, made from the data: each stands in the card between two comments."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from stance.agreement import Agreement, agreement
from stance.contrast import ContrastGroup
from stance.data import SPLITS
from stance.errors import DataError
from stance.figures import figure
from stance.labels import LABELS
from stance.markdown import table
from stance.references import Reference
from stance.shipped import WRITTEN, ProseSentence, ShippedData, WrittenSentence


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


def _counts(lines: Sequence[WrittenSentence | Reference], families: set[str]) -> list[int]:
    return [len(lines), len(families), *_carried(lines)]


def _carried(lines: Sequence[WrittenSentence | ProseSentence | Reference]) -> list[int]:
    """How many carry no label, and how many each of them."""
    carried = Counter(label for line in lines for label in line.labels)
    return [sum(not line.labels for line in lines), *(carried[label] for label in LABELS)]


def _written_tables(data: ShippedData) -> Iterator[str]:
    parts = {split: [line for line in data.written if line.split == split] for split in WRITTEN}
    yield from table(
        ("split", "sentences", "scenarios", "no label", *LABELS),
        ((split, *_counts(lines, {line.scenario for line in lines})) for split, lines in parts.items()),
    )
    yield ""
    yield from _combinations(data.written)
    yield ""
    genres = Counter(line.genre for line in data.written)
    yield "Genres: " + ", ".join(f"{genre} {n:,}" for genre, n in genres.most_common()) + "."
    phenomena = dict.fromkeys((line.group, line.phenomenon) for line in data.written if line.phenomenon)
    if phenomena:
        yield ""
        counts = Counter(phenomenon for _, phenomenon in phenomena)
        yield "Groups: " + ", ".join(f"{phenomenon} {n:,}" for phenomenon, n in counts.most_common()) + "."


def _combinations(lines: Sequence[WrittenSentence | Reference]) -> Iterator[str]:
    found = Counter(" + ".join(line.labels) or "none" for line in lines)
    yield "Combinations: " + "; ".join(f"{name} {n:,}" for name, n in found.most_common()) + "."


def _contrast_tables(data: ShippedData) -> Iterator[str]:
    groups: Mapping[str, list[ContrastGroup]] = defaultdict(list)
    for group in data.contrast:
        groups[group.phenomenon].append(group)
    parts = {**{name: groups[name] for name in sorted(groups)}, "all": data.contrast}
    yield from table(
        ("phenomenon", "groups", "sentences"),
        ((name, len(part), sum(len(group.members) for group in part)) for name, part in parts.items()),
    )


def _speech_tables(data: ShippedData) -> Iterator[str]:
    yield from _prose_table(("decade", "speeches"), data.speeches, lambda line: f"{line.scenario[:3]}0s")


def _news_tables(data: ShippedData) -> Iterator[str]:
    yield from _prose_table(("register", "pieces"), data.news, lambda line: line.scenario.split("-")[1])
    yield ""
    yield from _prose_table(("split", "pieces"), data.news, lambda line: line.split)


def _prose_table(
    heads: tuple[str, str], lines: Sequence[ProseSentence], kind: Callable[[ProseSentence], str]
) -> Iterator[str]:
    """A row for each kind of sentence."""
    kinds: Mapping[str, list[ProseSentence]] = defaultdict(list)
    for line in lines:
        kinds[kind(line)].append(line)
    yield from table(
        (*heads, "sentences", "read", "no label", *LABELS),
        (
            (name, len({line.scenario for line in part}), len(part), len(read), *_carried(read))
            for name, part in {**kinds, "all": lines}.items()
            for read in [[line for line in part if line.readers]]
        ),
    )


def _by_split(data: ShippedData) -> dict[str, list[Reference]]:
    """The real sentences of each split."""
    return {split: [line for line in data.real if line.split == split] for split in SPLITS}


def _real_tables(data: ShippedData) -> Iterator[str]:
    yield from table(
        ("split", "sentences", "documents", "no label", *LABELS),
        ((split, *_counts(lines, {line.group for line in lines})) for split, lines in _by_split(data).items()),
    )
    yield ""
    yield from _combinations(data.real)
    yield ""
    sources: Mapping[tuple[str, str], list[Reference]] = defaultdict(list)
    for line in data.real:
        sources[line.repo, line.commit].append(line)
    yield from table(
        ("repository", "commit", "sentences", "documents", "no label", *LABELS),
        (
            (repo, commit[:8], *_counts(lines, {line.group for line in lines}))
            for (repo, commit), lines in sorted(sources.items())
        ),
    )


def _agreement_tables(data: ShippedData) -> Iterator[str]:
    parts: dict[str, Sequence[Reference | ProseSentence]] = {
        **_by_split(data),
        "speeches": data.speeches,
        "news": data.news,
    }
    yield from table(
        ("split", "read twice", "label", "first reader", "second reader", "F1", "Krippendorff's alpha"),
        (
            (split, row.n, row.label, *row.given, f"{row.f1:.3f}", figure(row.alpha))
            for split, lines in parts.items()
            for row in _agreement(lines)
        ),
    )


def _agreement(lines: Sequence[Reference | ProseSentence]) -> tuple[Agreement, ...]:
    readers = [line.readers for line in lines if len(line.readers) > 1]
    return agreement([[pair[place] for pair in readers] for place in (0, 1)], LABELS)


_TABLES: Mapping[str, Callable[[ShippedData], Iterator[str]]] = {
    "written": _written_tables,
    "contrast": _contrast_tables,
    "speeches": _speech_tables,
    "news": _news_tables,
    "real": _real_tables,
    "agreement": _agreement_tables,
}
"""The tables of the card by name: it has ``<!-- table: <name> -->`` and ``<!-- end -->`` around each."""
