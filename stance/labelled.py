"""Labelled corpora, as ``scripts/predict.py`` writes them, and the sentences of one that a person has coded."""

import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stance.config import DataConfig
from stance.data import label_names
from stance.decision import BoolArray, FloatArray
from stance.design import Design, IntArray
from stance.errors import DataError, did_you_mean
from stance.groups import numbered
from stance.labelled_rows import ANNOTATIONS, LabelledSentence, is_annotated, read_sentences
from stance.labels import indicator_matrix
from stance.strata import stratify
from stance.tables.reading import read_rows
from stance.tables.rows import BadRow, GoodRow
from stance.text import fold

log = logging.getLogger(__name__)

ID, STRATUM, INCLUSION = "id", "stratum", "inclusion_probability"
"""Columns of a sample: which sentence, drawn from where, and how likely that was."""

WHOLE = "all"
"""The stratum of a simple random sample."""

NONE = "none"
"""What a person writes for a sentence without any label; a cell with nothing in it is one not coded yet."""


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus, in the order of its file.

    Attributes:
        path: the file.
        ids: of the sentences; they differ.
        labels: names, in the order of the columns of the arrays.
        given: shape (sentences, labels), the model gave the label.
        probabilities: shape (sentences, labels).
        documents: shape (sentences,), the number of each sentence's document; of each sentence where none is named.
        columns: the values of the columns asked for, by name.
    """

    path: Path
    ids: Sequence[str]
    labels: tuple[str, ...]
    given: BoolArray
    probabilities: FloatArray
    documents: IntArray
    columns: Mapping[str, Sequence[Any]]

    def column_of(self, label: str) -> int:
        """Where a label stands.

        Raises:
            DataError: the corpus has no such label.
        """
        if label not in self.labels:
            raise DataError(f"{self.path} has no label '{label}'; {did_you_mean(label, self.labels)}")
        return self.labels.index(label)


@dataclass(frozen=True)
class Coded:
    """The hand-coded part of a sample.

    Attributes:
        design: how it was drawn.
        gold: shape (coded, labels), the person gave the label; columns as in the corpus.
        uncoded: ids of sentences of the sample that nobody has coded.
    """

    design: Design
    gold: BoolArray
    uncoded: tuple[str, ...]


def read_corpus(
    path: Path,
    *,
    columns: Sequence[str] = (),
    document_column: str | None = None,
    each: Callable[[LabelledSentence], None] = lambda _: None,
) -> Corpus:
    """Reads a labelled file, keeping of each sentence only what is counted: corpora may have millions of them.

    Args:
        path: a .jsonl, .csv, .tsv or .parquet file with labels and probabilities, or the folder of a corpus job.
        columns: others to keep.
        document_column: holds the document of a sentence; None takes ``document`` if there is one.
        each: is given every sentence as it goes by, with all that is not kept.

    Raises:
        DataError: the file cannot be read, or is no labelled file, or lacks a column, or ids repeat.
    """
    ids: list[str] = []
    labels: tuple[str, ...] = ()
    kept: dict[str, list[Any]] = {name: [] for name in columns}
    documents: list[Any] = []
    given: list[tuple[str, ...]] = []
    known: dict[str, None] = {}
    probabilities: list[list[float]] = []
    problems: list[str] = []
    for found in read_sentences(path):
        if isinstance(found, BadRow):
            problems.append(f"{found.where}: {found.reason}")
            continue
        if not ids:
            labels = tuple(found.probabilities)
        known |= dict.fromkeys(found.row)
        each(found)
        ids.append(found.id)
        given.append(found.labels)
        probabilities.append(list(found.probabilities.values()))
        document = found.row.get(document_column or "document")
        documents.append(found.id if document in (None, "") else document)
        for name, values in kept.items():
            values.append(found.row.get(name))
    if problems:
        raise DataError(f"{path} cannot be used as it is; correct what is listed and run again:", problems)
    if not ids:
        raise DataError(f"{path} holds no sentences.")
    _need(path, known, [*columns, *([document_column] if document_column else [])])
    _, numbers = numbered([str(document) for document in documents])
    return Corpus(path, tuple(ids), labels, indicator_matrix(given, labels), np.asarray(probabilities), numbers, kept)


def read_coded(path: Path, corpus: Corpus, label_column: str) -> Coded:
    """Reads a sample that a person has filled in, and finds its sentences in the corpus.

    A sentence whose cell holds neither labels nor ``none`` counts as not coded, but an empty list, which .jsonl and
    .parquet can hold, as coded without any label. The coded ones of a stratum stand for those not coded too, as if
    these had been left at random. Without a column ``inclusion_probability`` the sample counts as a simple random one
    of the corpus.

    Args:
        path: a .jsonl, .csv, .tsv or .parquet file: ``id``, labels, and what ``scripts/sample.py`` wrote beside them.
        corpus: what it was drawn from.
        label_column: what the person filled in.

    Raises:
        DataError: the file cannot be read, rows are wrong, ids or texts are not those of the corpus, or nothing is
            coded.
    """
    place = {identifier: position for position, identifier in enumerate(corpus.ids)}
    problems: list[str] = []
    rows: dict[str, _CodedRow] = {}
    known: dict[str, None] = {}
    for row in read_rows(path):
        if isinstance(row, BadRow):
            problems.append(f"{row.where}: {row.reason}")
            continue
        known |= dict.fromkeys(row.values)
        found = _coded_row(row, corpus, label_column, problems)
        if found.id not in place:
            problems.append(f"{row.where}: no sentence of {corpus.path} has the id '{found.id}'")
        elif found.id in rows:
            problems.append(f"{row.where}: id '{found.id}' was used before")
        rows[found.id] = found
    if rows:
        _need(path, known, (ID, label_column))
    if not problems:
        problems = _texts_that_differ(corpus, rows)
    if problems:
        raise DataError(f"{path} does not fit {corpus.path}; correct what is listed and run again:", problems)
    coded = [row for row in rows.values() if row.names is not None]
    if not coded:
        raise DataError(
            f"Nothing is coded in {path}: write labels, joined by commas, or '{NONE}' into the column '{label_column}'."
        )
    drawn = list(rows.values())
    return Coded(
        design=_design(path, corpus, place, drawn, coded),
        gold=indicator_matrix([row.names or () for row in coded], corpus.labels),
        uncoded=tuple(row.id for row in drawn if row.names is None),
    )


def nothing_coded(corpus: Corpus) -> Coded:
    """What stands for a sample where there is none."""
    nothing = np.empty(0, dtype=np.int64)
    design = Design(corpus.documents, np.zeros(len(corpus.ids), dtype=np.int64), nothing, np.empty(0))
    return Coded(design, np.empty((0, len(corpus.labels)), dtype=np.bool_), ())


@dataclass(frozen=True)
class _CodedRow:
    """A row of a sample; ``names`` is None where nobody has coded it."""

    id: str
    where: str
    text: str | None
    names: Sequence[str] | None
    stratum: str | None
    inclusion: float | None


def _coded_row(row: GoodRow, corpus: Corpus, label_column: str, problems: list[str]) -> _CodedRow:
    values = row.values
    cell, inclusion = values.get(label_column), values.get(INCLUSION)
    names: list[str] | None = None
    written = cell.replace(DataConfig().label_separator, " ").strip() if isinstance(cell, str) else cell
    if isinstance(written, str) and written.lower() == NONE:
        names = []
    elif written is not None and written != "":
        names = label_names(cell, DataConfig())
        if names is None:
            problems.append(f"{row.where}: expected '{label_column}' to be label names, found {cell!r:.60}")
    elif is_annotated(values.get(ANNOTATIONS)):  # somebody has read the sentence, and found nothing
        names = []
    for name in names or ():
        if name == NONE and name not in corpus.labels:
            problems.append(f"{row.where}: '{NONE}' stands beside labels: expected it alone, or labels")
        elif name not in corpus.labels:
            problems.append(f"{row.where}: unknown label '{name}'; {did_you_mean(name, (*corpus.labels, NONE))}")
    chance = None if inclusion in (None, "") else _number(inclusion)
    if inclusion not in (None, "") and not (chance and chance <= 1):
        problems.append(f"{row.where}: expected '{INCLUSION}' to be above 0 and at most 1, found {inclusion!r:.60}")
    text = values.get("text")
    return _CodedRow(
        id=str(values.get(ID)),
        where=row.where,
        text=text if isinstance(text, str) else None,
        names=names,
        stratum=str(values[STRATUM]) if values.get(STRATUM) else None,
        inclusion=chance,
    )


def _design(
    path: Path, corpus: Corpus, place: Mapping[str, int], drawn: Sequence[_CodedRow], coded: Sequence[_CodedRow]
) -> Design:
    total = len(corpus.ids)
    if all(row.inclusion is None for row in drawn):
        log.warning("%s has no '%s': it counts as a simple random sample of the corpus.", path, INCLUSION)
    elif any(row.inclusion is None for row in drawn):
        raise DataError(f"{path}: some sentences have an '{INCLUSION}' and some have none; expected all or none to.")
    strata = _strata(path, corpus, {row.stratum or WHOLE for row in drawn})
    chances = np.array([row.inclusion or len(drawn) / total for row in drawn])
    stands_for = np.bincount(strata[[place[row.id] for row in drawn]], 1 / chances, minlength=strata.max() + 1)
    where = np.array([place[row.id] for row in coded])
    weights = np.array([1 / (row.inclusion or len(drawn) / total) for row in coded])
    heard = np.bincount(strata[where], weights, minlength=strata.max() + 1)
    sizes = np.bincount(strata)
    planned = any(row.stratum is not None for row in drawn)
    if planned and not np.allclose(stands_for, sizes, rtol=1e-3):
        raise DataError(
            f"{path} was not drawn from {corpus.path} as it is now: its strata stand for {stands_for.round().tolist()} "
            f"sentences, found {sizes.tolist()}. If the corpus has been labelled anew, remove the column '{STRATUM}': "
            "the inclusion probabilities still hold, and intervals become a little wider."
        )
    coded_there = np.bincount(strata[where], minlength=len(sizes))
    unknown = int((coded_there < np.minimum(sizes, 2)).sum())
    if unknown:  # how the sentences of a stratum differ, one of them does not tell
        raise DataError(
            f"{path}: nothing or a single sentence is coded in {unknown} of {len(sizes)} strata; code two of each."
        )
    return Design(corpus.documents, strata, where, weights * (stands_for / heard)[strata[where]])


def _strata(path: Path, corpus: Corpus, names: set[str]) -> IntArray:
    """The stratum of every sentence of the corpus, from what the sample calls its strata."""
    if names == {WHOLE}:
        return np.zeros(len(corpus.ids), dtype=np.int64)
    parts = [name.rpartition(">=") for name in names]
    bounds = [_number(bound) for *_, bound in parts]
    labels = {label for label, *_ in parts}
    if None in bounds or len(labels) > 1 or not labels <= set(corpus.labels):
        raise DataError(
            f"{path}: expected '{STRATUM}' to be as scripts/sample.py writes it, a label and its lowest probability "
            f"such as {corpus.labels[0]}>=0.1, found {', '.join(sorted(names))}. Without that column all sentences "
            "count as of one stratum."
        )
    probabilities = corpus.probabilities[:, corpus.column_of(labels.pop())]
    return stratify(probabilities, np.sort(np.array(bounds, dtype=np.float64)))


def _texts_that_differ(corpus: Corpus, rows: Mapping[str, _CodedRow]) -> list[str]:
    """Rows of a sample whose text is not that of the sentence of their id: it was drawn from something else."""
    if all(row.text is None for row in rows.values()):
        return []
    problems: list[str] = []
    for found in read_sentences(corpus.path):
        if isinstance(found, BadRow):  # there are none: it has been read before
            continue
        row = rows.get(found.id)
        if row and row.text is not None and found.text and fold(found.text) != fold(row.text):
            problems.append(f"{row.where}: the text of id '{row.id}' is another at {found.where}")
    return problems


def _need(path: Path, known: Collection[str], columns: Sequence[str]) -> None:
    """Each column must stand in some row: those of JSON lines hold only what they have."""
    for name in columns:
        if name not in known:
            raise DataError(f"{path} has no column '{name}'; {did_you_mean(name, known)}")


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
