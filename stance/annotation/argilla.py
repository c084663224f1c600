"""Argilla 2: a dataset on disk for ``rg.Dataset.from_disk``, and what its records are exported as.

https://docs.argilla.io/latest/how_to_guides/import_export describes both ways.
"""

import logging
from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

from stance.annotation.annotations import QUESTION, UNKNOWN, Annotation
from stance.annotation.json_array import read_array, write_json
from stance.annotation.sentences import LabelledCorpus
from stance.errors import ConfigError
from stance.labelled_rows import PROBABILITY, LabelledSentence
from stance.tables.json_lines import json_line
from stance.tables.reading import read_rows
from stance.tables.rows import BadRow, GoodRow
from stance.text import without_surrogates

log = logging.getLogger(__name__)

_TEXT = "text"
_UNCERTAIN = "uncertain"
_DISCARDED, _DRAFT = "discarded", "draft"


def write(corpus: LabelledCorpus, output: Path, none_label: str, *, blind: bool) -> tuple[Path, ...]:
    """Writes a folder as ``rg.Dataset.to_disk`` does: the records, the settings of the dataset, and its name."""
    if output.suffix or output.is_file():
        raise ConfigError(f"Cannot write {output} for Argilla: expected the name of a folder, without an ending.")
    return (
        write_json(output / "records.json", [_record(one, none_label, blind) for one in corpus.sentences.values()]),
        write_json(output / ".argilla" / "settings.json", _settings(corpus.labels, none_label, blind)),
        write_json(output / ".argilla" / "dataset.json", {"name": output.resolve().name}),
    )


def read(path: Path) -> Iterator[Annotation | BadRow]:
    """Reads records as ``to_list`` or ``to_datasets`` gives them, as a JSON array, JSON lines or parquet.

    Drafts count as not annotated, discarded responses as skipped. Nested records, those of ``to_disk`` and ``to_json``,
    do not tell: their responses count as submitted, with a warning. ``to_list(flatten=True)`` tells.
    """
    told = False
    for row in read_array(path) if path.suffix.lower() == ".json" else read_rows(path):
        if isinstance(row, BadRow):
            yield row
            continue
        responses = _responses(row.values)
        if isinstance(responses, str):
            yield BadRow(row.where, responses, json_line(row.values).rstrip())
            continue
        for annotator, value, status in responses:
            if status is None and not told:
                log.warning(
                    "%s does not tell drafts and discarded responses from submitted ones: all count as submitted. "
                    "records.to_list(flatten=True) tells.",
                    path,
                )
                told = True
            if status != _DRAFT:
                yield _annotation(row, annotator, None if status == _DISCARDED else value)


def _record(sentence: LabelledSentence, none_label: str, blind: bool) -> dict[str, Any]:
    return {
        "id": sentence.id,
        "fields": {_TEXT: sentence.text},
        "metadata": {} if blind else _metadata(sentence),
        "suggestions": {} if blind else {QUESTION: _suggestion(sentence, none_label)},
        "responses": {},
        "vectors": {},
    }


def _metadata(sentence: LabelledSentence) -> dict[str, Any]:
    uncertain = {_UNCERTAIN: list(sentence.uncertain)} if sentence.uncertain else {}
    return uncertain | {PROBABILITY + label: value for label, value in sentence.probabilities.items()}


def _suggestion(sentence: LabelledSentence, none_label: str) -> dict[str, Any]:
    probabilities = sentence.probabilities
    # The choice of no label is as likely as the likeliest label is absent: an upper bound, as labels may come together.
    scores = {label: probabilities[label] for label in sentence.labels} or {none_label: 1 - max(probabilities.values())}
    return {"value": list(scores), "score": list(scores.values()), "agent": "stance"}


def _settings(labels: tuple[str, ...], none_label: str, blind: bool) -> dict[str, Any]:
    choices = [{"value": name, "text": name} for name in (*labels, none_label)]
    return {
        "guidelines": None,
        "allow_extra_metadata": False,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "fields": [{"name": _TEXT, "title": "Text", "required": True, "settings": {"type": "text"}}],
        "questions": [
            {
                "name": QUESTION,
                "title": "Labels",
                "required": True,
                "settings": {"type": "multi_label_selection", "options": choices},
            }
        ],
        "metadata": []
        if blind
        else [
            {"name": _UNCERTAIN, "settings": {"type": "terms", "values": list(labels)}},
            *({"name": PROBABILITY + label, "settings": {"type": "float", "min": 0, "max": 1}} for label in labels),
        ],
        "vectors": [],
    }


_Response = tuple[str, Any, str | None]


def _responses(record: Mapping[str, Any]) -> list[_Response] | str:
    """Annotator, value and status of each response of a flat or a nested record, or what is wrong with it."""
    if isinstance(record.get("fields"), Mapping):
        answers = record.get("responses") or {}
        found = answers.get(QUESTION) or [] if isinstance(answers, Mapping) else None
        if not isinstance(found, list) or not all(isinstance(answer, Mapping) for answer in found):
            return f"expected 'responses' by question, found {answers!r:.60}"
        return [(_annotator(one.get("user_id")), one.get("value"), one.get("status")) for one in found]
    column = f"{QUESTION}.responses"
    if _TEXT not in record:
        return f"expected a record with '{_TEXT}' and '{column}', found {', '.join(record)}"
    values, users, statuses = (record.get(f"{column}{part}") or [] for part in ("", ".users", ".status"))
    if not len(values) == len(users) == (len(statuses) or len(values)):
        return f"expected as many users and status as '{column}', found {len(values)}, {len(users)}, {len(statuses)}"
    return list(zip(map(_annotator, users), values, statuses or repeat(None), strict=False))


def _annotation(row: GoodRow, annotator: str, value: Any) -> Annotation | BadRow:
    if value is not None and not (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        return BadRow(row.where, f"expected a list of labels, found {value!r:.60}", json_line(row.values).rstrip())
    fields = row.values.get("fields")
    text = (fields if isinstance(fields, Mapping) else row.values).get(_TEXT)
    return Annotation(
        where=row.where,
        id=without_surrogates(str(row.values.get("id"))),
        text=without_surrogates(str(text)),
        annotator=annotator,
        names=None if value is None else tuple(map(without_surrogates, value)),
    )


def _annotator(user: Any) -> str:
    return UNKNOWN if user is None else without_surrogates(str(user))
