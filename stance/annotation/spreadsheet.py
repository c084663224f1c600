"""Spreadsheets: a CSV file to fill in, one copy for each annotator, and such files filled in."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from stance.annotation.annotations import QUESTION, Annotation
from stance.annotation.sentences import LabelledCorpus
from stance.errors import ConfigError, DataError
from stance.files import replacing
from stance.labelled_rows import PROBABILITY, LabelledSentence
from stance.tables.delimited import guarded
from stance.tables.reading import check_not_filled_in, read_rows
from stance.tables.rows import BadRow
from stance.text import without_surrogates

_ANNOTATOR, _ID, _TEXT = "annotator", "id", "text"
_FILLED_IN = (_ANNOTATOR, QUESTION)


def write(corpus: LabelledCorpus, output: Path, none_label: str, *, blind: bool) -> tuple[Path, ...]:
    """Writes a CSV file with empty columns for the annotator and the labels in front."""
    if output.suffix.lower() != ".csv":
        raise ConfigError(f"Cannot write {output} as a spreadsheet: expected a name ending in .csv.")
    check_not_filled_in(output, _FILLED_IN)
    rows = [_row(sentence, {} if blind else _said(sentence, none_label)) for sentence in corpus.sentences.values()]
    # Excel reads UTF-8 only where a byte order mark says so.
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return (output,)


def read(path: Path) -> Iterator[Annotation | BadRow]:
    """Reads a file that was filled in: label names joined by commas; an empty cell is a sentence not annotated.

    Where nobody filled in the annotator, it is the name of the file.
    """
    for row in read_rows(path):
        if isinstance(row, BadRow):
            yield row
            continue
        cells = {name: str(value or "") for name, value in row.values.items()}
        missing = [name for name in (_ID, _TEXT, QUESTION) if name not in cells]
        if missing:
            raise DataError(
                f"{path}: expected columns {', '.join(missing)} between commas, found {', '.join(cells)}. "
                "If the spreadsheet puts semicolons there, save with tabs, as .tsv."
            )
        names = tuple(name.strip() for name in cells[QUESTION].split(",") if name.strip())
        if names:
            annotator = cells.get(_ANNOTATOR, "").strip() or path.stem
            yield Annotation(row.where, cells[_ID], cells[_TEXT], annotator, names)


def _said(sentence: LabelledSentence, none_label: str) -> dict[str, str]:
    return {
        "predicted": ",".join(sentence.labels) or none_label,
        "uncertain": ",".join(sentence.uncertain),
        **{PROBABILITY + label: str(value) for label, value in sentence.probabilities.items()},
    }


def _row(sentence: LabelledSentence, said: Mapping[str, str]) -> dict[str, str]:
    cells = {**dict.fromkeys(_FILLED_IN, ""), _TEXT: sentence.text, **said, _ID: sentence.id}
    return {name: guarded(without_surrogates(cell)) for name, cell in cells.items()}
