"""The shipped data as a whole: written sentences, contrast sets, speeches, news, and real sentences by reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stance.contrast import ContrastGroup, read_contrast
from stance.data import SPLITS, read_examples
from stance.errors import DataError
from stance.labelled_rows import ANNOTATIONS
from stance.labels import LABELS
from stance.references import TEXTS, Reference, read_references, read_texts

GENRES = (
    "wire", "headline", "speech", "communique", "briefing", "interview", "court", "labour", "business", "local",
    "translated", "social", "history", "boilerplate", "sport", "tech", "opinion",
)  # fmt: skip

WRITTEN = (*SPLITS, "short")
"""The files of written sentences: the splits, and short sentences to judge by, apart from the others."""

NEWS = ("train", "held_out", "unlabelled")
"""The files of news: what models learn from, what is kept from them, and what nobody has labelled."""


@dataclass(frozen=True)
class WrittenSentence:
    """A written sentence and what its line says beside text and labels.

    Attributes:
        split: one of ``WRITTEN``.
        group: of sentences that differ in the one thing that decides; its own id where it stands alone.
        phenomenon: what the members of its group differ in; None where it stands alone.
    """

    id: str
    text: str
    labels: tuple[str, ...]
    split: str
    scenario: str
    genre: str
    group: str
    phenomenon: str | None


@dataclass(frozen=True)
class ProseSentence:
    """A sentence of a text that stands here whole: of a speech, or of news written for the project.

    Attributes:
        scenario: the text; of a speech, its year and who spoke; of news, its register and a number.
        split: one of ``NEWS``; of a speech, that it may be learned from.
        readers: the labels that each reader gave, in the order of reading, as of a real sentence; none where nobody has
            read it.
    """

    id: str
    text: str
    labels: tuple[str, ...]
    scenario: str
    split: str
    readers: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ShippedData:
    """All the shipped data.

    Attributes:
        written: sentences written for the project.
        contrast: the contrast sets.
        speeches: sentences of speeches, most of which nobody has labelled.
        news: sentences of news written for the project.
        real: sentences by reference.
        texts: texts of the real sentences by id, as far as they have been fetched.
    """

    written: tuple[WrittenSentence, ...]
    contrast: tuple[ContrastGroup, ...]
    speeches: tuple[ProseSentence, ...]
    news: tuple[ProseSentence, ...]
    real: tuple[Reference, ...]
    texts: Mapping[str, str]

    @property
    def prose(self) -> tuple[ProseSentence, ...]:
        """What stands in texts that are here whole."""
        return self.speeches + self.news


def read_shipped(folder: Path) -> ShippedData:
    """Reads ``written/``, ``contrast.jsonl``, ``speeches.jsonl``, ``news/`` and ``real/`` of a data folder.

    Raises:
        DataError: a file cannot be read, or lines are wrong.
    """
    written = [line for split in WRITTEN for line in _read_written(folder / "written" / f"{split}.jsonl", split)]
    contrast = read_contrast(folder / "contrast.jsonl", LABELS)
    speeches = _read_prose(folder / "speeches.jsonl", "train")
    news = [line for split in NEWS for line in _read_prose(folder / "news" / f"{split}.jsonl", split)]
    real = [line for split in SPLITS for line in read_references(folder / "real" / f"{split}.jsonl", LABELS)]
    source = folder / "real" / TEXTS
    texts = read_texts(source) if source.exists() else {}
    return ShippedData(tuple(written), tuple(contrast), tuple(speeches), tuple(news), tuple(real), texts)


def _read_written(path: Path, split: str) -> list[WrittenSentence]:
    examples = read_examples(path, LABELS, keep=["genre", "group", "phenomenon"])
    genres = [str(example.columns.get("genre")) for example in examples]
    unknown = [
        f"{e.id}: unknown genre '{genre}'" for e, genre in zip(examples, genres, strict=True) if genre not in GENRES
    ]
    if unknown:
        raise DataError(f"{path} names genres that are not known ({', '.join(GENRES)}):", unknown)
    return [
        WrittenSentence(
            e.id, e.text, e.labels, split, e.scenario, genre, e.columns.get("group", e.id), e.columns.get("phenomenon")
        )
        for e, genre in zip(examples, genres, strict=True)
    ]


def _read_prose(path: Path, split: str) -> list[ProseSentence]:
    examples = read_examples(path, None, keep=["labels", ANNOTATIONS])
    sentences = [
        ProseSentence(
            example.id,
            example.text,
            tuple(example.columns.get("labels", ())),
            example.scenario,
            split,
            tuple(tuple(given) for _, given in sorted(example.columns[ANNOTATIONS].items())),
        )
        for example in examples
    ]
    unknown = [f"{line.id}: {', '.join(line.labels)}" for line in sentences if not set(line.labels) <= set(LABELS)]
    if unknown:
        raise DataError(f"{path} names labels that are not known ({', '.join(LABELS)}):", unknown)
    return sentences
