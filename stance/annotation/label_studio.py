"""Label Studio: tasks with predictions to import, the labelling configuration, and its export as JSON.

https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions describe the format.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from stance.annotation.annotations import QUESTION, UNKNOWN, Annotation
from stance.annotation.json_array import read_array, write_json
from stance.annotation.sentences import LabelledCorpus
from stance.errors import ConfigError
from stance.files import write_text
from stance.labelled_rows import PROBABILITY, LabelledSentence
from stance.tables.json_lines import json_line
from stance.tables.rows import BadRow, GoodRow
from stance.text import without_surrogates

# Not "id": beside the task's own, one of the two is lost where Label Studio flattens tasks, as JSON-MIN and CSV.
_ID, _TEXT = "sentence_id", "text"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""https://www.w3.org/TR/xml/#charsets"""


def write(corpus: LabelledCorpus, output: Path, none_label: str, *, blind: bool) -> tuple[Path, ...]:
    """Writes the tasks as JSON and, beside them as ``.xml``, the labelling configuration of the project."""
    if output.suffix.lower() != ".json":
        raise ConfigError(f"Cannot write {output} for Label Studio: expected a name ending in .json.")
    configuration, view = output.with_suffix(".xml"), labelling_configuration((*corpus.labels, none_label))
    tasks = write_json(output, [_task(sentence, none_label, blind) for sentence in corpus.sentences.values()])
    write_text(configuration, view)
    return tasks, configuration


def labelling_configuration(choices: tuple[str, ...]) -> str:
    """What to paste into the project's settings: the text, and choices of which one or more must be made.

    Raises:
        ConfigError: a choice holds a character that XML cannot.
    """
    for choice in choices:
        if _NOT_XML.search(choice):
            raise ConfigError(
                f"Cannot write the label {choice!r} for Label Studio: its configuration is XML, which holds no control "
                "characters. Take tool=spreadsheet or tool=argilla."
            )
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Text", name=_TEXT, value=f"${_TEXT}")
    question = ElementTree.SubElement(
        view, "Choices", name=QUESTION, toName=_TEXT, choice="multiple", required="true", showInline="true"
    )
    for choice in choices:
        ElementTree.SubElement(question, "Choice", value=choice)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def read(path: Path) -> Iterator[Annotation | BadRow]:
    """Reads an export of the kind JSON; JSON-MIN and CSV lack skipped tasks."""
    for row in read_array(path):
        yield from [row] if isinstance(row, BadRow) else _annotations(row)


def _task(sentence: LabelledSentence, none_label: str, blind: bool) -> dict[str, Any]:
    data = {_ID: sentence.id, _TEXT: sentence.text}
    if blind:
        return {"data": data}
    choices = list(sentence.labels) or [none_label]
    probabilities = {PROBABILITY + label: value for label, value in sentence.probabilities.items()}
    return {
        "data": {**data, "uncertain": list(sentence.uncertain), **probabilities},
        "predictions": [
            {
                "model_version": "stance",
                # Label Studio can show tasks by score, lowest first: that of the label the model is least sure about.
                "score": min(max(value, 1 - value) for value in probabilities.values()),
                "result": [{"from_name": QUESTION, "to_name": _TEXT, "type": "choices", "value": {"choices": choices}}],
            }
        ],
    }


def _annotations(row: GoodRow) -> Iterator[Annotation | BadRow]:
    data, annotations = row.values.get("data"), row.values.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations, list):
        yield _bad(row, "expected a task with 'data' and 'annotations': export as JSON, not as JSON-MIN or CSV")
        return
    if annotations and _ID not in data:
        yield _bad(row, f"expected a task that stance wrote, with '{_ID}' in its data, found {', '.join(data)}")
        return
    for annotation in annotations:
        if not isinstance(annotation, dict):
            yield _bad(row, f"expected an annotation, found {type(annotation).__name__}")
            continue
        skipped = annotation.get("was_cancelled") or annotation.get("skipped")
        names = None if skipped else _choices(annotation.get("result"))
        if isinstance(names, str):
            yield _bad(row, names)
            continue
        yield Annotation(
            where=row.where,
            id=without_surrogates(str(data[_ID])),
            text=without_surrogates(str(data.get(_TEXT))),
            annotator=_annotator(annotation.get("completed_by")),
            names=names,
        )


def _choices(result: Any) -> tuple[str, ...] | str:
    """The choices made, or what is wrong with the result; answers to other questions of the project are let be."""
    if not isinstance(result, list):
        return f"expected 'result' to be a list, found {type(result).__name__}"
    regions = [region for region in result if isinstance(region, dict)]
    ours = [region for region in regions if region.get("from_name") == QUESTION]
    if regions and not ours:
        found = ", ".join(sorted({str(region.get("from_name")) for region in regions}))
        return f"expected choices named '{QUESTION}', found '{found}'"
    values = [region.get("value") for region in ours]
    chosen = [value.get("choices") if isinstance(value, dict) else None for value in values]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in chosen):
        return f"expected '{QUESTION}' to be choices, found {values!r:.60}"
    return tuple(without_surrogates(name) for names in chosen for name in names or ())


def _annotator(completed_by: Any) -> str:
    if isinstance(completed_by, Mapping):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return UNKNOWN if completed_by is None else without_surrogates(str(completed_by))


def _bad(row: GoodRow, reason: str) -> BadRow:
    return BadRow(row.where, reason, json_line(row.values).rstrip())
