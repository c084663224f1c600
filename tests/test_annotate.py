"""The annotation round trip as a whole: the jobs, and the script that opens on them."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import Run, write_jsonl

from stance.annotate import check_labels, export_sentences, import_annotations, suggest_sentences
from stance.annotation.sentences import read_corpus
from stance.config import AnnotateAction, AnnotateConfig, EstimateConfig, SampleConfig, Tool
from stance.data import read_examples
from stance.display import imported_lines, show
from stance.errors import ConfigError, DataError
from stance.estimate import Estimates, estimate
from stance.labels import LABELS
from stance.sample import sample
from stance.tables.reading import read_rows
from stance.tables.rows import GoodRow

JOBS: dict[str, Callable[[AnnotateConfig], object]] = {
    "export": export_sentences,
    "import": import_annotations,
    "suggest": suggest_sentences,
    "check": check_labels,
}


def settings(folder: Path, action: str, output: str, **others: Any) -> AnnotateConfig:
    corpus = str(folder / "labelled.jsonl")
    config = AnnotateConfig(action=AnnotateAction[action], corpus=corpus, output=str(folder / output))
    for name, value in others.items():
        setattr(config, name, str(value) if isinstance(value, Path) else value)
    return config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty labelled sentences of four scenarios, every label there."""
    rows = []
    for n in range(40):
        labels = [LABELS[n % 5]] if n % 5 < len(LABELS) else []
        probabilities = {label: 0.9 - n / 1000 if label in labels else 0.1 + n / 1000 for label in LABELS}
        text = f"={n} sentences of kind {n % 5} were read, no. {n}"
        row = {"id": f"s{n}", "text": text, "scenario": f"x{n % 4}", "labels": labels, "uncertain": []}
        rows.append(row | {"probabilities": probabilities, "truncated": False})
    write_jsonl(tmp_path / "labelled.jsonl", rows)
    return tmp_path


def fill_in(sheet: Path, filled: Path, labels: dict[int, str] | None = None) -> None:
    """Copies a sheet as a person fills it in: with what the model predicted unless told otherwise, by line."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for n, row in enumerate(rows):
        row["labels"] = labels[n] if labels and n in labels else row["predicted"]
    filled.parent.mkdir(exist_ok=True)
    with filled.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


@pytest.fixture
def sheets(folder: Path) -> Path:
    """What Anna and Ben sent back: they differ on one sentence, and Ben left one out and misspelt a label."""
    export_sentences(settings(folder, "export", "sheet.csv", tool=Tool.spreadsheet))
    fill_in(folder / "sheet.csv", folder / "back" / "anna.csv")
    fill_in(folder / "sheet.csv", folder / "back" / "ben.csv", {0: "denial", 1: "", 2: "denail"})
    return folder / "back"


def test_annotations_become_a_table_to_train_on(folder: Path, sheets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = settings(folder, "import", "annotated.jsonl", tool=Tool.spreadsheet, annotations=sheets)
    imported = import_annotations(config)
    assert imported.annotators == ("anna", "ben")
    assert (imported.annotated, imported.skipped, imported.untouched, imported.set_aside) == (40, 0, 0, 1)
    assert imported.ties == 1
    offer = imported.agreement[0]
    assert (offer.label, offer.n, offer.given) == ("offer", 38, (8, 7))
    assert offer.f1 == pytest.approx(2 * 7 / 15)
    examples = read_examples(folder / "annotated.jsonl", LABELS)
    assert len(examples) == 40
    assert examples[0].text == "=0 sentences of kind 0 were read, no. 0"
    assert {example.scenario for example in examples} == {"x0", "x1", "x2", "x3"}
    first, second = (row.values for row in list(read_rows(folder / "annotated.jsonl"))[:2])
    assert (first["labels"], first["ties"]) == ([], ["offer", "denial"])
    assert first["annotations"] == {"anna": ["offer"], "ben": ["denial"]}
    assert (second["labels"], second["annotations"]) == (["accusation"], {"anna": ["accusation"]})
    (told,) = read_rows(imported.rejected)
    assert isinstance(told, GoodRow)
    assert told.values["where"].endswith("ben.csv:4")
    assert told.values["reason"] == "unknown label 'denail'; did you mean 'denial'?"
    show(*imported_lines(imported))
    assert "1 annotation that did not fit" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_of_other_kinds_say_the_same(folder: Path, sheets: Path, ending: str) -> None:
    for output in ("annotated.jsonl", f"annotated.{ending}"):
        import_annotations(settings(folder, "import", output, tool=Tool.spreadsheet, annotations=sheets))
    lines, table = (read_examples(folder / f"annotated.{kind}", LABELS) for kind in ("jsonl", ending))
    assert lines == table
    if ending == "parquet":
        (cell, *_) = pq.read_table(folder / "annotated.parquet")["annotations"].to_pylist()
        assert json.loads(cell) == {"anna": ["offer"], "ben": ["denial"]}


def test_what_was_set_aside_before_is_not_told_again(folder: Path, sheets: Path) -> None:
    config = settings(folder, "import", "annotated.jsonl", tool=Tool.spreadsheet, annotations=sheets)
    assert import_annotations(config).rejected.exists()
    config.annotations = str(sheets / "anna.csv")
    again = import_annotations(config)
    assert not again.rejected.exists()
    assert again.agreement == ()
    assert again.annotators == ("anna",)


def test_label_studio_and_a_spreadsheet_come_to_the_same(folder: Path, sheets: Path) -> None:
    export_sentences(settings(folder, "export", "tasks.json"))
    tasks = json.loads((folder / "tasks.json").read_text())
    for task in tasks:
        result = task.pop("predictions")[0]["result"]
        task["annotations"] = [{"completed_by": "anna", "was_cancelled": False, "result": result}]
    (folder / "export.json").write_text(json.dumps(tasks))
    import_annotations(settings(folder, "import", "one.jsonl", annotations=folder / "export.json"))
    other = settings(folder, "import", "other.jsonl", annotations=sheets / "anna.csv", tool=Tool.spreadsheet)
    import_annotations(other)
    assert (folder / "one.jsonl").read_text() == (folder / "other.jsonl").read_text()


def test_a_blind_export_has_an_order_that_the_model_has_not_made_and_comes_back(folder: Path) -> None:
    def export(output: str) -> str:
        export_sentences(settings(folder, "export", output, tool=Tool.spreadsheet, blind=True))
        return (folder / output).read_text(encoding="utf-8-sig")

    sheet = export("sheet.csv")
    (folder / "labelled.jsonl").write_text("\n".join(reversed((folder / "labelled.jsonl").read_text().splitlines())))
    assert export("again.csv") == sheet, "the order of the corpus does not show"
    assert sheet.splitlines()[0] == "annotator,labels,text,id"
    (folder / "ben.csv").write_text(sheet.replace("\n,,", "\nben,denial,"))
    config = settings(folder, "import", "annotated.jsonl", tool=Tool.spreadsheet, annotations=folder / "ben.csv")
    assert import_annotations(config).annotated == 40


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [dict(row.values) for row in read_rows(path) if isinstance(row, GoodRow)]


def draw(folder: Path, name: str) -> Path:
    """Half of the corpus, from two strata."""
    corpus, drawn = str(folder / "labelled.jsonl"), folder / name
    sample(SampleConfig(corpus=corpus, output=str(drawn), n=20, label="offer", strata=2, floor=8))
    return drawn


EXPORTS = {Tool.label_studio: "tasks.json", Tool.argilla: "records", Tool.spreadsheet: "sheet.csv"}


def annotated(tool: Tool, exported: Path, answers: dict[str, Sequence[str]]) -> Path:
    """What comes back from a tool when each annotator gave these answers, in order, and left out what is empty."""
    if tool is Tool.spreadsheet:
        for annotator, cells in answers.items():
            fill_in(exported, exported.with_name("back") / f"{annotator}.csv", dict(enumerate(cells)))
        return exported.with_name("back")
    back: list[dict[str, Any]] = json.loads(
        (exported / "records.json" if tool is Tool.argilla else exported).read_text()
    )
    for n, one in enumerate(back):
        given = {annotator: cells[n].split(",") for annotator, cells in answers.items() if cells[n]}
        if tool is Tool.argilla:
            columns = {"": list(given.values()), ".users": list(given), ".status": ["submitted"] * len(given)}
            one |= {"text": one.pop("fields")["text"]}
            one |= {f"labels.responses{part}": column for part, column in columns.items()}
        else:
            region = {"from_name": "labels", "to_name": "text", "type": "choices"}
            one["annotations"] = [
                {"completed_by": {"email": annotator}, "result": [region | {"value": {"choices": names}}]}
                for annotator, names in given.items()
            ]
    exported.with_name("back.json").write_text(json.dumps(back))
    return exported.with_name("back.json")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("tool", Tool)
def test_a_sample_goes_out_blind_and_comes_back_for_the_estimate(folder: Path, tool: Tool, ending: str) -> None:
    drawn = draw(folder, f"to_code.{ending}")
    rows = rows_of(drawn)
    exported = folder / EXPORTS[tool]
    going = settings(folder, "export", exported.name, corpus=drawn, tool=tool)
    written = export_sentences(going).files
    assert export_sentences(going).files == written, "the same again, where nobody has answered yet"
    told = "".join(path.read_text(encoding="utf-8-sig") for path in written)
    assert not [word for word in ("stratum", ">=", "probability", "predict", "scenario", "score") if word in told]
    places = [told.index(str(row["text"])) for row in rows]
    assert places == sorted(places), "in the order drawn"

    # They differ on a label of the first; of the last three Ben alone codes one.
    gold = [LABELS[kind] if kind < len(LABELS) else "none" for kind in (int(row["id"][1:]) % 5 for row in rows)]
    anna, ben = ["offer,denial", *gold[1:-3], "", "", ""], ["offer", *gold[1:-3], "condition", "", ""]
    back = annotated(tool, exported, {"anna": anna, "ben": ben})
    config = settings(folder, "import", f"coded.{ending}", corpus=drawn, tool=tool, annotations=back)
    imported = import_annotations(config)
    assert (imported.annotators, imported.annotated, imported.untouched) == (("anna", "ben"), 18, 2)
    assert (imported.ties, imported.set_aside, len(imported.agreement)) == (1, 0, len(LABELS))

    coded = rows_of(folder / f"coded.{ending}")
    ours = ("labels", "ties", "annotations")
    assert [{name: cell for name, cell in row.items() if name not in ours} for row in coded] == [
        {name: cell for name, cell in row.items() if name not in ours} for row in rows
    ]
    assert [row[name] or None for row in coded[-2:] for name in ours] == [None] * 6, "not coded is not without labels"
    cells = coded[0]["annotations"]
    assert (json.loads(cells) if isinstance(cells, str) else cells) == {"anna": ["offer", "denial"], "ben": ["offer"]}

    hand = ["offer", *gold[1:-3], "condition", "", ""]
    write_jsonl(folder / "hand.jsonl", [row | {"labels": cell} for row, cell in zip(rows, hand, strict=True)])

    def found(coded: str) -> Estimates:
        files = {"corpus": str(folder / "labelled.jsonl"), "coded": str(folder / coded)}
        return replace(estimate(EstimateConfig(**files, document_column="scenario")), sample=None)

    assert found(f"coded.{ending}") == found("hand.jsonl")
    assert found("hand.jsonl").uncoded == tuple(row["id"] for row in rows[-2:])


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_sentences_that_nobody_has_annotated_yet_are_no_examples(folder: Path, ending: str) -> None:
    drawn = draw(folder, f"to_code.{ending}")
    exported = folder / EXPORTS[Tool.spreadsheet]
    export_sentences(settings(folder, "export", exported.name, corpus=drawn, tool=Tool.spreadsheet))
    back = annotated(Tool.spreadsheet, exported, {"anna": ["none"] + [""] * 19})
    done = settings(folder, "import", f"coded.{ending}", corpus=drawn, tool=Tool.spreadsheet, annotations=back)
    assert import_annotations(done).untouched == 19
    suggestions = suggest_sentences(settings(folder, "suggest", "next.jsonl", n=1000, annotated=done.output))
    everything = suggest_sentences(settings(folder, "suggest", "all.jsonl", n=1000))
    assert len(suggestions) == len(everything) - 1


def test_a_sample_is_nothing_to_suggest_from(folder: Path) -> None:
    with pytest.raises(DataError, match=r"is no labelled file: expected 'labels' and 'probabilities'"):
        suggest_sentences(settings(folder, "suggest", "next.jsonl", corpus=draw(folder, "to_code.jsonl")))


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([None] * 20, r"to_code\.csv:2: expected names of labels in 'label_set', found ''"),
        (
            ["offer,denial", "offer, denial", "offer"] + ["offer,denial"] * 17,
            "csv:4: expected offer, denial in 'label_set'",
        ),
        ([], "or a sample with 'label_set', as scripts/sample.py draws it, found id, text"),
    ],
)
def test_a_sample_that_does_not_name_its_labels_is_refused(folder: Path, cells: list[str | None], told: str) -> None:
    rows = rows_of(draw(folder, "to_code.csv"))
    with (folder / "to_code.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, [name for name in rows[0] if cells or name != "label_set"], extrasaction="ignore")
        table.writeheader()
        table.writerows(row | {"label_set": cell} for row, cell in zip(rows, cells or [None] * 20, strict=True))
    with pytest.raises(DataError, match=told):
        export_sentences(settings(folder, "export", "tasks.json", corpus=folder / "to_code.csv"))
    assert not (folder / "tasks.json").exists()


@pytest.mark.parametrize("action", ["export", "suggest", "check"])
def test_nothing_that_is_read_is_replaced(action: str, folder: Path) -> None:
    before = (folder / "labelled.jsonl").read_bytes()
    with pytest.raises(ConfigError, match="corpus and output are both"):
        JOBS[action](settings(folder, action, "labelled.jsonl", tool=Tool.spreadsheet))
    assert (folder / "labelled.jsonl").read_bytes() == before


def test_a_sheet_that_somebody_has_filled_in_is_not_replaced(folder: Path) -> None:
    config = settings(folder, "export", "sheet.csv", tool=Tool.spreadsheet)
    export_sentences(config)
    export_sentences(config)
    fill_in(folder / "sheet.csv", folder / "sheet.csv")
    with pytest.raises(ConfigError, match=r"somebody has filled in '(annotator|labels)'"):
        export_sentences(config)


def test_suggestions_are_a_corpus_and_leave_out_what_is_annotated(folder: Path) -> None:
    write_jsonl(folder / "annotated.jsonl", [{"id": f"s{n}", "text": "x", "labels": []} for n in range(20, 40)])
    config = settings(folder, "suggest", "next.csv", annotated=folder / "annotated.jsonl", n=6)
    assert len(suggest_sentences(config)) == 6
    chosen, whole = read_corpus(folder / "next.csv"), read_corpus(folder / "labelled.jsonl")
    assert len(chosen.sentences) == 6
    for identifier, sentence in chosen.sentences.items():
        assert int(identifier.removeprefix("s")) < 20
        assert sentence.probabilities == whole.sentences[identifier].probabilities
        assert "has probability" in sentence.columns["reason"]
        assert sentence.columns["scenario"] == whole.sentences[identifier].columns["scenario"]


def test_a_label_that_probabilities_contradict_is_suspected(folder: Path) -> None:
    pytest.importorskip("cleanlab")
    rows = [row.values for row in read_rows(folder / "labelled.jsonl") if isinstance(row, GoodRow)]
    annotated = [{"id": row["id"], "text": row["text"], "labels": row["labels"]} for row in rows]
    annotated[5]["labels"] = ["denial"]
    write_jsonl(folder / "annotated.jsonl", annotated)
    config = settings(folder, "check", "suspects.csv", annotated=folder / "annotated.jsonl")
    check_labels(config)
    told = [row.values for row in read_rows(folder / "suspects.csv") if isinstance(row, GoodRow)]
    assert {(row["id"], row["label"], row["given"]) for row in told} == {
        ("s5", "offer", "false"),
        ("s5", "denial", "true"),
    }
    assert all(row["text"].startswith("=5 ") for row in told)
    assert ",\"'=5 " in (folder / "suspects.csv").read_text(), "a table for people runs no formula"


@pytest.mark.parametrize(
    ("action", "others", "told"),
    [
        ("import", {}, "give annotations="),
        ("import", {"annotations": "none.json"}, "none.json"),
        ("import", {"annotations": "empty"}, "holds no files"),
        ("import", {"annotations": "tasks.json"}, "holds no annotation of "),
        ("suggest", {"n": 0}, "at least 1"),
        ("check", {}, "give annotated="),
        ("check", {"annotated": "foreign.jsonl"}, "lacks sentences of .*\n  unheard of"),
        ("export", {"none_label": "offer"}, "give none_label="),
    ],
)
def test_a_mistake_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, action: str, others: dict[str, Any], told: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty").mkdir()
    export_sentences(settings(folder, "export", "tasks.json"))
    write_jsonl(folder / "foreign.jsonl", [{"id": "unheard of", "text": "x", "labels": []}])
    with pytest.raises((ConfigError, DataError), match=told):
        JOBS[action](settings(folder, action, "out.jsonl", **others))
    assert not (folder / "out.jsonl").exists()


def test_the_script_goes_all_the_way_round(run_script: Run, folder: Path) -> None:
    def annotate(action: str, output: str, *others: str) -> tuple[int, str]:
        done = run_script(
            "annotate.py", f"action={action}", "corpus=labelled.jsonl", f"output={output}", *others, cwd=folder
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    status, told = annotate("suggest", "next.jsonl", "n=10")
    assert (status, told.splitlines()[0][:31]) == (0, "10 sentences to annotate next: "), told
    assert annotate("export", "sheet.csv", "tool=spreadsheet")[0] == 0
    fill_in(folder / "sheet.csv", folder / "anna.csv", {7: "gift"})
    status, told = annotate("import", "annotated.jsonl", "tool=spreadsheet", "annotations=anna.csv")
    assert status == 2, told
    assert "Set aside: 1 annotation that did not fit, in annotated.jsonl.rejected.jsonl" in told
    pytest.importorskip("cleanlab")
    status, told = annotate("check", "suspects.csv", "annotated=annotated.jsonl")
    assert status == 0, told
    assert "0 labels may be wrong" in told
