from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import write_jsonl

from stance.config import DataConfig
from stance.data import (
    Example,
    hash_examples,
    hold_out,
    read_examples,
    read_from,
    read_split,
    read_splits,
    with_unlabelled,
)
from stance.errors import ConfigError, DataError
from stance.files import check_apart
from stance.labels import LABELS
from stance.tables.reading import read_schema
from stance.tables.writing import writing


def test_every_problem_of_a_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(
        '{"id": "a", "text": "Fine.", "labels": ["offer"], "scenario": "s"}\n'
        '{"id": "b", "text": "Fine.", "labels": ["ofer"], "scenario": "s"}\n'
        '{"id": "a", "text": "Again.", "labels": [], "scenario": "s"}\n'
        '{"id": "c", "text": "  ", "labels": [], "scenario": "s"}\n'
        '{"id": "d", "text": 7, "labels": {"offer": 1}, "scenario": "s"}\n'
        "{not json\n"
        '{"id": "e", "texts": "x", "labels": []}\n'
        '{"id": 1.5, "text": "x", "labels": [], "scenario": ["s"]}\n'
    )
    with pytest.raises(DataError) as caught:
        read_examples(path, LABELS)
    assert [problem.removeprefix(f"{path}:") for problem in caught.value.problems] == [
        "2: unknown label 'ofer'; did you mean 'offer'?",
        f"3: id 'a' was used before, at {path}:1",
        "4: 'text' is empty",
        "5: expected 'text' to be text, found int 7",
        "5: expected 'labels' to be label names, found dict {'offer': 1}",
        "6: not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "7: no 'text' column; did you mean 'texts'?",
        "8: expected 'id' to be text or a whole number, found float 1.5",
        "8: expected 'scenario' to be text or a whole number, found list ['s']",
    ]


def test_a_table_with_one_label_a_row_is_read(tmp_path: Path) -> None:
    path = tmp_path / "single.csv"
    path.write_text("sentence,code\nWe offer.,offer\nIt rained.,other\nNothing.,\n")
    columns = DataConfig(text_column="sentence", label_column="code", none_label="other")
    examples = read_examples(path, LABELS, columns)
    assert [example.labels for example in examples] == [("offer",), (), ()]
    assert examples[0].id == f"{path}:2"
    assert examples[0].scenario == examples[0].id


def test_of_unlabelled_sentences_only_the_text_is_needed(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "speeches.jsonl", [{"text": "We offer.", "labels": 7}, {"text": "It rained."}])
    assert [(e.text, e.labels) for e in read_examples(path, None)] == [("We offer.", ()), ("It rained.", ())]
    with pytest.raises(DataError) as caught:
        read_examples(path, None, DataConfig(text_column="sentence"))
    assert len(caught.value.problems) == 2


def test_ids_that_two_files_use_are_told_apart(tmp_path: Path) -> None:
    one, other = (
        str(write_jsonl(tmp_path / name, [{"id": n, "text": f"{name} {n}", "labels": [], **more} for n in (0, first)]))
        for name, first, more in (("one.jsonl", 1, {}), ("other.jsonl", 2, {"scenario": "s"}))
    )
    examples = read_split("test", LABELS, DataConfig(test=[one, other]))
    assert [example.id for example in examples] == [f"{one}:0", "1", f"{other}:0", "2"]
    assert [example.scenario for example in examples] == [f"{one}:0", "1", "s", "s"]


def test_unlabelled_sentences_that_are_labelled_elsewhere_are_left_out(tmp_path: Path) -> None:
    labelled = [{"text": f"{label} {n}", "labels": [label]} for n in range(4) for label in LABELS]
    train = write_jsonl(tmp_path / "train.jsonl", labelled[:8])
    validation = write_jsonl(tmp_path / "validation.jsonl", labelled[8:])
    speeches = write_jsonl(tmp_path / "speeches.jsonl", [labelled[0], {"text": "It rained."}, labelled[-1]])
    config = DataConfig(train=str(train), validation=str(validation), unlabelled=str(speeches))
    splits = with_unlabelled(read_splits(LABELS, config, seed=0), config)
    assert [example.text for example in splits.unlabelled] == ["It rained."]
    news = write_jsonl(tmp_path / "news.jsonl", [{"text": "It snowed."}])
    more = with_unlabelled(splits, replace(config, unlabelled=[str(speeches), str(news)])).unlabelled
    assert [example.text for example in more] == ["It rained.", "It snowed."]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_sentences_that_nobody_has_read_are_left_out_in_whatever_file_they_stand(tmp_path: Path, suffix: str) -> None:
    rows = [
        {"text": "It rained.", "labels": [], "annotations": {"first": []}},
        {"text": "We deny it.", "labels": ["denial"], "annotations": {"first": ["denial"], "second": ["denial"]}},
        {"text": "It snowed.", "labels": [], "annotations": {}},
    ]
    source, path = write_jsonl(tmp_path / "rows.jsonl", rows), tmp_path / f"again{suffix}"
    with writing(path, read_schema(source)) as write:
        write(rows)
    assert [example.text for example in read_examples(path, LABELS)] == ["It rained.", "We deny it."]


def test_labels_written_in_one_cell_come_out_in_the_order_of_the_label_set(tmp_path: Path) -> None:
    path = tmp_path / "joined.tsv"
    path.write_text("text\tlabels\nIf so, we offer.\tcondition; offer\n")
    assert read_examples(path, LABELS, DataConfig(label_separator=";"))[0].labels == ("offer", "condition")


def test_parquet_with_lists_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": ["a", "b"], "labels": [["denial"], None], "id": [1, 2]}), path)
    assert [(e.id, e.labels) for e in read_examples(path, LABELS)] == [("1", ("denial",)), ("2", ())]


def test_something_is_always_left_to_learn_from() -> None:
    examples = [Example(str(n), f"t{n}", (), f"s{n}") for n in range(3)]
    assert [len(part) for part in hold_out(examples, 0.8, seed=0)] == [1, 2]


def test_held_out_scenarios_are_whole_and_depend_on_the_seed_alone() -> None:
    examples = [Example(str(n), f"t{n}", (), f"s{n % 10}") for n in range(50)]
    kept, held = hold_out(examples, 0.25, seed=3)
    assert {e.scenario for e in kept}.isdisjoint(e.scenario for e in held)
    assert len({e.scenario for e in held}) == 3
    assert hold_out(examples[::-1], 0.25, seed=3)[1] == held[::-1]
    assert hold_out(examples, 0.25, seed=4)[1] != held


def test_a_split_may_be_several_files(tmp_path: Path) -> None:
    paths = [
        str(write_jsonl(tmp_path / f"{label}.jsonl", [{"id": 1, "text": label, "labels": [label]}]))
        for label in ("offer", "denial")
    ]
    examples = read_split("train", LABELS, DataConfig(train=paths))
    assert [(example.text, example.labels) for example in examples] == [("offer", ("offer",)), ("denial", ("denial",))]
    assert read_from(DataConfig(train=paths, test=paths[0]))["data.train"] == paths
    for wrong in (5, [paths[0], 5], [paths[0], paths[0]], [""]):
        with pytest.raises(ConfigError, match=r"data\.train to"):
            read_split("train", LABELS, DataConfig(train=wrong))
    with pytest.raises(ConfigError, match=r"data\.train and output are both"):
        check_apart(Path(paths[1]), **read_from(DataConfig(train=paths)))


def test_what_cannot_be_split_or_learned_is_told(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "one.jsonl", [{"text": "a", "labels": ["offer"], "scenario": "s"}])
    with pytest.raises(ConfigError, match="at least two scenarios"):
        read_splits(["offer"], DataConfig(train=str(path)), seed=0)
    with pytest.raises(DataError, match="Nothing to learn for: denial"):
        read_splits(["offer", "denial"], DataConfig(train=str(path), validation=str(path)), seed=0)
    with pytest.raises(ConfigError, match="did you mean 'test'"):
        read_split("tset", LABELS, DataConfig(train=str(path)))
    with pytest.raises(ConfigError, match=r"give data\.test"):
        read_split("test", LABELS, DataConfig(train=str(path)))


def test_the_hash_is_of_texts_and_labels_and_not_of_their_order() -> None:
    one, two = Example("1", "a", ("offer",), "s"), Example("2", "b", (), "s")
    assert hash_examples([one, two]) == hash_examples([Example("9", "b", (), "t"), one])
    assert hash_examples([one]) != hash_examples([Example("1", "a", (), "s")])
