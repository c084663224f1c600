"""The annotation round trip: sentences to annotators, their labels back, what to label next, what may be wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from stance.agreement import Agreement, agreement
from stance.annotation import argilla, label_studio, spreadsheet
from stance.annotation.annotations import Annotation, Format
from stance.annotation.label_errors import Suspect, suspects
from stance.annotation.sentences import LabelledCorpus, read_corpus, row_of, schema_of
from stance.annotation.suggestion import Suggestion, suggest
from stance.annotation.voting import Ballot, collect, majority
from stance.config import AnnotateConfig, DataConfig, Tool
from stance.data import Example, gold_matrix, read_examples
from stance.errors import ConfigError, DataError
from stance.files import check_apart, write_text
from stance.labelled import NONE
from stance.labelled_rows import ANNOTATIONS
from stance.tables.reading import READABLE
from stance.tables.rows import BadRow
from stance.tables.writing import check_writable, rejected_beside, rejected_line, writing
from stance.text import sentence_id

_FORMATS: Mapping[Tool, Format] = {
    Tool.label_studio: label_studio,
    Tool.argilla: argilla,
    Tool.spreadsheet: spreadsheet,
}


@dataclass(frozen=True)
class Exported:
    """Sentences handed out: how many, and in which files."""

    sentences: int
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Imported:
    """What came back from annotators.

    Attributes:
        annotators: who they are.
        annotated: sentences that one of them annotated at least.
        skipped: sentences that were skipped, and that nobody annotated.
        untouched: sentences of the corpus of which nothing came back.
        ties: sentences with a label on which they are evenly divided.
        set_aside: rows and annotations that do not fit.
        rejected: the file that tells of them, which is there only if there are any.
        agreement: of the annotators on each label; none if there is but one.
    """

    annotators: tuple[str, ...]
    annotated: int
    skipped: int
    untouched: int
    ties: int
    set_aside: int
    rejected: Path
    agreement: tuple[Agreement, ...]


def export_sentences(config: AnnotateConfig) -> Exported:
    """Writes the sentences of ``config.corpus`` for ``config.tool``, with labels, probabilities and uncertain labels.

    With ``config.blind`` without these, and ordered by the hash of their ids: the order of a corpus may tell too, as
    that of suggested sentences does. A sample is without these anyway, and in random order: it goes out as drawn.

    Raises:
        ConfigError, DataError: the corpus cannot be read, or the tool needs another kind of output.
    """
    check_apart(Path(config.output), corpus=config.corpus)
    corpus = _corpus(config, samples=True)
    if config.blind:
        mixed = sorted(corpus.sentences.items(), key=lambda item: sentence_id(item[0]))
        corpus = replace(corpus, sentences=dict(mixed))
    blind = config.blind or corpus.is_sample
    files = _FORMATS[config.tool].write(corpus, Path(config.output), config.none_label, blind=blind)
    return Exported(len(corpus.sentences), files)


def import_annotations(config: AnnotateConfig) -> Imported:
    """Reads what annotators made of the sentences of ``config.corpus`` into a table, one row a sentence.

    The table has the corpus's own columns, ``id``, ``text``, the ``labels`` that more than half of the annotators gave,
    ``ties`` (labels that half of them gave) and ``annotations`` (each annotator's labels). Sentences that nobody
    annotated have no row; in a sample they keep it, with these three empty, as it tells how the sample was drawn. What
    does not fit is set aside in ``<output>.rejected.jsonl``, with file, row and reason.

    Raises:
        ConfigError, DataError: a file cannot be read, or nothing in it is an annotation that fits the corpus.
    """
    output = _table(config)
    corpus = _corpus(config, samples=True)
    ballot = collect(_annotations(config), corpus, config.none_label)
    if not ballot.readings:
        problems = [f"{row.where}: {row.reason}" for row in ballot.bad]
        raise DataError(f"{config.annotations} holds no annotation of {config.corpus}.", problems)
    rejected = rejected_beside(output)
    _write_rejected(rejected, ballot.bad)
    # In .csv an empty cell of a sample is a sentence that nobody has coded.
    without = [NONE] if corpus.is_sample and output.suffix.lower() == ".csv" else []
    rows = list(_resolved(corpus, ballot, without))
    names = pa.list_(pa.string())
    ours = [("labels", names), ("ties", names), (ANNOTATIONS, pa.string())]
    _write(output, pa.schema([("id", pa.string()), ("text", pa.string()), *ours]), corpus.schema, rows)
    annotators = ballot.annotators
    readings = [[reading.get(annotator) for reading in ballot.readings.values()] for annotator in annotators]
    return Imported(
        annotators=tuple(annotators),
        annotated=len(ballot.readings),
        skipped=len(ballot.skipped),
        untouched=len(corpus.sentences) - len(ballot.readings) - len(ballot.skipped),
        ties=sum(bool(row["ties"]) for row in rows),
        set_aside=len(ballot.bad),
        rejected=rejected,
        agreement=agreement(readings, corpus.labels) if len(annotators) > 1 else (),
    )


def suggest_sentences(config: AnnotateConfig) -> list[Suggestion]:
    """Writes what to annotate next as a labelled file with a column ``reason``, which export takes as its corpus.

    Raises:
        ConfigError, DataError: a file cannot be read or written.
    """
    output = _table(config)
    if config.n < 1:
        raise ConfigError(f"Expected n to be at least 1, found {config.n}.")
    corpus = _corpus(config)
    annotated = () if config.annotated is None else _annotated(Path(config.annotated), corpus)
    suggestions = suggest(corpus, config.n, {example.id for example in annotated})
    rows = [row_of(corpus.sentences[one.id]) | {"reason": one.reason} for one in suggestions]
    _write(output, pa.schema([("reason", pa.string())]), schema_of(corpus), rows)
    return suggestions


def check_labels(config: AnnotateConfig) -> list[Suspect]:
    """Looks in ``config.annotated`` for labels that the probabilities of ``config.corpus`` contradict, worst first.

    Writes a row for each: ``id``, ``text``, ``label``, whether it was ``given``, ``probability`` and ``quality``.

    Raises:
        ConfigError, DataError: a file cannot be read or written, sentences are not those of the corpus, or cleanlab is
            not installed.
    """
    output = _table(config)
    if config.annotated is None:
        raise ConfigError("Nothing to check: give annotated=<table>, as action=import writes it.")
    corpus = _corpus(config)
    examples = _annotated(Path(config.annotated), corpus)
    unknown = [example.id for example in examples if example.id not in corpus.sentences]
    if unknown:
        raise DataError(f"{config.corpus} lacks sentences of {config.annotated}, by id:", unknown)
    probabilities = corpus.probabilities([example.id for example in examples])
    found = suspects(gold_matrix(examples, corpus.labels), probabilities, corpus.labels)
    rows = [
        {
            "id": examples[one.sentence].id,
            "text": examples[one.sentence].text,
            "label": one.label,
            "given": one.given,
            "probability": float(probabilities[one.sentence, corpus.labels.index(one.label)]),
            "quality": round(one.quality, 6),
        }
        for one in found
    ]
    texts = [(name, pa.string()) for name in ("id", "text", "label")]
    figures = [("given", pa.bool_()), ("probability", pa.float64()), ("quality", pa.float64())]
    _write(output, pa.schema([*texts, *figures]), pa.schema([]), rows)
    return found


def _table(config: AnnotateConfig) -> Path:
    """The table to write: none of the files that are read."""
    output = Path(config.output)
    check_writable(output)
    check_apart(output, corpus=config.corpus, annotations=config.annotations, annotated=config.annotated)
    return output


def _corpus(config: AnnotateConfig, *, samples: bool = False) -> LabelledCorpus:
    corpus = read_corpus(Path(config.corpus), samples=samples)
    if config.none_label in corpus.labels:
        raise ConfigError(f"'{config.none_label}' is a label of {config.corpus}: give none_label=<another name>.")
    return corpus


def _annotated(path: Path, corpus: LabelledCorpus) -> list[Example]:
    """The examples of a table as import writes it."""
    return read_examples(path, corpus.labels, DataConfig(none_label=NONE))


def _annotations(config: AnnotateConfig) -> Iterator[Annotation | BadRow]:
    if config.annotations is None:
        raise ConfigError("Nothing to import: give annotations=<what the tool exported, a file or a folder>.")
    path = Path(config.annotations)
    if not path.is_dir():
        return _FORMATS[config.tool].read(path)
    files = [file for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
    if not files:
        raise DataError(f"The folder {path} holds no files; expected some ending in {', '.join(('.json', *READABLE))}.")
    return (found for file in files for found in _FORMATS[config.tool].read(file))


def _resolved(corpus: LabelledCorpus, ballot: Ballot, without: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of the table; ``without`` is what stands in ``labels`` for a sentence that carries none."""
    for identifier in corpus.sentences if corpus.is_sample else ballot.readings:
        sentence, reading = corpus.sentences[identifier], ballot.readings.get(identifier)
        row = {**sentence.columns, "id": identifier, "text": sentence.text}
        if reading is None:
            yield row | dict.fromkeys(("labels", "ties", ANNOTATIONS))
            continue
        vote = majority(reading, corpus.labels)
        yield row | {
            "labels": list(vote.labels or without),
            "ties": list(vote.ties),
            ANNOTATIONS: {annotator: list(names) for annotator, names in sorted(reading.items())},
        }


def _write(output: Path, ours: pa.Schema, kept: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows with our columns and those kept, which give way where they are called the same."""
    columns = [*ours, *(column for column in kept if column.name not in ours.names)]
    with writing(output, pa.schema(columns)) as write:
        write([{column.name: row.get(column.name) for column in columns} for row in rows])


def _write_rejected(path: Path, rows: Iterable[BadRow]) -> None:
    lines = list(map(rejected_line, rows))
    path.unlink(missing_ok=True)
    if lines:
        write_text(path, "".join(lines))
