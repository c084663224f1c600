"""The sentences of a labelled corpus, or of a sample drawn from one, as annotators need them: whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stance.errors import DataError
from stance.labelled_rows import LABEL_SET, PROBABILITY, LabelledSentence, is_kept, labelled_schema, read_sentences
from stance.tables.rows import BadRow


@dataclass(frozen=True)
class LabelledCorpus:
    """Labelled sentences, or those of a sample, in the order of their file, by id.

    Attributes:
        path: the file.
        labels: the model's, in its order.
        sentences: by id.
        schema: the columns that the sentences bring along beside id, text, and what the model says.
    """

    path: Path
    labels: tuple[str, ...]
    sentences: Mapping[str, LabelledSentence]
    schema: pa.Schema

    @property
    def is_sample(self) -> bool:
        """Whether nothing that a model says is there."""
        return not any(sentence.probabilities for sentence in self.sentences.values())

    def probabilities(self, ids: Sequence[str]) -> NDArray[np.float64]:
        """What the model says of some sentences, shape (ids, labels)."""
        found = [list(self.sentences[identifier].probabilities.values()) for identifier in ids]
        return np.array(found, dtype=np.float64).reshape(len(ids), len(self.labels))


def read_corpus(path: Path, *, samples: bool = False) -> LabelledCorpus:
    """Reads a labelled file, all of it into memory.

    Args:
        path: an output of ``scripts/predict.py``.
        samples: whether one of ``scripts/sample.py`` will do as well.

    Raises:
        DataError: the file cannot be read, is no labelled file, or holds rows that are wrong or share an id; every
            problem is listed with its ``file:line``.
    """
    labels: tuple[str, ...] = ()
    sentences: dict[str, LabelledSentence] = {}
    problems: list[str] = []
    for found in read_sentences(path, samples=samples):
        if isinstance(found, BadRow):
            problems.append(f"{found.where}: {found.reason}")
        elif not found.text.strip():
            problems.append(f"{found.where}: expected text in 'text', found {found.row.get('text')!r:.60}")
        elif not found.label_set or found.label_set != (labels or found.label_set):
            wanted = ", ".join(labels) or "names of labels"
            cell = found.row.get(LABEL_SET)
            problems.append(f"{found.where}: expected {wanted} in '{LABEL_SET}', found {cell!r:.60}")
        else:
            labels = found.label_set
            sentences[found.id] = found
    if problems:
        raise DataError(f"{path} cannot be used as it is; correct what is listed and run again:", problems)
    if not sentences:
        raise DataError(f"{path} holds no sentences.")
    kept = [column for column in labelled_schema(path) if is_kept(column.name)]
    return LabelledCorpus(path, labels, sentences, pa.schema(kept))


def row_of(sentence: LabelledSentence) -> dict[str, Any]:
    """The sentence as a row of a labelled file, which ``read_corpus`` reads back."""
    return {
        **sentence.columns,
        "id": sentence.id,
        "text": sentence.text,
        "labels": list(sentence.labels),
        "uncertain": list(sentence.uncertain),
        **{PROBABILITY + label: value for label, value in sentence.probabilities.items()},
    }


def schema_of(corpus: LabelledCorpus) -> pa.Schema:
    """The columns of ``row_of``."""
    names = pa.list_(pa.string())
    probabilities = [pa.field(PROBABILITY + label, pa.float64()) for label in corpus.labels]
    ours = [("id", pa.string()), ("text", pa.string()), ("labels", names), ("uncertain", names)]
    return pa.schema([*ours, *probabilities, *corpus.schema])
