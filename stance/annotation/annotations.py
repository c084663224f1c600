"""What one annotator says of one sentence, and what a module must do that speaks a tool's format."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stance.annotation.sentences import LabelledCorpus
from stance.tables.rows import BadRow

QUESTION = "labels"
"""What the question to annotators is called, in every tool."""

UNKNOWN = "unknown"
"""The annotator where a tool does not say who it was."""


@dataclass(frozen=True)
class Annotation:
    """What one annotator says of one sentence.

    Attributes:
        where: ``file:row`` at which it stands, rows, tasks and records counted from 1.
        id: of the sentence, as it was exported.
        text: of the sentence, as the tool gives it back.
        annotator: a name, address or number, whatever the tool knows.
        names: the choices; with none of them the sentence carries no label. None where the annotator skipped it.
    """

    where: str
    id: str
    text: str
    annotator: str
    names: tuple[str, ...] | None


class Format(Protocol):
    """What a module does for a tool."""

    def write(self, corpus: LabelledCorpus, output: Path, none_label: str, *, blind: bool) -> tuple[Path, ...]:
        """Writes sentences for the tool, in the order of the corpus, and returns the files.

        Args:
            corpus: the sentences.
            output: what to write.
            none_label: the choice for a sentence without labels.
            blind: whether what the model says is left out.

        Raises:
            ConfigError: the tool needs another kind of name.
        """

    def read(self, path: Path) -> Iterator[Annotation | BadRow]:
        """Reads a file that the tool exported; sentences that nobody has annotated yield nothing.

        Raises:
            DataError: the file as a whole is nothing that the tool exports.
        """
