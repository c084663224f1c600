"""Spreadsheets: a CSV file to fill in, one copy for each annotator, and such files filled in.

Texts are other people's, and a spreadsheet runs a cell that begins like a formula. Such cells get an apostrophe in
front, which the way back takes off: https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from stance.annotation.annotations import QUESTION, Annotation
from stance.annotation.sentences import LabelledCorpus, LabelledSentence
from stance.errors import ConfigError, DataError
from stance.labelled_rows import PROBABILITY
from stance.tables import BadRow, read_rows, replacing
from stance.text import without_surrogates

_ANNOTATOR, _ID, _TEXT = "annotator", "id", "text"
_FILLED_IN = (_ANNOTATOR, QUESTION)
# Apostrophes in front are part of it, so that taking one off undoes putting one on, whatever the text.
_FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")  # noqa: RUF001


def write(corpus: LabelledCorpus, output: Path, none_label: str) -> tuple[Path, ...]:
    """Writes a CSV file with empty columns for the annotator and the labels in front."""
    if output.suffix.lower() != ".csv":
        raise ConfigError(f"Cannot write {output} as a spreadsheet: expected a name ending in .csv.")
    rows = [_row(sentence, none_label) for sentence in corpus.sentences.values()]
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
        cells = {name: unguarded(str(value or "")) for name, value in row.values.items()}
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


def guarded(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet might run it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Undoes ``guarded``; a cell that lost its apostrophe on the way stays as it is."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _row(sentence: LabelledSentence, none_label: str) -> dict[str, str | float]:
    cells = {
        **dict.fromkeys(_FILLED_IN, ""),
        _TEXT: sentence.text,
        "predicted": ",".join(sentence.labels) or none_label,
        "uncertain": ",".join(sentence.uncertain),
        _ID: sentence.id,
    }
    probabilities = {PROBABILITY + label: value for label, value in sentence.probabilities.items()}
    return {name: guarded(without_surrogates(cell)) for name, cell in cells.items()} | probabilities
