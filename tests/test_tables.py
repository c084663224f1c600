import codecs
import csv
import datetime
import gzip
import hashlib
import json
import math
import re
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import HOSTILE, write_jsonl

from stance.errors import ConfigError, DataError
from stance.files import check_apart, check_no_folder, replacing
from stance.tables.columns import common_type, found_schema
from stance.tables.json_lines import json_line
from stance.tables.reading import read_rows, read_schema
from stance.tables.rows import BadRow, GoodRow
from stance.tables.writing import writing
from stance.text import LONGEST


def test_bad_json_lines_are_told_with_their_place_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n{broken\n\n[1, 2]\n{"a": "\xff"}\n{"a": 2}\n' + b"[" * 100_000 + b"\n")
    rows = list(read_rows(path))
    assert [row.values for row in rows if isinstance(row, GoodRow)] == [{"a": 1}, {"a": 2}]
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert [row.where for row in bad] == [f"{path}:{line}" for line in (2, 4, 5, 7)]
    assert [row.reason.split(":")[0] for row in bad[:3]] == [
        "not valid JSON",
        "expected a JSON object, found list",
        "not valid UTF-8 at byte 7",
    ]
    assert bad[0].raw == "{broken"


def test_csv_rows_keep_their_line_numbers_across_quoted_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('text,n\n"two\nlines",1\nshort\n"a, b",2\n', encoding="utf-8-sig")
    good_a, bad, good_b = read_rows(path)
    assert good_a == GoodRow(f"{path}:2", {"text": "two\nlines", "n": "1"})
    assert bad == BadRow(f"{path}:4", "expected 2 columns, found 1", "short")
    assert good_b == GoodRow(f"{path}:5", {"text": "a, b", "n": "2"})


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv"])
@pytest.mark.parametrize("ends", ["\r", "\r\n", "\r\n\r\r\n\n"])
def test_rows_that_end_in_carriage_returns_each_have_their_place(tmp_path: Path, name: str, ends: str) -> None:
    path, mark = tmp_path / name, {".csv": ",", ".tsv": "\t"}[Path(name).suffix]
    lines = [f"n{mark}text", *(f'{n}{mark}"é\r{n}\r\n\n"' for n in range(3000))]
    path.write_bytes(codecs.BOM_UTF8 + "".join(line + ends[n % len(ends) :] for n, line in enumerate(lines)).encode())
    rows = list(read_rows(path))
    assert [row.values for row in rows if isinstance(row, GoodRow)] == [
        {"n": f"{n}", "text": f"é\r{n}\r\n\n"} for n in range(3000)
    ]
    assert len({row.where for row in rows}) == len({row.place.offset for row in rows}) == 3000
    for position in (0, 1, 2, 3, 1500, 2999):
        assert list(read_rows(path, rows[position].place)) == rows[position:]


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,text\na,b\n")
    with pytest.raises(DataError, match="column names that differ"):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("rows.csv", "text,naïve\na,b\n".encode("latin-1"), r"text, na\xefve"),
        ("rows.csv", "text,n\na,b\n".encode("utf-16"), r"\xff\xfet"),
        ("rows.tsv", "text\tn\na\tb\n".encode("utf-16"), r"\xff\xfet"),
    ],
)
@pytest.mark.parametrize("read", [read_schema, lambda path: list(read_rows(path))])
def test_column_names_in_another_encoding_are_told(
    tmp_path: Path, name: str, content: bytes, found: str, read: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"{path}:1: expected column names in UTF-8, found {found}")):
        read(path)


def test_a_row_with_an_open_quote_is_told_and_reading_goes_on_at_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{n},Row {n}.\n" for n in range(100_000)]
    lines[7], lines[70_000] = '7,"Row 7.\n', '70000,"Row\n'
    lines[3], lines[60_000] = '3,"Row\n3."\n', '60000,"Row ""60000""."\n'
    path.write_text("n,text\n" + "".join(lines), encoding="utf-8")
    rows = list(read_rows(path))
    assert [row.values["n"] for row in rows if isinstance(row, GoodRow)] == [
        str(n) for n in range(100_000) if n not in (7, 70_000)
    ]
    assert [row for row in rows if isinstance(row, BadRow)] == [
        BadRow(f"{path}:10", "a quote opened here is not closed within 8,000,000 characters", '7,"Row 7.'),
        BadRow(f"{path}:70003", "a quote opened here is not closed within 8,000,000 characters", '70000,"Row'),
    ]
    for position in (0, 3, 4, 6, 7, 8, 60_000, 69_999, 70_000, 70_001):
        assert list(islice(read_rows(path, rows[position].place), 3)) == rows[position : position + 3]


def test_quotes_in_tsv_neither_join_rows_nor_vanish(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    rows = [
        '"We deny it.\t1',
        'We never did."\t2',
        '"We deny," he said.\t3',
        '"Never" is a word\t"4"',
        '"A ""b""\nc"\t5',
        '"Never," he said.\t',
    ]
    path.write_text("\n".join(["text\tn", *rows]) + "\n")
    bad, *good = read_rows(path)
    assert bad == BadRow(
        f"{path}:2", "a quote opened here is not closed within 8,000,000 characters", '"We deny it.\t1', bad.place
    )
    assert [tuple(row.values.values()) for row in good if isinstance(row, GoodRow)] == [
        ('We never did."', "2"), ('"We deny," he said.', "3"), ('"Never" is a word', "4"), ('A "b"\nc', "5"),
        ('"Never," he said.', ""),
    ]  # fmt: skip
    assert list(read_rows(path, good[0].place)) == good


def test_quotes_of_a_text_in_csv_stay_though_its_writer_did_not_double_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = [
        '"We deny," he said.,1,',
        '"We ""deny"", never," he said,"2","a ""b"""',
        'He "denied" it,3,"c,d"',
        '"We deny, ""never""",4,',
    ]
    path.write_text("\n".join(["text,n,more", *rows]) + "\n")
    assert [tuple(row.values.values()) for row in read_rows(path) if isinstance(row, GoodRow)] == [
        ('"We deny," he said.', "1", ""),
        ('"We ""deny"", never," he said', "2", 'a "b"'),
        ('He "denied" it', "3", "c,d"),
        ('We deny, "never"', "4", ""),
    ]


def test_columns_are_found_in_time_that_grows_with_the_values() -> None:
    rows = [GoodRow("", {f"{n} {k}": k for k in range(20)} | {"text": "a", "n": n or None}) for n in range(1024)]
    start = time.process_time()
    schema = found_schema(rows)
    assert time.process_time() - start < 2  # each column for each row takes half a minute
    assert schema.field("text").type == pa.string()
    assert schema.field("n").type == schema.field("1023 19").type == pa.int64()
    assert len(schema) == 1024 * 20 + 2


def test_rows_as_long_as_any_that_can_be_labelled_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    text = "é line\n" * (LONGEST // 8)
    path.write_text(f'n,text,html\n1,"{text}","{text}"\n', encoding="utf-8")
    assert list(read_rows(path)) == [GoodRow(f"{path}:2", {"n": "1", "text": text, "html": text})]


def test_a_damaged_footer_is_told_with_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": ["a"]}), path)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    path.write_bytes(whole[:footer] + b"\xff" * 20 + whole[footer + 20 :])
    with pytest.raises(DataError, match=re.escape(f"Cannot read {path} as parquet")):
        read_schema(path)


def test_column_names_with_an_open_quote_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('text,"n\na,1\nb,2\n')
    with pytest.raises(DataError, match=r":1: expected column names, found a quote that is not closed: text,\"n\. "):
        list(read_rows(path))


def test_of_what_was_found_in_a_bad_row_the_beginning_is_kept(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("[" + "1, " * 100_000)
    (tmp_path / "rows.csv").write_text("text,n\n" + "a" * 100_000 + "\n")
    for path in tmp_path.iterdir():
        (row,) = read_rows(path)
        assert isinstance(row, BadRow)
        assert len(row.raw) == 2_000


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rows.xlsx", b"", "Cannot tell the format"),
        ("rows.parquet", b"not parquet at all", "as parquet"),
        ("missing.jsonl", None, "There is no file"),
    ],
)
def test_files_that_cannot_be_read_are_told(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        list(read_rows(path))


ROWS = [
    {"text": "a,b\n“c”", "n": 1, "labels": ["offer", "denial"], "extra": None},
    {"text": "د \U0001f600", "n": 2, "labels": [], "extra": "x"},
]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with writing(path, pa.Table.from_pylist(ROWS).schema) as write:
        write(ROWS[:1])
        write(ROWS[1:])
    assert [row.values for row in read_rows(path) if isinstance(row, GoodRow)] == ROWS
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_csv_joins_lists_by_commas(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with writing(path, pa.Table.from_pylist(ROWS).schema) as write:
        write(ROWS)
    first = next(iter(read_rows(path)))
    assert isinstance(first, GoodRow)
    assert first.values == {"text": "a,b\n“c”", "n": "1", "labels": "offer,denial", "extra": ""}


CELLS = [*HOSTILE, "\u200f=1+1", "\x00@x", "\ufeff+1+1", "\r=1", "-", "'", "''", "'-5", "-5", "+3.5e-2", "=" * 100_000]


def test_no_cell_of_csv_begins_a_formula_and_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with writing(
        path, pa.schema([("=text", pa.string()), ("n", pa.float64()), ("list", pa.list_(pa.string()))])
    ) as write:
        write([{"=text": cell, "n": -0.5, "list": [cell]} for cell in CELLS])
    whole = [cell.replace("\ud83d", "\ufffd") for cell in CELLS]
    rows = [row.values for row in read_rows(path) if isinstance(row, GoodRow)]
    assert [(row["=text"], row["n"], row["list"]) for row in rows] == [(cell, "-0.5", cell) for cell in whole]
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    unseen = "".join(map(chr, [*range(33), 0x200F, 0x202E, 0xFEFF]))
    begin = {cell for cell in cells if cell.lstrip(unseen).startswith(("=", "+", "-", "@", "＝"))}  # noqa: RUF001
    assert begin == {"-0.5", "-5", "+3.5e-2"}, "numbers are no formulas"
    assert not [cell for cell in cells if cell.startswith(("\t", "\r", "\n"))]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_kinds_of_files_need_no_guard(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with writing(path, pa.schema([("text", pa.string())])) as write:
        write([{"text": cell} for cell in CELLS])
    rows = [row.values["text"] for row in read_rows(path) if isinstance(row, GoodRow)]
    assert rows == [cell.replace("\ud83d", "\ufffd") for cell in CELLS]


def test_a_failure_leaves_the_old_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writing_to_an_unknown_kind_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path, told in ((tmp_path / "out.xlsx", "ending in"), (tmp_path / "folder.csv", "is a folder")):
        with pytest.raises(ConfigError, match=told), writing(path, pa.schema([])):
            pass


def test_columns_of_mixed_kinds_become_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1, "b": "x", "c": 1}\n{"a": 2.5, "b": 3}\n{"d": [1]}\n')
    schema = read_schema(path)
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == {
        "a": "double",
        "b": "string",
        "c": "int64",
        "d": "list<element: int64>" if "element" in str(schema.field("d").type) else "list<item: int64>",
    }
    out = tmp_path / "out.parquet"
    with writing(out, schema) as write:
        write([row.values for row in read_rows(path) if isinstance(row, GoodRow)])
    assert pq.read_table(out).column("b").to_pylist() == ["x", "3", None]


def test_truth_among_numbers_is_neither(tmp_path: Path) -> None:
    for rows in ([{"a": 2.5}, {"a": True}], [{"a": True}, {"a": 2}], [{"a": 1}, {"a": False}]):
        cells = written_as_parquet(tmp_path, *rows).column("a").to_pylist()
        assert cells == [json.dumps(row["a"]) for row in rows]
    assert written_as_parquet(tmp_path, {"a": True}, {"a": None}).column("a").to_pylist() == [True, None]


def test_whole_numbers_that_a_decimal_cannot_hold_become_text(tmp_path: Path) -> None:
    narrow, whole, none = pa.decimal128(4, 2), pa.uint8(), pa.null()
    assert common_type(narrow, whole) == common_type(whole, narrow) == pa.string()
    assert common_type(narrow, none) == common_type(none, narrow) == narrow


def test_a_large_row_group_of_parquet_is_not_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    texts = [f"{n} {hashlib.sha256(str(n).encode()).hexdigest() * 15}" for n in range(30_000)]
    pq.write_table(pa.table({"text": texts}), path, compression="none", use_dictionary=False)
    before, most = pa.total_allocated_bytes(), 0
    for n, row in enumerate(read_rows(path)):
        assert isinstance(row, GoodRow)
        assert row.values["text"] == texts[n]
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < sum(map(len, texts)) / 4


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".csv"])
def test_a_line_too_long_to_be_held_is_told_and_the_others_are_read(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.tables.lines.LONGEST_LINE", 100)
    rows = ["One.", "x" * 59, "y" * 1000, "z" * 200, "Two.", "v" * 88]  # those of 88 fill a line of JSON to the end
    as_line = (lambda text: f"{text}\n") if suffix == ".csv" else (lambda text: json.dumps({"text": text}) + "\n")
    content = ("text\n" if suffix == ".csv" else "") + "".join(map(as_line, rows)).removesuffix("\n")
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(gzip.compress(content.encode()) if suffix.endswith(".gz") else content.encode())
    found = list(read_rows(path))
    assert [row.values["text"] for row in found if isinstance(row, GoodRow)] == [rows[n] for n in (0, 1, 4, 5)]
    long = [row for row in found if isinstance(row, BadRow)]
    first = 4 if suffix == ".csv" else 3
    assert [(row.where, row.reason) for row in long] == [
        (f"{path}:{first + n}", "too long: a line of more than 100 bytes") for n in range(2)
    ]
    for position, row in enumerate(found):
        assert list(read_rows(path, row.place)) == found[position:]


def test_a_table_whose_names_of_columns_are_too_long_to_be_any_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.tables.lines.LONGEST_LINE", 100)
    path = tmp_path / "rows.csv"
    path.write_text("x" * 300)
    with pytest.raises(DataError, match=r":1: expected column names, found a line of more than 100 bytes: xxx"):
        list(read_rows(path))


def test_a_long_cell_of_many_lines_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "pages.csv"
    page = "<p>It rained.</p>\n" * 200_000
    path.write_text(f'text,html\nOne.,"{page}"\nTwo.,short\n', encoding="utf-8")
    rows = [row.values for row in read_rows(path) if isinstance(row, GoodRow)]
    assert [row["text"] for row in rows] == ["One.", "Two."]
    assert rows[0]["html"] == page


def written_as_parquet(tmp_path: Path, *rows: dict[str, object]) -> pa.Table:
    source, out = write_jsonl(tmp_path / "rows.jsonl", rows), tmp_path / "out.parquet"
    with writing(out, read_schema(source)) as write:
        write([row.values for row in read_rows(source) if isinstance(row, GoodRow)])
    return pq.read_table(out)


@pytest.mark.parametrize("number", [0.5, 2**63, 10**400])
@pytest.mark.parametrize("wrap", [lambda n: n, lambda n: [n], lambda n: {"b": n}, lambda n: [{"b": [n]}]])
def test_large_integers_that_other_numbers_follow_stay_what_they_are(
    tmp_path: Path, wrap: Callable[[object], object], number: float
) -> None:
    rows = [{"a": wrap(2**60 + 1)}] * 1024 + [{"a": wrap(number)}, {}]
    cells = written_as_parquet(tmp_path, *rows).column("a").to_pylist()
    assert [cell and json.loads(cell) for cell in cells[1022:]] == [rows[0]["a"], rows[0]["a"], wrap(number), None]


def test_numbers_that_meet_text_become_text_however_arrow_holds_it(tmp_path: Path) -> None:
    for kind in (pa.large_string(), pa.string_view()):
        out = tmp_path / f"{kind}.parquet"
        with writing(out, pa.schema([("year", common_type(pa.string(), kind))])) as write:
            write([{"year": 2019}, {"year": "unknown"}, {"year": None}])
        assert pq.read_table(out).column("year").to_pylist() == ["2019", "unknown", None]
    for kind in (pa.binary(), pa.int64()):
        assert common_type(pa.large_string(), kind) == common_type(kind, pa.string()) == pa.string()


def test_numbers_that_go_together_stay_numbers() -> None:
    for one, other, common in (
        (pa.int32(), pa.float64(), pa.float64()),
        (pa.int64(), pa.int8(), pa.int64()),
        (pa.int64(), pa.null(), pa.int64()),
        (pa.list_(pa.null()), pa.list_(pa.int64()), pa.list_(pa.int64())),
        (
            pa.struct([("a", pa.int64())]),
            pa.struct([("b", pa.float64())]),
            pa.struct([("a", pa.int64()), ("b", pa.float64())]),
        ),
    ):
        assert common_type(one, other) == common


def test_what_would_not_stay_what_it_is_becomes_text() -> None:
    price, far = pa.decimal128(5, 2), pa.timestamp("us")
    for one, other in ((price, pa.float64()), (price, pa.uint32()), (far, pa.timestamp("ns"))):
        assert common_type(one, other) == common_type(other, one) == pa.string()
    strict = pa.struct([pa.field("a", pa.int64(), nullable=False)])
    assert common_type(strict, pa.struct([("b", pa.int64())])).field("a").nullable
    within = common_type(pa.list_(strict), pa.list_(pa.struct([("b", pa.int64())])))
    assert within.value_type.field("a").nullable


def test_dates_and_decimals_are_plain_text_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    row = {"day": datetime.date(2024, 5, 1), "price": Decimal("1.25"), "n": [1, 2], "yes": True}
    with writing(path, pa.schema([(name, pa.string()) for name in row])) as write:
        write([row])
    assert path.read_text(encoding="utf-8-sig").splitlines()[1] == '2024-05-01,1.25,"[1, 2]",true'


@pytest.mark.parametrize("value", [{}, {"a": {}}, [{}], {"a": [{"b": {}}], "c": 1}])
def test_objects_without_a_field_are_text_in_parquet(tmp_path: Path, value: object) -> None:
    cells = written_as_parquet(tmp_path, {"meta": value, "n": 1}, {"meta": value, "n": 2}).column("meta").to_pylist()
    assert [json.loads(cell) for cell in cells] == [value, value]


def test_empty_lists_stay_lists_in_parquet(tmp_path: Path) -> None:
    assert written_as_parquet(tmp_path, {"meta": []}, {"meta": []}).column("meta").to_pylist() == [[], []]


def test_numbers_that_are_not_finite_are_null_in_json(tmp_path: Path) -> None:
    values = {"a": math.inf, "b": [-math.inf, 1.5, {"c": math.nan}], "d": (math.nan, "Infinity"), "e": 1}
    expected = {"a": None, "b": [None, 1.5, {"c": None}], "d": [None, "Infinity"], "e": 1}
    assert json.loads(json_line(values), parse_constant=pytest.fail) == expected
    path = tmp_path / "out.jsonl"
    with writing(path, pa.schema([])) as write:
        write([{"n": math.nan}, {"n": 1.0}])
    assert path.read_text() == '{"n": null}\n{"n": 1.0}\n'


def test_an_output_is_no_input_by_another_name(tmp_path: Path) -> None:
    source, other = tmp_path / "in.csv", tmp_path / "IN.csv"
    source.write_text("text\na\n")
    check_apart(other, corpus=str(source), coded=None)
    other.hardlink_to(source)  # as if the disk took capital letters for small ones
    with pytest.raises(ConfigError, match=r"corpus and output are both .*IN\.csv"):
        check_apart(other, corpus=str(source), coded=None)
    with pytest.raises(ConfigError, match=r"it is a folder; expected the name of a file"):
        check_no_folder(tmp_path)


@pytest.mark.parametrize("numbers_first", [True, False])
def test_a_column_that_changes_its_kind_late_becomes_text(tmp_path: Path, numbers_first: bool) -> None:
    rows = [{"n": n if (n < 1500) is numbers_first else f"no. {n}"} for n in range(3000)]
    assert str(read_schema(write_jsonl(tmp_path / "rows.jsonl", rows)).field("n").type) == "string"
