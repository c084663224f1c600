"""Real sentences by reference: where each stands in a public file, and its labels, but not its text.

The texts belong to their publishers and are no part of the project. ``stance.fetch`` gets them from the public files
into a file beside the references, for whoever wants to train on them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from stance.errors import DataError, did_you_mean
from stance.tables.reading import read_rows
from stance.tables.rows import BadRow
from stance.text import fold, sentence_id

TEXTS = "texts.jsonl.gz"
"""The fetched texts, in the folder of the references: ``id`` and ``text`` a line."""
_FORMS = {"repo": re.compile(r"(?!\.)[\w.-]+/(?!\.)[\w.-]+"), "commit": re.compile(r"[0-9a-f]{40}")}
"""What is fetched is kept under these names, so they must not lead elsewhere."""


@dataclass(frozen=True)
class Reference:
    """A labelled sentence of a public file, without its text.

    Attributes:
        id: first 16 hexadecimal digits of the SHA-256 of the text, white space folded: identity and checksum in one.
        repo, commit, path: the file: a public GitHub repository ``owner/name``, the full commit, the path in it.
        start, end: offsets in characters into the file decoded as UTF-8, white space not yet folded.
        group: the document; one document stays in one split.
        labels: the settled labels, in the order of the label set.
        split: train, validation or test.
        readers: the labels that each reader gave, in the order of reading; a third one settled what two disagreed on.
    """

    id: str
    repo: str
    commit: str
    path: str
    start: int
    end: int
    group: str
    labels: tuple[str, ...]
    split: str
    readers: tuple[tuple[str, ...], ...]

    def cut(self, content: str) -> str | None:
        """The sentence out of its file's content, white space folded; None if another text stands there."""
        text = fold(content[self.start : self.end])
        return text if sentence_id(text) == self.id else None


def read_references(path: Path, labels: Sequence[str]) -> list[Reference]:
    """Reads a file of references.

    Args:
        path: a .jsonl file with the attributes of ``Reference`` a line.
        labels: the names allowed, in the order to give them.

    Raises:
        DataError: the file cannot be read, or lines are wrong; every problem is listed with its ``file:line``.
    """
    references: list[Reference] = []
    problems: list[str] = []
    for row in read_rows(path):
        if isinstance(row, BadRow):
            problems.append(f"{row.where}: {row.reason}")
            continue
        try:
            references.append(_reference(row.values, labels))
        except (KeyError, TypeError, ValueError) as error:
            reason = f"no '{error.args[0]}'" if isinstance(error, KeyError) else str(error)
            problems.append(f"{row.where}: {reason}")
    if problems:
        raise DataError(f"{path} does not hold references as expected:", problems)
    return references


def read_texts(path: Path) -> dict[str, str]:
    """Reads texts by id, white space folded; lines whose text does not have the checksum in its id are left out.

    Raises:
        DataError: the file cannot be read at all.
    """
    texts: dict[str, str] = {}
    for row in read_rows(path):
        if isinstance(row, BadRow) or not isinstance(row.values.get("text"), str):
            continue
        text = fold(row.values["text"])
        if row.values.get("id") == sentence_id(text):
            texts[sentence_id(text)] = text
    return texts


def _reference(values: Mapping[str, Any], labels: Sequence[str]) -> Reference:
    start, end = values["start"], values["end"]
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end):
        raise ValueError(f"expected offsets 0 <= start < end, found {start!r} and {end!r}")
    path = PurePosixPath(values["path"])
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"expected a path inside the repository, found '{path}'")
    for name, form in _FORMS.items():
        if not form.fullmatch(str(values[name])):
            raise ValueError(f"expected {name} to be of the form {form.pattern}, found {values[name]!r}")
    return Reference(
        **{name: str(values[name]) for name in ("id", "repo", "commit", "path", "group", "split")},
        start=start,
        end=end,
        labels=_in_order(values["labels"], labels),
        readers=tuple(_in_order(reading, labels) for reading in values["readers"]),
    )


def _in_order(names: Any, labels: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(names, list):
        raise TypeError(f"expected a list of label names, found {names!r}")
    for name in names:
        if name not in labels:
            raise ValueError(f"unknown label '{name}'; {did_you_mean(str(name), labels)}")
    return tuple(label for label in labels if label in names)
