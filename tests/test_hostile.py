"""A corpus that means harm goes through every job: nothing breaks, nothing is lost, and no table runs a formula."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import HOSTILE, Run, write_jsonl

from stance.display import prediction_line, show
from stance.labelled_rows import read_labelled
from stance.predict import Prediction
from stance.tables.reading import read_rows
from stance.tables.rows import GoodRow

TEXTS = [*HOSTILE, "\u202e=1+1", "@SUM(1+9)*cmd|' /C calc'!A0", "They denied it. " * 6_250, "[/red] :bomb:"]
WRITTEN = [text.replace("\ud83d", "\ufffd") for text in TEXTS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, run_script: Run) -> Path:
    """The corpus, and what ``scripts/predict.py`` makes of it: a table, and a folder of shards."""
    folder = tmp_path_factory.mktemp("hostile")
    write_jsonl(folder / "in.jsonl", [{"=id": f"-{n}-", "text": text, "@by": text} for n, text in enumerate(TEXTS)])
    for output, shards in (("out.csv", []), ("shards", ["format=csv", "shard_rows=5"])):
        done = run_script("predict.py", "input=in.jsonl", f"output={output}", *shards, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def formulas(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.reader(file):
            yield from (cell for cell in row if cell.strip(" \u202e\u200f\x00").startswith(tuple("=+-@\t\r")))


def test_labelled_tables_run_nothing_and_keep_everything(folder: Path, run_script: Run) -> None:
    shards = sorted((folder / "shards" / "sentences").iterdir())
    assert len(shards) > 1
    for path in (folder / "out.csv", *shards):
        assert not list(formulas(path))
    for path in (folder / "out.csv", folder / "shards"):
        rows = [row.values for row in read_labelled(path) if isinstance(row, GoodRow)]
        assert [(row["text"], row["@by"]) for row in rows] == [(text, text) for text in WRITTEN]
        assert [row["=id"] for row in rows] == [f"-{n}-" for n in range(len(TEXTS))]
    assert run_script("verify.py", "folder=shards", cwd=folder).returncode == 0


def test_a_terminal_shows_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show("[/red] :bomb: [bold]x")
    show(prediction_line(Prediction("a\x1b[2J\x07 \r\n b", (), {}, (), False)))
    assert capsys.readouterr().out == "[/red] :bomb: [bold]x\na\ufffd[2J\ufffd b\n"


def test_samples_estimates_and_sheets_of_it_are_sound(folder: Path, run_script: Run) -> None:
    done = run_script("sample.py", "corpus=shards", "output=to_code.csv", f"n={len(TEXTS)}", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not list(formulas(folder / "to_code.csv"))
    drawn = [dict(row.values) for row in read_rows(folder / "to_code.csv") if isinstance(row, GoodRow)]
    assert sorted(row["text"] for row in drawn) == sorted(WRITTEN)
    with (folder / "to_code.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "coded.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(row | {"labels": ("none", "denial")[n % 2]} for n, row in enumerate(rows))
    done = run_script("estimate.py", "corpus=shards", "coded=coded.csv", "by=['@by']", "output=out.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "out.json").read_text())["coded"] == len(TEXTS)
    for tool, output in (("spreadsheet", "sheet.csv"), ("label_studio", "tasks.json"), ("argilla", "argilla")):
        done = run_script(
            "annotate.py", "action=export", "corpus=out.csv", f"tool={tool}", f"output={output}", cwd=folder
        )
        assert done.returncode == 0, done.stderr
    assert not list(formulas(folder / "sheet.csv"))
    assert [task["data"]["text"] for task in json.loads((folder / "tasks.json").read_text())] == WRITTEN
