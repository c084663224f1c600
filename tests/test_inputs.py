import gzip
import hashlib
import json
import os
import random
import sys
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stance.errors import ConfigError, DataError
from stance.inputs import File, HubDataset, columns_of, find_inputs
from stance.pieces import Cutter
from stance.shards import Reader, make_plan
from stance.tables.reading import read_rows
from stance.tables.rows import BadRow, GoodRow
from stance.tables.writing import writing

LINES = [json.dumps({"n": n, "text": f"é {n}\u2028 two"}, ensure_ascii=False) for n in range(30)]


def jsonl() -> bytes:
    return ("\ufeff" + "\n".join([*LINES[:5], "", "{broken", *LINES[5:]]) + "\n").encode()


def write(path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"n": range(30), "text": [f"é {n}" for n in range(30)]}), path, row_group_size=7)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(jsonl()))
    elif path.suffix == ".zst":
        with pa.output_stream(str(path), compression="zstd") as file:
            file.write(jsonl())
    elif path.suffix == ".csv":
        path.write_text("n,text\r\n" + "".join(f'{n},"é ""{n}""\n\n"\r\n' for n in range(30)), encoding="utf-8-sig")
    else:
        path.write_bytes(jsonl())
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.csv", "a.parquet"])
def test_reading_can_begin_at_any_row(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    rows = list(read_rows(path))
    assert sum(isinstance(row, GoodRow) for row in rows) == 30
    for position, row in enumerate(rows):
        assert list(read_rows(path, row.place)) == rows[position:]
    assert [row.where for row in rows] == [f"{path}:{row.place.number}" for row in rows]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_compressed_file_that_was_cut_off_gives_its_rows_and_then_a_bad_one(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name)
    path.write_bytes(path.read_bytes()[:-12])
    *_, last = read_rows(path)
    assert isinstance(last, BadRow)
    assert "cannot be read from here on" in last.reason


def test_what_a_damaged_file_gives_does_not_hang_on_where_reading_begins(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl.gz"
    lines = "".join(json.dumps({"text": f"{n} {hashlib.sha256(bytes(n)).hexdigest()}"}) + "\n" for n in range(3000))
    path.write_bytes(gzip.compress(lines.encode())[:-40_000])
    rows = list(read_rows(path))
    assert isinstance(rows[-1], BadRow)
    assert len(rows) > 1000
    for position in (1, 2, 700, len(rows) - 2):
        assert list(read_rows(path, rows[position].place)) == rows[position:]


def test_what_a_file_damaged_in_the_middle_gives_does_not_hang_on_where_reading_begins(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl.gz"
    lines = "".join(json.dumps({"text": f"{n} {hashlib.sha256(bytes(n)).hexdigest()}"}) + "\n" for n in range(3000))
    whole = gzip.compress(lines.encode(), mtime=0)
    for place in (54_500, 71_000, 72_500, 75_500):
        path.write_bytes(whole[:place] + random.Random(place).randbytes(200) + whole[place + 200 :])  # noqa: S311
        rows = list(read_rows(path))
        assert isinstance(rows[-1], BadRow)
        assert len(rows) > 1000
        for position in range(0, len(rows), 60):
            assert list(read_rows(path, rows[position].place)) == rows[position:]


def test_parquet_with_text_that_is_not_utf8_loses_that_row_only(tmp_path: Path) -> None:
    column = pa.array([b"good", b"b\xffd", b"fine"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    first, bad, third = read_rows(tmp_path / "a.parquet")
    assert (first, third) == (
        GoodRow(f"{tmp_path}/a.parquet:1", {"text": "good"}),
        GoodRow(f"{tmp_path}/a.parquet:3", {"text": "fine"}),
    )
    assert isinstance(bad, BadRow)
    assert (bad.reason, bad.raw) == ("not valid UTF-8 at byte 1", r"b\xffd")


def test_parquet_with_values_that_python_cannot_hold_loses_those_rows_only(tmp_path: Path) -> None:
    text = pa.array([b"first", b"second", b"b\xffd", b"last"], pa.binary()).view(pa.string())
    far = pa.array([0, 10**15, 10**15, None], pa.timestamp("s"))
    nowhere = pa.array([None, None, None, 1], pa.timestamp("s", "Nowhere/Land"))
    pq.write_table(pa.table({"far": far, "text": text, "nowhere": nowhere}), tmp_path / "a.parquet")
    good, *bad = read_rows(tmp_path / "a.parquet")
    assert isinstance(good, GoodRow)
    assert good.values["text"] == "first"
    assert [row.reason.split(":")[1] for row in bad if isinstance(row, BadRow)] == [
        " OverflowError",
        " OverflowError",
        " UnknownTimeZoneError",
    ]
    assert [row.place.number for row in bad] == [2, 3, 4]
    assert all("value out of range" in row.raw for row in bad[:2] if isinstance(row, BadRow))
    assert list(read_rows(tmp_path / "a.parquet", bad[1].place)) == bad[1:]


def test_names_stand_for_files_folders_and_patterns_in_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.jsonl", "a.txt", "deep/c.csv", "notes.docx"):
        (tmp_path / name).write_text("x")
    names = [Path(source.name).name for source in find_inputs(str(tmp_path))]
    assert names == ["a.txt", "b.jsonl", "c.csv"]
    assert "1 files" in caplog.text
    assert [source.name for source in find_inputs(f"{tmp_path}/**/*.csv")] == [f"{tmp_path}/deep/c.csv"]
    assert [Path(s.name).name for s in find_inputs([f"{tmp_path}/b.jsonl", f"{tmp_path}/deep"])] == ["b.jsonl", "c.csv"]
    (tmp_path / "deep" / ".kept").mkdir()
    for name in (".DS_Store", "._a.txt", "deep/.b.jsonl.0123456789ab.tmp", "deep/.c.csv", "deep/.kept/d.csv"):
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07")
    caplog.clear()
    assert [Path(source.name).name for source in find_inputs(str(tmp_path))] == names
    assert "1 files" in caplog.text, "hidden files are none of the user's"
    with pytest.raises(DataError, match="named twice"):
        find_inputs([f"{tmp_path}/b.jsonl", str(tmp_path)])
    for nothing in ([], "", ["a.txt", ""]):
        with pytest.raises(ConfigError, match="nothing to label"):
            find_inputs(nothing)
    everything = [Path(source.name).name for source in find_inputs(f"{tmp_path}/**")]
    assert sorted(everything) == sorted(names), "files that folders hold are not met twice, and others left alone"


def test_links_are_followed_once_and_what_leads_nowhere_is_told(tmp_path: Path) -> None:
    corpus, elsewhere = tmp_path / "corpus", tmp_path / "elsewhere"
    for folder in (corpus, elsewhere):
        folder.mkdir()
        (folder / f"{folder.name}.txt").write_text("x")
    (corpus / "more").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(corpus)
    assert sorted(Path(source.name).name for source in find_inputs(str(corpus))) == ["corpus.txt", "elsewhere.txt"]
    for again in (corpus / ".." / "corpus" / "corpus.txt", corpus / "more" / "back" / "corpus.txt"):
        with pytest.raises(DataError, match="named twice"):
            find_inputs([f"{corpus}/corpus.txt", str(again)])
    (corpus / "again").symlink_to(corpus / "more")
    assert [Path(source.name).relative_to(corpus) for source in find_inputs(str(corpus))] == [
        Path("again/elsewhere.txt"),
        Path("corpus.txt"),
    ], "of two links to one folder the first by name is followed, wherever the disk has it"
    (corpus / "gone.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    for name in (str(corpus), f"{corpus}/*.jsonl"):
        with pytest.raises(DataError, match="what is not there"):
            find_inputs(name)


def test_a_name_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.txt")).write_text("x")
    with pytest.raises(DataError, match=r"not UTF-8, and cannot be written down.*\n.*caf\\udce9"):
        find_inputs(str(tmp_path))


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(path: str, **_: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=r"Cannot look into .*: Permission denied"):
        find_inputs(str(tmp_path))


def test_columns_of_one_name_are_told(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="found twice: text"):
        columns_of(*find_inputs(str(tmp_path / "a.parquet")))


def test_a_damaged_page_is_told_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"sentence {n}" for n in range(2000)]}), path, use_dictionary=False)
    raw = bytearray(path.read_bytes())
    raw[60:400] = b"\xff" * 340
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"Cannot read .*a\.parquet as parquet"):
        list(read_rows(path))


def test_rows_that_are_nested_too_deep_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        f'{{"text": "a", "deep": {"[" * 700}1e999{"]" * 700}}}\n{{"text": "b", "deep": [[{{"c": [1]}}]]}}\n'
    )
    deep, fine = read_rows(path)
    assert isinstance(deep, BadRow)
    assert deep.reason == "nested more than 100 deep"
    assert isinstance(fine, GoodRow)


def test_blank_lines_before_the_names_of_columns_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n\ntext,n\nfirst,1\nsecond,2\n")
    first, second = read_rows(path)
    assert (first.where, second) == (f"{path}:4", GoodRow(f"{path}:5", {"text": "second", "n": "2"}, second.place))
    assert list(read_rows(path, second.place)) == [second]


def test_a_dataset_on_disk_is_read_by_row(tmp_path: Path) -> None:
    rows = {"text": ["one", "two", "three"], "year": [1, 2, 3]}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "saved")
    (source,) = find_inputs(str(tmp_path / "saved"))
    assert isinstance(source, HubDataset)
    assert columns_of(source).names == ["text", "year"]
    first, second, third = source.rows()
    assert first == GoodRow(f"{source.name}:1", {"text": "one", "year": 1})
    assert list(source.rows(second.place)) == [second, third]
    plan = make_plan([source], Cutter("text", split=False, located=True), 2)
    assert [shard.rows for shard in plan.shards] == [2, 1]
    assert [row.values["text"] for _, row in Reader(plan.inputs, plan.shards).read(plan.shards[1])] == ["three"]
    with pytest.raises(DataError, match="named twice"):
        find_inputs([str(tmp_path / "saved"), f"{tmp_path}/saved/"])


def test_what_a_dataset_stores_is_what_is_written(tmp_path: Path) -> None:
    text = pa.array([b"one", b"b\xffd", b"three"], pa.binary()).view(pa.string())
    features = datasets.Features(
        {"text": datasets.Value("string"), "kind": datasets.ClassLabel(names=["a", "b"]), "shot": datasets.Image()}
    )
    shots = pa.array([{"bytes": b"\x89PNG", "path": None}] * 3, features["shot"].pa_type)
    table = pa.table({"text": text, "kind": [1, 0, 1], "shot": shots}, schema=features.arrow_schema)
    source = HubDataset("mine", datasets.Dataset(table))
    first, bad, third = source.rows()
    assert isinstance(bad, BadRow)
    assert (bad.where, bad.reason) == ("mine:2", "not valid UTF-8 at byte 1")
    assert list(source.rows(third.place)) == [third]
    out = tmp_path / "out.parquet"
    with writing(out, source.declared_columns()) as write:
        write([row.values for row in (first, third) if isinstance(row, GoodRow)])
    assert pq.read_table(out).drop_columns("shot").to_pylist() == [
        {"text": "one", "kind": 1}, {"text": "three", "kind": 1},
    ]  # fmt: skip


def test_a_dataset_on_disk_may_have_splits(tmp_path: Path) -> None:
    splits = {
        name: datasets.Dataset.from_dict({"text": [f"{name} {n}" for n in range(2)]}) for name in ("train", "test")
    }
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    (source,) = find_inputs(str(tmp_path / "saved"))
    assert [row.values["text"] for row in source.rows()] == ["test 0", "test 1", "train 0", "train 1"]
    (again,) = find_inputs(str(tmp_path / "saved"))
    assert again.fingerprint() == source.fingerprint()
    splits["test"] = datasets.Dataset.from_dict({"text": [[1]]})
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "unlike")
    with pytest.raises(DataError, match="Cannot load the dataset"):
        find_inputs(str(tmp_path / "unlike"))


def test_the_name_of_a_dataset_of_the_hub_may_have_a_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = datasets.Dataset.from_dict({"text": ["one"]})
    monkeypatch.setattr(datasets, "load_dataset", {"owner/Name-2.5": dataset}.__getitem__)
    assert find_inputs("owner/Name-2.5") == [HubDataset("owner/Name-2.5", dataset)]
    for name in ("owner/name.jsonl.gz", "owner/*.csv", "a/b/name-2.5"):
        with pytest.raises(DataError, match="There is no file"):
            find_inputs(name)


def test_a_plan_reads_each_file_once_for_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("a.jsonl", "b.jsonl.gz", "c.csv", "d.parquet")
    for name in names:
        write(tmp_path / name)
    read: list[str] = []
    rows = File.rows
    monkeypatch.setattr(File, "rows", lambda source: read.append(source.path.name) or rows(source))
    plan = make_plan(find_inputs(str(tmp_path)), Cutter("text", split=False, located=True), 7)
    assert read == [*names]
    assert plan.rows == 30 * 4 + 2
    assert [(field.name, str(field.type)) for field in plan.columns] == [
        ("document", "string"),
        ("n", "string"),  # a number in some, text in .csv
        ("text", "string"),
        ("start", "int64"),
        ("end", "int64"),
    ]


def test_shards_hold_the_same_rows_in_whatever_order_they_are_read(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl.gz", "c.csv", "d.parquet"):
        write(tmp_path / name)
    plan = make_plan(find_inputs(str(tmp_path)), Cutter("text", split=False, located=True), 7)
    everything = [(source, row) for source in plan.inputs for row in source.rows()]
    one_by_one = [list(Reader(plan.inputs, plan.shards).read(shard)) for shard in plan.shards]
    assert [row for shard in one_by_one for row in shard] == everything
    assert [{source for source, _ in rows} for rows in one_by_one] == [
        set(plan.inputs[shard.source : shard.last + 1]) for shard in plan.shards
    ]
    reader = Reader(plan.inputs, plan.shards)
    next(reader.read(plan.shards[0]))  # and no more: what follows must not go on from there
    for index in (1, 2, 3, 0, 1, 5, 4, 5):
        assert list(reader.read(plan.shards[index])) == one_by_one[index]


def test_shards_that_follow_on_one_another_are_read_without_winding_forward(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.jsonl.gz")
    plan = make_plan(find_inputs(str(tmp_path)), Cutter("text", split=False, located=True), 4)
    opened: list[Path] = []
    unzip = gzip.GzipFile
    monkeypatch.setattr("stance.tables.lines.gzip.GzipFile", lambda path: opened.append(path) or unzip(path))
    reader = Reader(plan.inputs, plan.shards)
    assert sum(len(list(reader.read(shard))) for shard in plan.shards) == plan.rows
    assert len(opened) == 1
    portion = Reader(plan.inputs, plan.shards)
    assert [len(list(portion.read(shard))) for shard in plan.shards[1::3]] == [s.rows for s in plan.shards[1::3]]
    assert len(opened) == 2


def test_the_main_text_of_a_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "The minister said that the talks would resume on Monday if both sides agreed to it. " * 5
    page = f"<html><body><nav>Menu Home</nav><article><h1>Talks</h1><p>{said}</p></article></body></html>"
    (tmp_path / "a.html").write_text(page)
    (row,) = File(tmp_path / "a.html").rows()
    assert isinstance(row, GoodRow)
    assert "talks would resume" in row.values["text"]
    assert "Menu" not in row.values["text"]
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    with pytest.raises(ConfigError, match=r'pip install "lxml-html-clean[^"]*" "trafilatura'):
        File(tmp_path / "a.html").declared_columns()


def test_a_document_too_large_to_be_a_text_is_set_aside_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "long.txt").write_bytes(b"a" * 4_000_004)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    (source,) = find_inputs(str(tmp_path / "long.txt"))
    (row,) = source.rows()
    assert isinstance(row, BadRow)
    assert row.reason == "too large: expected at most 4,000,003 bytes, found 4,000,004"


def test_a_shard_ends_early_where_texts_are_long(tmp_path: Path) -> None:
    for n in range(5):
        (tmp_path / f"{n}.txt").write_text("word " * 120_000)
    plan = make_plan(find_inputs(str(tmp_path)), Cutter("text", split=False, located=True), 1000)
    assert [shard.rows for shard in plan.shards] == [2, 2, 1]
    assert plan.rows == 5


def test_a_shard_ends_early_where_what_is_set_aside_is_long(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "It rained."}\n' + f"{{broken {'word ' * 120_000}\n" * 3)
    (tmp_path / "b.jsonl").write_text(f"{{broken {'word ' * 400}\n" * 600)  # 2,000 characters of each are kept
    plan = make_plan(find_inputs(str(tmp_path)), Cutter("text", split=False, located=True), 1000)
    assert [shard.rows for shard in plan.shards] == [501, 103]
