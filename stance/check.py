"""The check of the shipped data: schema, ids, leakage, what the data promise to hold, and the tables of its card."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from stance.agreement import agreement
from stance.baselines.keywords import find_keywords
from stance.card import with_tables
from stance.config import CheckConfig
from stance.duplicates import near_duplicates
from stance.files import write_text
from stance.labels import LABELS, indicator_matrix
from stance.references import Reference
from stance.shipped import ProseSentence, ShippedData, WrittenSentence, read_shipped
from stance.text import sentence_id

OPENING = 5
"""No two written sentences open with the same words, this many, but those of one group."""

_SETTLED = 3
"""The reader who settles what two before disagree on."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Requirement:
    """Something that the data promise to hold: at least ``wanted``, as a count or a share."""

    what: str
    wanted: float
    found: float

    @property
    def met(self) -> bool:
        """Whether as much was found as was promised."""
        return self.found >= self.wanted


@dataclass(frozen=True)
class Report:
    """Outcome of a check: everything wrong, one line each, and every promise with what was found."""

    problems: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    fetched: int


def check(config: CheckConfig) -> Report:
    """Checks the data in ``config.folder``; with ``config.update`` writes the card's tables anew first.

    Texts of real sentences that have been fetched are compared with all others; without them, equal ones are still
    found, since an id is a hash of the text.

    Raises:
        DataError: a file is missing or is not what it should be, so that nothing can be compared.
    """
    folder = Path(config.folder)
    data = read_shipped(folder)
    requirements = tuple(promises(data))
    problems = [
        *_wrong_ids(data),
        *_split_apart(data),
        *_repeated_openings(data),
        *_broken_groups(data),
        *_alike(data),
        *_unread(data),
        *(f"{r.what}: {r.found:,.2f} found, at least {r.wanted:,.2f} promised" for r in requirements if not r.met),
        *_card(folder / "README.md", data, update=config.update),
    ]
    return Report(tuple(problems), requirements, len(data.texts))


def promises(data: ShippedData) -> Iterator[Requirement]:
    """What the data say they hold, and what they do hold."""
    written, real = data.written, data.real
    lengths = np.array([len(_TOKEN.findall(line.text)) for line in written])
    yield Requirement("written sentences", 5000, len(written))
    yield Requirement("written sentences, mean length in tokens", 28, float(lengths.mean()))
    yield Requirement("written sentences over 35 tokens, share", 1 / 3, float((lengths > 35).mean()))  # noqa: PLR2004
    yield Requirement("written sentences without a label, share", 0.45, _share(not line.labels for line in written))
    gold = indicator_matrix([line.labels for line in written], LABELS)
    keyword = find_keywords([line.text for line in written], LABELS)
    for column, label in enumerate(LABELS):
        implicit, other_use = (gold & ~keyword)[:, column].sum(), (keyword & ~gold)[:, column].sum()
        yield Requirement(f"written: {label} without any keyword of it", 150, int(implicit))
        yield Requirement(f"written: a keyword of {label} without the label", 150, int(other_use))
    yield Requirement("contrast groups", 400, len(data.contrast))
    yield Requirement("contrast phenomena", 23, len({group.phenomenon for group in data.contrast}))
    yield Requirement("speeches: sentences read twice", 2000, sum(len(line.readers) > 1 for line in data.speeches))
    yield Requirement("news: sentences read twice", 29_000, sum(len(line.readers) > 1 for line in data.news))
    for label in LABELS:
        held_out = sum(label in line.labels for line in data.news if line.split == "held_out")
        yield Requirement(f"news: {label} among those held out", 180, held_out)
    yield Requirement("real sentences", 12_000, len(real))
    yield Requirement("real test sentences", 2000, sum(line.split == "test" for line in real))
    twice = [len(line.readers) > 1 for line in real if line.split == "train"]
    yield Requirement("real train sentences read twice, share", 0.1, _share(twice))
    test = [line.readers for line in real if line.split == "test" and len(line.readers) > 1]
    for row in agreement([[readers[place] for readers in test] for place in (0, 1)], LABELS):
        yield Requirement(f"agreement of two readers on the real test, F1 of {row.label}", 0.88, row.f1)


def _share(answers: Iterable[bool]) -> float:
    answers = list(answers)
    return sum(answers) / len(answers) if answers else 0.0


def _wrong_ids(data: ShippedData) -> Iterator[str]:
    texts = {
        **{line.id: line.text for line in data.written},
        **{line.id: line.text for line in data.prose},
        **{member.id: member.text for group in data.contrast for member in group.members},
    }
    for id_, text in texts.items():
        if id_ != sentence_id(text):
            yield f"{id_}: the id is not the hash of the text; expected {sentence_id(text)}"
    uses = Counter(
        chain(
            (line.id for line in data.written),
            (member.id for group in data.contrast for member in group.members),
            (line.id for line in data.prose),
            (line.id for line in data.real),
        )
    )
    yield from (f"{id_}: the same sentence stands in {n} places" for id_, n in uses.items() if n > 1)


def _split_apart(data: ShippedData) -> Iterator[str]:
    splits: Mapping[str, set[str]] = defaultdict(set)
    for line in data.written:
        splits[f"scenario '{line.scenario}'"].add(line.split)
    for reference in data.real:
        splits[f"document '{reference.group}'"].add(reference.split)
    for piece in data.news:
        splits[f"piece '{piece.scenario}'"].add(piece.split)
    yield from (f"{what} stands in {' and '.join(sorted(found))}" for what, found in splits.items() if len(found) > 1)


def _repeated_openings(data: ShippedData) -> Iterator[str]:
    openings: Mapping[str, set[str]] = defaultdict(set)
    for line in data.written:
        openings[" ".join(line.text.lower().split()[:OPENING])].add(line.group)
    yield from (f"{len(of)} written sentences open with '{opening}'" for opening, of in openings.items() if len(of) > 1)


def _broken_groups(data: ShippedData) -> Iterator[str]:
    groups: Mapping[str, list[WrittenSentence]] = defaultdict(list)
    for line in data.written:
        if line.group != line.id or line.phenomenon is not None:
            groups[line.group].append(line)
    for name, members in groups.items():
        phenomena = {line.phenomenon for line in members}
        if len(members) == 1 or len(phenomena) > 1 or None in phenomena:
            yield (
                f"group '{name}': expected two or more sentences of one phenomenon, found {len(members)} of "
                f"{', '.join(map(str, phenomena))}"
            )


def _alike(data: ShippedData) -> Iterator[str]:
    """Near-duplicates among written sentences and news, of contrast sets or speeches, and across real splits."""
    # Two texts that share a family may be alike: members of one group, speeches, real sentences of one split.
    entries = [
        *((line.id, line.text, line.group) for line in data.written),
        *((member.id, member.text, group.name) for group in data.contrast for member in group.members),
        *((line.id, line.text, "speeches") for line in data.speeches),
        *((line.id, line.text, line.id) for line in data.news),
        *((line.id, data.texts[line.id], f"real {line.split}") for line in data.real if line.id in data.texts),
    ]
    for one, other, similarity in near_duplicates([text for _, text, _ in entries]):
        if entries[one][2] != entries[other][2]:
            yield f"{entries[one][0]} and {entries[other][0]} are near-duplicates (similarity {similarity:.2f})"


def _unread(data: ShippedData) -> Iterator[str]:
    for reference in data.real:
        if reference.split != "train" and len(reference.readers) == 1:
            yield f"{reference.id}: a {reference.split} sentence that only one reader has read"
    read: list[Reference | ProseSentence] = [
        *data.real,
        *(line for line in data.prose if line.readers),
    ]
    for line in read:
        unsettled = line.readers[:-1] and len(line.readers) == len(set(line.readers)) < _SETTLED
        if unsettled or not line.readers or line.labels != line.readers[-1]:
            yield f"{line.id}: the labels are not those that its readers settled on"


def _card(path: Path, data: ShippedData, *, update: bool) -> Iterator[str]:
    card = path.read_text(encoding="utf-8")
    wanted = with_tables(card, data)
    if wanted != card and update:
        write_text(path, wanted)
    elif wanted != card:
        yield f"{path}: its tables do not match the data; python scripts/check.py update=true writes them anew"
