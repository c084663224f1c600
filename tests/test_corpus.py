import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import write_jsonl

from stance.annotation.sentences import read_corpus as read_for_annotators
from stance.config import Engine, OnError, PredictConfig, ShardFormat, TrainedModelConfig
from stance.corpus import Counts, label, rejects_of
from stance.errors import ConfigError, DataError
from stance.labelled_rows import read_labelled
from stance.predict import Prediction, Predictor

ARTICLE = "They deny it. We resume talks.\n\nRain fell."


@pytest.fixture
def job(tiny_model: Path, tmp_path: Path):
    """Labels ``input`` (under tmp_path) into ``output`` with the tiny model."""

    def run(source: str, output: str | None, **settings: object) -> Counts:
        target = None if output is None else str(tmp_path / output)
        model = TrainedModelConfig(path=str(tiny_model))
        return label(PredictConfig(model=model, input=str(tmp_path / source), output=target, **settings))

    return run


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_article_is_split_and_each_sentence_has_its_place(job, tmp_path: Path, tiny_predictor: Predictor) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE)
    counts = job("a.txt", "out.jsonl")
    rows = lines(tmp_path / "out.jsonl")
    assert [row["text"] for row in rows] == ["They deny it.", "We resume talks.", "Rain fell."]
    assert all(ARTICLE[row["start"] : row["end"]] == row["text"] for row in rows)
    assert {row["document"] for row in rows} == {str(tmp_path / "a.txt")}
    expected = tiny_predictor.predict([row["text"] for row in rows])
    assert [row["labels"] for row in rows] == [list(prediction.labels) for prediction in expected]
    assert [row["uncertain"] for row in rows] == [list(prediction.uncertain) for prediction in expected]
    assert counts.uncertain == sum(bool(prediction.uncertain) for prediction in expected) > 0
    assert rows[0]["probabilities"] == pytest.approx(expected[0].probabilities, abs=1e-5)
    assert (counts.inputs, counts.sentences, counts.set_aside) == (1, 3, 0)
    assert counts.labels["denial"] == sum("denial" in row["labels"] for row in rows)


def test_a_folder_is_read_in_order_with_its_subfolders_and_bad_files_are_set_aside(job, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    (folder / "a.txt").write_text("One.")
    (folder / "b" / "c.txt").write_text("Two.")
    (folder / "d.txt").write_bytes(b"caf\xe9 latin-1")
    (folder / "e.txt").write_text("\n")
    counts = job("in", "out.jsonl")
    assert [row["text"] for row in lines(tmp_path / "out.jsonl")] == ["One.", "Two."]
    rejected = lines(tmp_path / "out.jsonl.rejected.jsonl")
    assert [row["reason"] for row in rejected] == ["not valid UTF-8 at byte 3", "holds no text"]
    assert (counts.inputs, counts.set_aside) == (2, 2)


ROWS = [
    {"id": 1, "text": "they deny", "labels": ["mine"], "when": None},
    {"id": 2, "text": "We resume. They deny.", "labels": [], "when": "May"},
]


@pytest.mark.parametrize("source", ["in.jsonl", "in.csv", "in.parquet"])
@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.parquet"])
def test_tables_keep_their_columns_and_gain_ours(job, tmp_path: Path, source: str, output: str) -> None:
    if source == "in.jsonl":
        write_jsonl(tmp_path / source, ROWS)
    elif source == "in.csv":
        (tmp_path / source).write_text("id,text,labels,when\n1,they deny,mine,\n2,We resume. They deny.,,May\n")
    else:
        pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / source)
    job(source, output)
    if output == "out.jsonl":
        rows = lines(tmp_path / output)
        assert list(rows[0]) == [
            *("id", "text", "input_labels", "when", "labels", "uncertain", "probabilities", "truncated")
        ]
    else:
        import pandas as pd  # it comes with datasets

        table = pd.read_csv(tmp_path / output) if output == "out.csv" else pq.read_table(tmp_path / output).to_pandas()
        assert list(table.columns) == [
            *("id", "text", "input_labels", "when", "labels", "uncertain", "truncated"),
            *(f"probability_{name}" for name in ("offer", "accusation", "denial", "condition")),
        ]
        rows = table.to_dict("records")
    assert [str(row["id"]) for row in rows] == ["1", "2"]
    assert rows[1]["text"] == "We resume. They deny."


def test_rows_are_split_when_asked(job, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", ROWS)
    counts = job("in.jsonl", "out.parquet", split=True)
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["id"], row["text"], row["start"], row["end"]) for row in table] == [
        (1, "they deny", 0, 9),
        (2, "We resume.", 0, 10),
        (2, "They deny.", 11, 21),
    ]
    assert (counts.inputs, counts.sentences) == (2, 3)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.parquet", "out"])
def test_the_text_is_called_so_in_the_output_whatever_its_column(job, tmp_path: Path, output: str, split: bool) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("Rain fell.")
    write_jsonl(folder / "b.jsonl", [{"text": "A headline", "body": "They deny it. We resume talks."}])
    job("in", output, text_column="body", split=split)
    said = ["They deny it.", "We resume talks."] if split else ["They deny it. We resume talks."]
    rows = [row.values for row in read_labelled(tmp_path / output)]
    assert [row["text"] for row in rows] == ["Rain fell.", *said]
    assert {row["input_text"] for row in rows[1:]} == {"A headline"}
    assert "body" not in rows[1]
    assert [one.text for one in read_for_annotators(tmp_path / output).sentences.values()] == ["Rain fell.", *said]


BAD = b'{"text": "they deny"}\n{broken\n{"text": null}\n{"text": 5}\n{"other": "x"}\n{"text": " "}\n{"text": "rain"}\n'


def test_bad_rows_are_set_aside_with_place_reason_and_raw_value_and_the_rest_is_labelled(job, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD)
    counts = job("in.jsonl", "out.jsonl")
    assert [row["text"] for row in lines(tmp_path / "out.jsonl")] == ["they deny", "rain"]
    rejected = lines(tmp_path / "out.jsonl.rejected.jsonl")
    assert [row["where"].rsplit(":")[-1] for row in rejected] == ["2", "3", "4", "5", "6"]
    assert rejected[0]["raw"] == "{broken"
    assert rejected[2]["reason"] == "expected text in 'text', found 5"
    assert counts.inputs + counts.set_aside == 7


def test_on_error_fail_stops_and_leaves_no_output(job, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD)
    with pytest.raises(DataError, match=r"in\.jsonl:2: not valid JSON"):
        job("in.jsonl", "out.jsonl", on_error=OnError.fail)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_clean_run_removes_the_rejects_of_the_run_before(job, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD)
    job("in.jsonl", "out.jsonl")
    (tmp_path / "in.jsonl").write_bytes(BAD[:22])
    job("in.jsonl", "out.jsonl")
    assert not (tmp_path / "out.jsonl.rejected.jsonl").exists()


def test_a_run_that_fails_leaves_output_and_rejects_of_the_run_before(job, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(BAD)
    job("in.jsonl", "out.jsonl")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 3
    for settings in ({"max_errors": 2}, {"on_error": OnError.fail}):
        with pytest.raises(DataError, match="Bad rows so far"):
            job("in.jsonl", "out.jsonl", **settings)
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_lone_surrogates_in_json_are_labelled_and_written(job, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "they \\ud800 deny"}\n')
    for output in ("out.jsonl", "out.csv", "out.parquet"):
        job("in.jsonl", output)
    assert lines(tmp_path / "out.jsonl")[0]["text"] == "they \ufffd deny"


def test_what_was_labelled_can_be_labelled_again(job, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "they deny", "start": 5, "labels": ["offer"]}])
    for source, output in (("in.jsonl", "one.parquet"), ("one.parquet", "two.csv"), ("two.csv", "three.parquet")):
        job(source, output, split=True)
    row = pq.read_table(tmp_path / "three.parquet").to_pylist()[0]
    assert (row["start"], row["input_start"], row["input_input_input_start"]) == (0, "0", "5")
    assert row["input_input_input_labels"] == "offer"


def test_more_sentences_than_one_chunk_come_out_in_order(job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stance.labelling.CHUNK", 7)
    write_jsonl(tmp_path / "in.jsonl", [{"text": "rain " * (1 + n % 5), "n": n} for n in range(50)])
    job("in.jsonl", "out.jsonl")
    assert [row["n"] for row in lines(tmp_path / "out.jsonl")] == list(range(50))


def test_thresholds_are_those_of_the_config(job, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE)
    assert job("a.txt", "out.jsonl", thresholds={"offer": 0.0}).labels["offer"] == 3
    with pytest.raises(ConfigError, match="did you mean 'offer'"):
        job("a.txt", "out.jsonl", thresholds={"ofer": 0.0})


@pytest.mark.parametrize(
    ("source", "output", "told"),
    [
        ("missing.txt", "out.jsonl", "There is no file"),
        ("a.docx", "out.jsonl", "expected a file ending in"),
        ("empty", "out.jsonl", r"holds no files that end in \.txt"),
        ("a.txt", "out.xlsx", "ending in"),
        ("in.csv", "out.csv", "no column 'text'; did you mean 'texts'"),
    ],
)
def test_what_cannot_be_done_is_told_and_nothing_is_written(
    job, tmp_path: Path, source: str, output: str, told: str
) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE)
    (tmp_path / "a.docx").write_text(ARTICLE)
    (tmp_path / "in.csv").write_text("texts\nx\n")
    (tmp_path / "empty").mkdir()
    with pytest.raises((ConfigError, DataError), match=told):
        job(source, output)
    assert not (tmp_path / output).exists()


@pytest.mark.parametrize("output", ["out.jsonl", "out.parquet", "out"])
def test_files_that_hold_no_rows_do_not_stop_a_job(job, tmp_path: Path, output: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, content in {
        "a.csv": "",
        "b.jsonl": "",
        "c.jsonl": "{broken\n[]\n",
        "d.csv": "n,text\n1,they deny\n",
    }.items():
        (folder / name).write_text(content)
    counts = job("in", output)
    assert (counts.inputs, counts.set_aside) == (1, 2)
    assert [row.values["text"] for row in read_labelled(tmp_path / output)] == ["they deny"]
    (folder / "e.jsonl").write_text('{"texts": "they deny"}\n')
    with pytest.raises(DataError, match=r"in/e\.jsonl has no column 'text'; did you mean 'texts'"):
        job("in", f"other-{output}")


@pytest.mark.parametrize(
    "setting", [{"shard": "1/3"}, {"engine": Engine.ray}, {"workers": 2}, {"format": ShardFormat.csv}], ids=str
)
def test_what_only_a_folder_can_have_is_refused_for_a_file(job, tmp_path: Path, setting: dict[str, object]) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE)
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} is for an output folder"):
        job("a.txt", "out.jsonl", **setting)
    assert not (tmp_path / "out.jsonl").exists()


def test_where_rows_are_set_aside_is_told(job, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("{broken\n")
    for output in ("out", "out.jsonl"):
        job("in.jsonl", output)
        where = rejects_of(PredictConfig(input="", output=str(tmp_path / output)))
        assert where is not None
        assert where.exists()
    assert rejects_of(PredictConfig(input="", output="-")) is None


def test_the_input_is_not_overwritten(job, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", ROWS)
    rejected = write_jsonl(tmp_path / "out.jsonl.rejected.jsonl", ROWS)
    for source, output in (("in.jsonl", "in.jsonl"), (rejected.name, "out.jsonl"), ("*.jsonl", "out.jsonl")):
        with pytest.raises(ConfigError, match=r"is an input, and would be written over: give the output another name"):
            job(source, output)
    assert lines(rejected) == ROWS
    (tmp_path / "IN.jsonl").hardlink_to(tmp_path / "in.jsonl")  # as if the disk took capital letters for small ones
    with pytest.raises(ConfigError, match="is an input"):
        job("in.jsonl", "IN.jsonl")


def test_text_from_stdin_goes_to_whoever_watches(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(ARTICLE.encode())))
    seen: list[Prediction] = []
    label(PredictConfig(model=TrainedModelConfig(path=str(tiny_model)), input="-"), show=seen.append)
    assert [prediction.text for prediction in seen] == ["They deny it.", "We resume talks.", "Rain fell."]
