"""The parts of the annotation round trip: corpora, the formats of the tools, votes, suggestions, suspected errors."""

import csv
import json
import sys
from pathlib import Path
from unittest.mock import MagicMock
from uuid import UUID
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import HOSTILE, write_jsonl

from stance.annotation import argilla, label_studio, spreadsheet
from stance.annotation.annotations import Annotation, Format
from stance.annotation.label_errors import suspects
from stance.annotation.sentences import LabelledCorpus, read_corpus
from stance.annotation.suggestion import suggest
from stance.annotation.voting import collect, majority
from stance.errors import ConfigError, DataError
from stance.tables.rows import BadRow
from stance.text import sentence_id

LABELS = ("offer", "denial")


def corpus_row(text: str, *labels: str, **others: object) -> dict[str, object]:
    probabilities = {label: 0.9 if label in labels else 0.1 for label in LABELS}
    return {"text": text, "labels": list(labels), "uncertain": [], "probabilities": probabilities} | others


@pytest.fixture
def corpus(tmp_path: Path) -> LabelledCorpus:
    rows = [corpus_row(text, *LABELS[: n % 3], id=f"={n}") for n, text in enumerate(HOSTILE)]
    return read_corpus(write_jsonl(tmp_path / "labelled.jsonl", rows))


def test_ids_come_from_the_file_and_stay_the_same(tmp_path: Path) -> None:
    rows = [
        corpus_row("One.", id=7),
        corpus_row("Two.", id=7, start=5),
        corpus_row("Three.", id="7:9", start=9),
        corpus_row("Four.", document="a.txt", start=0),
        corpus_row("Five."),
        corpus_row("Five."),
    ]
    corpus = read_corpus(write_jsonl(tmp_path / "labelled.jsonl", rows))
    assert list(corpus.sentences) == ["7", "7:5", "7:9", "a.txt:0", sentence_id("Five."), sentence_id("Five.") + "-2"]
    assert corpus.sentences["7:5"].columns == {"start": 5}
    assert corpus.schema.names == ["start", "document"]


def test_all_kinds_of_labelled_files_read_alike(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [corpus_row("We offer.", "offer", id="x", uncertain=["denial"])])
    flat = "id,text,labels,uncertain,probability_offer,probability_denial\nx,We offer.,offer,denial,0.9,0.1\n"
    (tmp_path / "a.csv").write_text(flat)
    nested, table = (read_corpus(tmp_path / name) for name in ("a.jsonl", "a.csv"))
    assert [(one.id, one.text, one.labels, one.uncertain, one.probabilities) for one in nested.sentences.values()] == [
        (one.id, one.text, one.labels, one.uncertain, one.probabilities) for one in table.sentences.values()
    ]
    assert table.labels == LABELS


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"text": "a"}], "is no labelled file: expected 'labels' and 'probabilities'"),
        ([corpus_row("a"), corpus_row(" ")], ":2: expected text in 'text', found ' '"),
        ([corpus_row("a"), corpus_row("b", probabilities={"offer": 1})], ":2: expected probabilities of offer, denial"),
        ([corpus_row("a", probabilities={"offer": 1.5})], "from 0 to 1 for 'offer', found 1.5"),
        ([corpus_row("a", id="x"), corpus_row("b", id="x")], ":2: id 'x' was used before, at "),
        ([], "holds no sentences"),
    ],
)
def test_what_is_no_labelled_corpus_is_told(tmp_path: Path, rows: list[dict[str, object]], told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_corpus(write_jsonl(tmp_path / "labelled.jsonl", rows))


def test_no_cell_of_a_spreadsheet_begins_a_formula(tmp_path: Path, corpus: LabelledCorpus) -> None:
    (path,) = spreadsheet.write(corpus, tmp_path / "sheet.csv", "none", blind=False)
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert not [cell for cell in cells if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))]  # noqa: RUF001
    assert "'Stop,' he said." in cells


def test_a_spreadsheet_comes_back(tmp_path: Path, corpus: LabelledCorpus) -> None:
    (path,) = spreadsheet.write(corpus, tmp_path / "sheet.csv", "none", blind=False)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["predicted"] for row in rows[:3]] == ["none", "offer", "offer,denial"]
    assert list(spreadsheet.read(path)) == [], "an empty cell is a sentence not annotated"
    for n, row in enumerate(rows[:-1]):
        row |= {"labels": ("none", "offer", " denial , offer")[n % 3], "annotator": "ann" if n % 2 else ""}
    filled = tmp_path / "ben.csv"
    with filled.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    ballot = collect(spreadsheet.read(filled), corpus, "none")
    assert not ballot.bad
    assert ballot.annotators == ["ann", "ben"]
    assert list(ballot.readings) == list(corpus.sentences)[:-1]
    assert [*ballot.readings.values()][:3] == [{"ben": ()}, {"ann": ("offer",)}, {"ben": ("offer", "denial")}]


def test_a_spreadsheet_with_semicolons_is_told(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("annotator;labels;text;id\nann;none;a;1\n")
    with pytest.raises(DataError, match="save with tabs"):
        list(spreadsheet.read(tmp_path / "sheet.csv"))


def annotated_task(task: dict[str, object], **by: list[str] | None) -> dict[str, object]:
    """The task as Label Studio 1.23 exports it, with a draft; an annotator without choices skipped it.

    Who annotated is a number, or what an export of the kind JSON can be asked to tell of a user.
    """

    def made(*choices: str) -> list[dict[str, object]]:
        region = {"id": "Wx3", "from_name": "labels", "to_name": "text", "type": "choices", "origin": "manual"}
        return [region | {"value": {"choices": choices}}] if choices else []

    annotations = [
        {
            "id": number,
            "completed_by": 3 if annotator == "user" else {"id": number, "email": annotator, "first_name": ""},
            "result": made(*(choices or [])),
            "was_cancelled": choices is None,
            "ground_truth": False,
            "created_at": f"2026-01-01T00:00:0{9 - number}Z",
            "lead_time": 1.5,
            "prediction": task.get("predictions", [{}])[0],
        }
        for number, (annotator, choices) in enumerate(by.items(), start=1)
    ]
    drafts = [{"id": 1, "user": "cleo", "result": made("offer"), "task": 101, "annotation": None}]
    return {"id": 101, "data": task["data"], "annotations": annotations, "drafts": drafts, "predictions": [1]}


def test_label_studio_tasks_come_back(tmp_path: Path, corpus: LabelledCorpus) -> None:
    tasks, _ = label_studio.write(corpus, tmp_path / "tasks.json", "none", blind=False)
    written = json.loads(tasks.read_text(encoding="utf-8"))
    assert written[0]["predictions"][0]["result"][0]["value"] == {"choices": ["none"]}
    assert written[0]["data"]["probability_offer"] == 0.1
    back = [
        annotated_task(written[0], anna=["offer", "denial"], user=[]),
        annotated_task(written[1], anna=["none"], user=None),
        annotated_task(written[2], anna=None),
        *(annotated_task(task, anna=["denial"]) for task in written[3:-1]),
        annotated_task(written[-1]),
    ]
    (tmp_path / "export.json").write_text(json.dumps(back))
    ballot = collect(label_studio.read(tmp_path / "export.json"), corpus, "none")
    assert not ballot.bad
    assert ballot.readings["=0"] == {"anna": ("offer", "denial"), "3": ()}
    assert ballot.readings["=1"] == {"anna": ()}
    assert ballot.skipped == ["=2"]
    assert "=2" not in ballot.readings
    assert f"={len(HOSTILE) - 1}" not in ballot.readings


def test_labelling_configuration_is_xml_whatever_the_labels() -> None:
    view = ElementTree.fromstring(label_studio.labelling_configuration(('a<"b">&', "none")))  # noqa: S314
    question = view.find("Choices")
    assert question is not None
    assert [choice.get("value") for choice in question] == ['a<"b">&', "none"]
    assert (question.get("choice"), question.get("toName")) == ("multiple", "text")
    for character in "\x00\x0b\x1f\ufffe\ud83d":
        with pytest.raises(ConfigError, match=r"Cannot write the label 'de.*nial' for Label Studio"):
            label_studio.labelling_configuration((f"de{character}nial", "none"))


def test_what_label_studio_exports_otherwise_is_told(tmp_path: Path) -> None:
    region = {"from_name": "sentiment", "type": "choices", "value": {"choices": ["good"]}}
    data = {"sentence_id": "a", "text": "t"}
    rows = [
        {"id": 1, "text": "t", "labels": "offer", "annotator": 1},
        {"data": data, "annotations": [{"result": [region]}, "x"]},
        {"data": data, "annotations": [{"result": [region | {"from_name": "labels", "value": {"text": ["x"]}}]}]},
        {"data": data, "annotations": [{"result": None}]},
        {"data": {"id": "a", "text": "t"}, "annotations": [{"result": []}]},
        {"data": {"text": "not annotated"}, "annotations": []},
        "no object",
    ]
    (tmp_path / "export.json").write_text(json.dumps(rows))
    found = list(label_studio.read(tmp_path / "export.json"))
    told = [
        "not as JSON-MIN",
        "named 'labels', found 'sentiment'",
        "an annotation",
        "to be choices",
        "a list, found NoneType",
        "with 'sentence_id' in its data, found id, text",
        "a JSON object",
    ]
    assert [row.where.rpartition(":")[2] for row in found] == ["1", "2", "2", "3", "4", "5", "7"]
    for row, reason in zip(found, told, strict=True):
        assert isinstance(row, BadRow)
        assert reason in row.reason


@pytest.mark.parametrize(("content", "told"), [("{}", "a JSON array, found dict"), ("[", "not valid JSON")])
def test_a_file_of_another_kind_is_told(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "export.json").write_text(content)
    for tool in (label_studio, argilla):
        with pytest.raises(DataError, match=told):
            list(tool.read(tmp_path / "export.json"))


@pytest.mark.parametrize(
    ("tool", "name", "told"),
    [(label_studio, "a.csv", ".json"), (argilla, "a.json", "a folder"), (spreadsheet, "a.xlsx", ".csv")],
)
def test_each_tool_takes_its_own_kind_of_file(
    tmp_path: Path, corpus: LabelledCorpus, tool: Format, name: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        tool.write(corpus, tmp_path / name, "none", blind=False)


LABEL_STUDIO = "label-studio-sdk holds numpy below 2.3; CONTRIBUTING.md says how to run this"


@pytest.mark.parametrize("blind", [False, True])
def test_label_studio_itself_accepts_tasks_and_configuration(
    tmp_path: Path, corpus: LabelledCorpus, blind: bool
) -> None:
    sdk = pytest.importorskip("label_studio_sdk.label_interface", reason=LABEL_STUDIO)
    objects = pytest.importorskip("label_studio_sdk.label_interface.objects")
    tasks, configuration = label_studio.write(corpus, tmp_path / "tasks.json", "none", blind=blind)
    interface = sdk.LabelInterface(configuration.read_text())
    interface.validate()
    question = interface.get_control("labels")
    assert (question.labels, question.is_multiple_choice) == ([*LABELS, "none"], True)
    for task in json.loads(tasks.read_text(encoding="utf-8")):
        assert interface.validate_task({"data": task["data"]})
        predictions = objects.TaskValue(**task).model_dump()["predictions"]
        assert [interface.validate_prediction(one, return_errors=True) for one in predictions] == [[]] * (not blind)
        (right,) = annotated_task(task, user=["offer", "denial"])["annotations"]
        assert interface.validate_annotation(objects.AnnotationValue(**right).model_dump())
    (wrong,) = annotated_task(task, user=["x"])["annotations"]
    assert not interface.validate_annotation(wrong), "the parser looks at choices"


def test_label_studio_itself_keeps_ids_where_it_flattens_tasks(tmp_path: Path, corpus: LabelledCorpus) -> None:
    sdk = pytest.importorskip("label_studio_sdk.converter", reason=LABEL_STUDIO)
    tasks, configuration = label_studio.write(corpus, tmp_path / "tasks.json", "none", blind=False)
    by = {"anna": ["offer", "denial"], "ben": ["none"], "user": None}
    back = [annotated_task(task, **by) for task in json.loads(tasks.read_text(encoding="utf-8"))]
    (tmp_path / "export.json").write_text(json.dumps(back))
    converter = sdk.Converter(str(configuration), str(tmp_path))
    for kind in ("JSON_MIN", "CSV"):
        converter.convert(str(tmp_path / "export.json"), str(tmp_path / kind), kind, is_dir=False)
    minimal = json.loads((tmp_path / "JSON_MIN" / "result.json").read_text(encoding="utf-8"))
    with (tmp_path / "CSV" / "result.csv").open(encoding="utf-8", newline="") as file:
        table = [row | {"id": int(row["id"])} for row in csv.DictReader(file)]
    wanted = [(101, one.id, one.text, who) for one in corpus.sentences.values() for who in ("anna", "ben")]
    for rows in (minimal, table):
        assert [(row["id"], row["sentence_id"], row["text"], row["annotator"]) for row in rows] == wanted
    assert [row["labels"] for row in minimal[:2]] == [{"choices": by["anna"]}, "none"]
    assert all(isinstance(row, BadRow) for row in label_studio.read(tmp_path / "JSON_MIN" / "result.json"))


def test_argilla_itself_loads_the_folder_and_its_exports_come_back(
    tmp_path: Path, corpus: LabelledCorpus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rg = pytest.importorskip("argilla")
    exports = pytest.importorskip("argilla.records._io")
    monkeypatch.setattr(rg.Argilla, "_get_default", MagicMock())  # settings ask for a server's client when made
    argilla.write(corpus, tmp_path / "argilla", "none", blind=False)
    settings = rg.Settings.from_json(tmp_path / "argilla" / ".argilla" / "settings.json")
    settings.validate()
    question = settings.questions["labels"]
    assert isinstance(question, rg.MultiLabelQuestion)
    assert (question.labels, question.visible_labels, question.required) == ([*LABELS, "none"], 3, True)
    assert {one.name for one in settings.metadata} == {"uncertain", "probability_offer", "probability_denial"}
    dataset = rg.Dataset._load_dataset_model(tmp_path / "argilla" / ".argilla" / "dataset.json")
    assert dataset.name == "argilla"
    records = exports.JsonIO._records_from_json(tmp_path / "argilla" / "records.json")
    assert [record.id for record in records] == list(corpus.sentences)
    assert [record.fields["text"] for record in records] == [one.text for one in corpus.sentences.values()]
    assert (records[2].suggestions["labels"].value, records[2].suggestions["labels"].score) == (list(LABELS), [0.9] * 2)
    assert records[0].suggestions["labels"].score == pytest.approx([0.9])

    anna, ben = UUID(int=1), UUID(int=2)
    answers = [("offer", "denial"), ("none",), ("offer",), ("denial",)]
    for record, names in zip(records, answers, strict=False):
        record.responses.add(rg.Response("labels", list(names), anna, status="submitted"))
    records[0].responses.add(rg.Response("labels", ["offer"], ben, status="submitted"))
    records[1].responses.add(rg.Response("labels", None, ben, status="discarded"))
    records[4].responses.add(rg.Response("labels", ["offer"], ben, status="discarded"))
    records[5].responses.add(rg.Response("labels", ["offer"], ben, status="draft"))
    flat = exports.GenericIO.to_list(records, flatten=True)
    (tmp_path / "flat.json").write_text(json.dumps(flat))
    exports.HFDataset.from_list(flat).to_parquet(tmp_path / "flat.parquet")
    for name in ("flat.json", "flat.parquet"):
        ballot = collect(argilla.read(tmp_path / name), corpus, "none")
        assert not ballot.bad
        assert list(ballot.readings) == ["=0", "=1", "=2", "=3"]
        assert ballot.readings["=0"] == {str(anna): ("offer", "denial"), str(ben): ("offer",)}
        assert ballot.readings["=1"] == {str(anna): ()}
        assert ballot.skipped == ["=4"]
    assert not caplog.messages

    exports.JsonIO.to_json(records, tmp_path / "nested.json")
    ballot = collect(argilla.read(tmp_path / "nested.json"), corpus, "none")
    assert not ballot.bad
    assert ballot.readings["=0"] == {str(anna): ("offer", "denial"), str(ben): ("offer",)}
    assert set(ballot.readings) == {f"={n}" for n in range(6)}
    assert len(caplog.messages) == 1
    assert "does not tell drafts" in caplog.text


@pytest.mark.parametrize(("tool", "name"), [(label_studio, "a.json"), (argilla, "a"), (spreadsheet, "a.csv")])
def test_a_blind_export_says_nothing_of_the_model(
    tmp_path: Path, corpus: LabelledCorpus, tool: Format, name: str
) -> None:
    files = tool.write(corpus, tmp_path / name, "none", blind=True)
    written = "".join(path.read_text(encoding="utf-8-sig") for path in files)
    for told in ("probability", "predict", "uncertain", "score", "0.9", "0.1", "stance"):
        assert told not in written
    assert all(sentence.id in written for sentence in corpus.sentences.values())


def test_label_studio_takes_blind_tasks_back(tmp_path: Path, corpus: LabelledCorpus) -> None:
    tasks, _ = label_studio.write(corpus, tmp_path / "tasks.json", "none", blind=True)
    back = [annotated_task(task, anna=["denial"]) for task in json.loads(tasks.read_text(encoding="utf-8"))]
    (tmp_path / "export.json").write_text(json.dumps(back))
    ballot = collect(label_studio.read(tmp_path / "export.json"), corpus, "none")
    assert not ballot.bad
    assert set(ballot.readings) == set(corpus.sentences)


def test_argilla_itself_loads_a_blind_folder(
    tmp_path: Path, corpus: LabelledCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    rg = pytest.importorskip("argilla")
    exports = pytest.importorskip("argilla.records._io")
    monkeypatch.setattr(rg.Argilla, "_get_default", MagicMock())
    argilla.write(corpus, tmp_path / "argilla", "none", blind=True)
    settings = rg.Settings.from_json(tmp_path / "argilla" / ".argilla" / "settings.json")
    settings.validate()
    assert not list(settings.metadata)
    records = exports.JsonIO._records_from_json(tmp_path / "argilla" / "records.json")
    assert [record.id for record in records] == list(corpus.sentences)
    for record in records:
        record.responses.add(rg.Response("labels", ["denial"], UUID(int=1), status="submitted"))
    (tmp_path / "flat.json").write_text(json.dumps(exports.GenericIO.to_list(records, flatten=True)))
    ballot = collect(argilla.read(tmp_path / "flat.json"), corpus, "none")
    assert not ballot.bad
    assert set(ballot.readings) == set(corpus.sentences)


def test_what_argilla_does_not_export_is_told(tmp_path: Path) -> None:
    rows = [
        {"id": "a"},
        {"id": "a", "text": "t", "labels.responses": [["offer"]], "labels.responses.users": []},
        {"id": "a", "fields": {"text": "t"}, "responses": {"labels": [{"value": "offer", "user_id": "u"}]}},
        {"id": "a", "fields": {"text": "t"}, "responses": ["offer"]},
    ]
    (tmp_path / "export.json").write_text(json.dumps(rows))
    found = list(argilla.read(tmp_path / "export.json"))
    told = ["expected a record with 'text'", "as many users", "a list of labels, found 'offer'", "by question"]
    for row, reason in zip(found, told, strict=True):
        assert isinstance(row, BadRow)
        assert reason in row.reason


def test_annotations_that_do_not_fit_are_set_aside_with_their_place(tmp_path: Path) -> None:
    corpus = read_corpus(write_jsonl(tmp_path / "a.jsonl", [corpus_row("We  offer\nit.", id="x")]))
    fit = Annotation("f:1", "x", "We offer it. ", "anna", ("offer",))
    given = [
        fit,
        Annotation("f:2", "x", "We offer it.", "anna", ("denial",)),
        Annotation("f:3", "x", "We deny it.", "ben", ("denial",)),
        Annotation("f:4", "y", "We offer it.", "ben", ("offer",)),
        Annotation("f:5", "x", "We offer it.", "ben", ("Offer",)),
        Annotation("f:6", "x", "We offer it.", "ben", ("none", "offer")),
        BadRow("f:7", "not valid JSON", "{"),
    ]
    ballot = collect(given, corpus, "none")
    assert ballot.readings == {"x": {"anna": ("offer",)}}
    assert [(row.where, row.reason) for row in ballot.bad] == [
        ("f:2", "'anna' has annotated id 'x' before, at f:1, which counts"),
        ("f:3", f"the text of id 'x' is another in {corpus.path}: 'We  offer\\nit.'"),
        ("f:4", f"no sentence of {corpus.path} has the id 'y'"),
        ("f:5", "unknown label 'Offer'; did you mean 'offer'?"),
        ("f:6", "'none' stands beside labels: none, offer"),
        ("f:7", "not valid JSON"),
    ]
    assert json.loads(ballot.bad[0].raw)["names"] == ["denial"]


def test_majority_gives_what_more_than_half_gave_and_tells_ties() -> None:
    vote = majority({"a": ("offer", "denial"), "b": ("offer",), "c": ("denial",), "d": ("offer",)}, LABELS)
    assert (vote.labels, vote.ties) == (("offer",), ("denial",))
    assert majority({"a": ()}, LABELS).labels == ()


def suggestible(tmp_path: Path) -> LabelledCorpus:
    rows = [
        corpus_row("The ministry offers talks in Geneva.", id="sure", probabilities={"offer": 0.99, "denial": 0.01}),
        corpus_row("Grain may leave the port on Monday.", id="open", probabilities={"offer": 0.55, "denial": 0.01}),
        corpus_row("Grain may leave the port on Monday!", id="like it", probabilities={"offer": 0.5, "denial": 0.01}),
        corpus_row("He would not say who fired first.", id="rare", probabilities={"offer": 0.01, "denial": 0.2}),
        corpus_row("It rained.", id="certain", probabilities={"offer": 0.0, "denial": 1.0}),
        corpus_row("Perhaps the border opens again.", id="other", probabilities={"offer": 0.4, "denial": 0.02}),
    ]
    return read_corpus(write_jsonl(tmp_path / "a.jsonl", rows))


def test_suggestions_are_uncertain_unlike_one_another_and_fair_to_labels(tmp_path: Path) -> None:
    corpus = suggestible(tmp_path)
    first = suggest(corpus, 3)
    assert [(one.id, one.label) for one in first] == [("like it", "offer"), ("rare", "denial"), ("other", "offer")]
    assert first[0].reason == "offer has probability 0.50; distance to the nearest 1.00"
    assert suggest(corpus, 3) == first
    assert suggest(corpus, 1, {"like it", "rare", "unheard of"})[0].id == "other"
    everything = [one.id for one in suggest(corpus, 100)]
    assert sorted(everything) == ["like it", "open", "other", "rare", "sure"], "nothing is learned from the certain one"
    assert everything.index("open") > everything.index("other")


def test_suspected_errors_are_found_worst_first() -> None:
    pytest.importorskip("cleanlab")
    rng = np.random.default_rng(0)
    truth = rng.random((300, 3)) < [0.3, 0.2, 0.0]
    probabilities = np.clip(np.where(truth, 0.85, 0.1) + rng.normal(0, 0.05, truth.shape), 0, 1)
    given = truth.copy()
    wrong = {(3, 0), (40, 0), (41, 1), (299, 1)}
    for sentence, label in wrong:
        given[sentence, label] ^= True
    names = ["offer", "denial", "never given"]
    found = suspects(given, probabilities, names)
    places = {(one.sentence, names.index(one.label)) for one in found}
    assert places <= wrong
    assert len(places) >= 3, "cleanlab flags about as many as it estimates to be wrong"
    assert all(one.given == given[one.sentence, names.index(one.label)] for one in found)
    assert [one.quality for one in found] == sorted(one.quality for one in found)
    assert suspects(given[:, 2:], probabilities[:, 2:], ["never given"]) == []


def test_without_cleanlab_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab.multilabel_classification.filter", None)
    with pytest.raises(ConfigError, match=r'pip install "cleanlab'):
        suspects(np.array([[True], [False]]), np.array([[0.9], [0.1]]), ["offer"])
