"""The check of the data: it passes what is shipped, and finds each kind of fault in a small copy."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Run, write_jsonl

from stance.check import check
from stance.config import CheckConfig
from stance.references import TEXTS
from stance.text import sentence_id

Line = dict[str, Any]


def read_jsonl(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.open(encoding="utf-8")]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first lines of each shipped file, so that a check is quick, with a card that fits them: without a fault."""
    folder = tmp_path_factory.mktemp("few") / "data"
    for source in (ROOT / "data").rglob("*"):
        target = folder / source.relative_to(ROOT / "data")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".jsonl":
            lines = source.read_text(encoding="utf-8").splitlines(keepends=True)[:120]
            cut = json.loads(lines[-1]).get("group") if source.name == "contrast.jsonl" else None
            target.write_text("".join(line for line in lines if cut is None or cut not in line), encoding="utf-8")
        elif source.name == "README.md":
            shutil.copy(source, target)
    check(CheckConfig(folder=str(folder), update=True))
    assert found_in(folder) == []
    return folder


@pytest.fixture
def data(few: Path, tmp_path: Path) -> Path:
    """A copy of them, to be spoiled."""
    return shutil.copytree(few, tmp_path / "data")


def found_in(folder: Path) -> list[str]:
    """The problems of a folder, less the promises that so small a copy cannot keep, and its card's tables."""
    problems = check(CheckConfig(folder=str(folder))).problems
    return [problem for problem in problems if " promised" not in problem and "tables do not match" not in problem]


def test_the_shipped_data_are_what_their_card_says(run_script: Run) -> None:
    done = run_script("check.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No problem." in done.stdout


def test_where_something_is_wrong_the_exit_status_says_so(data: Path, run_script: Run) -> None:
    done = run_script("check.py", f"folder={data}")
    assert done.returncode == 3, done.stderr
    assert "written sentences" in done.stdout


def test_what_is_promised_is_counted(data: Path) -> None:
    report = check(CheckConfig(folder=str(data)))
    unmet = [requirement for requirement in report.requirements if not requirement.met]
    assert ("written sentences", 5000, 480) in [(r.what, r.wanted, r.found) for r in unmet]
    assert any(problem.startswith("written sentences: 480.00 found, at least 5,000.00") for problem in report.problems)


def in_written(change: Callable[[list[Line]], None]) -> Callable[[Path], None]:
    return lambda folder: _change(folder / "written" / "train.jsonl", change)


def in_real(change: Callable[[list[Line]], None]) -> Callable[[Path], None]:
    return lambda folder: _change(folder / "real" / "test.jsonl", change)


def in_speeches(change: Callable[[list[Line]], None]) -> Callable[[Path], None]:
    return lambda folder: _change(folder / "speeches.jsonl", change)


def _change(path: Path, change: Callable[[list[Line]], None]) -> None:
    lines = read_jsonl(path)
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def retext(line: Line, text: str) -> None:
    line.update(text=text, id=sentence_id(text))


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "changed text": (in_written(lambda lines: lines[0].update(text="Changed afterwards.")), "the id is not the hash"),
    "near-duplicate": (
        in_written(lambda lines: retext(lines[0], "Well, " + lines[1]["text"])),
        "are near-duplicates (similarity 0.9",
    ),
    "repeated opening": (
        in_written(
            lambda lines: retext(lines[0], " ".join([*lines[1]["text"].split()[:5], "saw nothing else of note there."]))
        ),
        "2 written sentences open with",
    ),
    "group of one": (
        in_written(lambda lines: lines[0].update(group="pair", phenomenon="actor swapped")),
        "group 'pair': expected two or more sentences of one phenomenon, found 1 of actor swapped",
    ),
    "group of two phenomena": (
        in_written(lambda lines: [line.update(group="pair", phenomenon=line["id"]) for line in lines[:2]]),
        "group 'pair': expected two or more sentences of one phenomenon, found 2 of",
    ),
    "scenario in two splits": (
        lambda folder: _change(
            folder / "written" / "train.jsonl",
            lambda lines: lines[0].update(scenario=read_jsonl(folder / "written" / "test.jsonl")[0]["scenario"]),
        ),
        "stands in test and train",
    ),
    "scenario of a short sentence learned from": (
        lambda folder: _change(
            folder / "written" / "train.jsonl",
            lambda lines: lines[0].update(scenario=read_jsonl(folder / "written" / "short.jsonl")[0]["scenario"]),
        ),
        "stands in short and train",
    ),
    "contrast set learned from": (
        lambda folder: _change(
            folder / "written" / "train.jsonl",
            lambda lines: retext(lines[0], read_jsonl(folder / "contrast.jsonl")[0]["text"]),
        ),
        "the same sentence stands in 2 places",
    ),
    "test sentence in a speech": (
        lambda folder: in_speeches(
            lambda lines: retext(lines[0], read_jsonl(folder / "written" / "test.jsonl")[0]["text"] + " Thank you.")
        )(folder),
        "are near-duplicates",
    ),
    "test sentence in the news": (
        lambda folder: _change(
            folder / "news" / "train.jsonl",
            lambda lines: retext(lines[0], read_jsonl(folder / "contrast.jsonl")[0]["text"] + " Thank you."),
        ),
        "are near-duplicates",
    ),
    "the same news twice": (
        lambda folder: _change(
            folder / "news" / "train.jsonl",
            lambda lines: retext(lines[0], "On Monday, " + max(one["text"] for one in lines)),
        ),
        "are near-duplicates",
    ),
    "piece in two splits": (
        lambda folder: _change(
            folder / "news" / "held_out.jsonl",
            lambda lines: lines[0].update(scenario=read_jsonl(folder / "news" / "train.jsonl")[0]["scenario"]),
        ),
        "stands in held_out and train",
    ),
    "document in two splits": (
        lambda folder: _change(
            folder / "real" / "test.jsonl",
            lambda lines: lines[0].update(group=read_jsonl(folder / "real" / "train.jsonl")[0]["group"]),
        ),
        "stands in test and train",
    ),
    "one reader": (
        in_real(lambda lines: lines[0].update(readers=lines[0]["readers"][-1:])),
        "a test sentence that only one reader has read",
    ),
    "labels of nobody": (
        in_real(lambda lines: lines[0].update(labels=[], readers=[["offer"], ["offer"]])),
        "the labels are not those that its readers settled on",
    ),
    "labels of nobody in a speech": (
        in_speeches(lambda lines: lines[0].update(labels=[], annotations={"1": ["offer"], "2": ["offer"]})),
        "the labels are not those that its readers settled on",
    ),
    "unsettled": (
        in_real(lambda lines: lines[0].update(labels=[], readers=[["offer"], []])),
        "the labels are not those that its readers settled on",
    ),
}


@pytest.mark.parametrize(("spoil", "told"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_found(data: Path, spoil: Callable[[Path], None], told: str) -> None:
    spoil(data)
    assert any(told in problem for problem in found_in(data)), found_in(data)


def test_members_of_a_group_may_be_alike(data: Path) -> None:
    def pair(lines: list[Line]) -> None:
        retext(lines[0], lines[1]["text"] + " Really.")
        for line in lines[:2]:
            line.update(group="pair", phenomenon="actor swapped")

    in_written(pair)(data)
    assert found_in(data) == []


def test_fetched_texts_are_compared_too(data: Path) -> None:
    written = read_jsonl(data / "written" / "train.jsonl")[0]
    near = written["text"] + "!"
    first, *others = read_jsonl(data / "real" / "test.jsonl")
    write_jsonl(data / "real" / "test.jsonl", [first | {"id": sentence_id(near)}, *others])
    assert found_in(data) == []
    with gzip.open(data / "real" / TEXTS, "wt", encoding="utf-8") as file:
        file.write(json.dumps({"id": sentence_id(near), "text": near}) + "\n")
    assert [
        f"{written['id']} and {sentence_id(near)} are near-duplicates" in problem for problem in found_in(data)
    ] == [True]


def test_the_card_s_tables_are_compared_and_written_anew(data: Path) -> None:
    card = data / "README.md"
    before = card.read_text(encoding="utf-8")
    card.write_text(before.replace("| train | ", "| train | 9", 1), encoding="utf-8")
    assert any("update=true writes them anew" in problem for problem in check(CheckConfig(folder=str(data))).problems)
    updated = check(CheckConfig(folder=str(data), update=True)).problems
    assert not any("tables" in problem for problem in updated)
    assert card.read_text(encoding="utf-8") == before
