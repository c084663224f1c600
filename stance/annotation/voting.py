"""Annotations become readings of sentences, and readings one set of labels; what does not fit is told, not dropped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from stance.annotation.annotations import Annotation
from stance.annotation.sentences import LabelledCorpus
from stance.errors import did_you_mean
from stance.tables.json_lines import json_line
from stance.tables.rows import BadRow
from stance.text import fold

Reading = Mapping[str, tuple[str, ...]]
"""The labels that each annotator gave a sentence."""


@dataclass(frozen=True)
class Ballot:
    """What annotators said of a corpus.

    Attributes:
        readings: of each sentence that somebody annotated, by its id, in the order of the corpus.
        skipped: ids of sentences that were skipped and that nobody annotated.
        bad: rows and annotations that do not fit, and why.
    """

    readings: Mapping[str, Reading]
    skipped: Sequence[str]
    bad: Sequence[BadRow]

    @property
    def annotators(self) -> list[str]:
        """Who annotated, in the order of names."""
        return sorted({annotator for reading in self.readings.values() for annotator in reading})


@dataclass(frozen=True)
class Vote:
    """The labels of a sentence by majority.

    Attributes:
        labels: those that more than half of its annotators gave.
        ties: those that exactly half of them gave; they are not among the labels.
    """

    labels: tuple[str, ...]
    ties: tuple[str, ...]


def collect(found: Iterable[Annotation | BadRow], corpus: LabelledCorpus, none_label: str) -> Ballot:
    """Gathers annotations by sentence.

    An annotation is set aside, with the reason, if its id is not in the corpus, if the corpus has another text under
    that id (white space apart), if it has an unknown label or ``none_label`` beside another, or if its annotator has
    annotated the sentence before.
    """
    readings: dict[str, dict[str, tuple[str, ...]]] = {identifier: {} for identifier in corpus.sentences}
    places: dict[tuple[str, str], str] = {}
    skipped: set[str] = set()
    bad: list[BadRow] = []
    for one in found:
        if isinstance(one, BadRow):
            bad.append(one)
            continue
        reason = _misfit(one, corpus, none_label)
        if reason is None and one.names is None:
            skipped.add(one.id)
            continue
        if reason is None and (one.id, one.annotator) in places:
            first = places[one.id, one.annotator]
            reason = f"'{one.annotator}' has annotated id '{one.id}' before, at {first}, which counts"
        if reason is not None:
            bad.append(BadRow(one.where, reason, json_line(asdict(one)).rstrip()))
            continue
        places[one.id, one.annotator] = one.where
        readings[one.id][one.annotator] = tuple(label for label in corpus.labels if label in (one.names or ()))
    return Ballot(
        readings={identifier: reading for identifier, reading in readings.items() if reading},
        skipped=[identifier for identifier in corpus.sentences if identifier in skipped and not readings[identifier]],
        bad=bad,
    )


def majority(reading: Reading, labels: Sequence[str]) -> Vote:
    """Resolves what annotators said: a label is given where more than half of those who annotated gave it."""
    votes = {label: sum(label in names for names in reading.values()) for label in labels}
    return Vote(
        labels=tuple(label for label, count in votes.items() if 2 * count > len(reading)),
        ties=tuple(label for label, count in votes.items() if 2 * count == len(reading)),
    )


def _misfit(one: Annotation, corpus: LabelledCorpus, none_label: str) -> str | None:
    """Why an annotation does not fit the corpus; None if it does."""
    sentence = corpus.sentences.get(one.id)
    if sentence is None:
        return f"no sentence of {corpus.path} has the id '{one.id}'"
    if fold(one.text) != fold(sentence.text):
        return f"the text of id '{one.id}' is another in {corpus.path}: {sentence.text!r:.60}"
    names = one.names or ()
    unknown = [name for name in names if name not in (*corpus.labels, none_label)]
    if unknown:
        return f"unknown label '{unknown[0]}'; {did_you_mean(unknown[0], (*corpus.labels, none_label))}"
    if none_label in names and len(names) > 1:
        return f"'{none_label}' stands beside labels: {', '.join(names)}"
    return None
