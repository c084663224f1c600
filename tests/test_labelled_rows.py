from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import write_jsonl

from stance.annotation.sentences import read_corpus as read_for_annotators
from stance.config import PredictConfig, SampleConfig, ShardFormat, TrainedModelConfig
from stance.corpus import label
from stance.errors import DataError
from stance.labelled import read_corpus
from stance.labelled_rows import LabelledSentence, labelled_schema, read_labelled, read_sentences
from stance.predict import Predictor
from stance.sample import sample
from stance.tables.rows import BadRow
from stance.text import sentence_id


@pytest.mark.parametrize("format", list(ShardFormat))
def test_the_folder_of_a_corpus_job_is_read_as_one_file(
    tiny_model: Path, tiny_predictor: Predictor, tmp_path: Path, format: ShardFormat
) -> None:
    texts = [f"they deny {'rain ' * n}if we resume" for n in range(7)]
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": f"a{n}", "text": text} for n, text in enumerate(texts)])
    output, model = str(tmp_path / "out"), TrainedModelConfig(path=str(tiny_model))
    label(PredictConfig(model=model, input=str(source), output=output, format=format, shard_rows=3))
    for hidden in (".DS_Store", ".part-00001.jsonl.0123456789ab.tmp", f"._part-00000.{format.name}"):
        (tmp_path / "out" / "sentences" / hidden).write_bytes(b"\x00\x05\x16\x07")
    found = list(read_sentences(tmp_path / "out"))
    assert [sentence.text for sentence in found if isinstance(sentence, LabelledSentence)] == texts
    assert {"id", "text", "labels", "uncertain"} <= set(labelled_schema(tmp_path / "out").names)
    expected = tiny_predictor.predict(texts)
    for sentence, prediction in zip(found, expected, strict=True):
        assert sentence.probabilities == pytest.approx(prediction.probabilities, abs=1e-5)
        assert (sentence.labels, sentence.uncertain) == (prediction.labels, prediction.uncertain)
    corpus = read_corpus(tmp_path / "out")
    assert corpus.ids == tuple(read_for_annotators(tmp_path / "out").sentences)
    assert corpus.given.sum() == sum(len(prediction.labels) for prediction in expected)


def test_columns_are_those_of_all_shards(tmp_path: Path) -> None:
    said = {"labels": [], "uncertain": [], "probabilities": {"offer": 0.5}}
    (tmp_path / "out" / "sentences").mkdir(parents=True)
    for number, rows in enumerate(([], [{"text": "a", "n": 1}], [{"text": "b", "n": "two", "late": True}])):
        write_jsonl(tmp_path / "out" / "sentences" / f"part-{number}.jsonl", [row | said for row in rows])
    schema = labelled_schema(tmp_path / "out")
    kept = [(field.name, str(field.type)) for field in schema if field.name not in said]
    assert kept == [("text", "string"), ("n", "string"), ("late", "bool")]
    sample(SampleConfig(corpus=str(tmp_path / "out"), output=str(tmp_path / "drawn.parquet"), n=2, label_column="gold"))
    drawn = pq.read_table(tmp_path / "drawn.parquet").to_pylist()
    assert sorted((row["text"], row["n"], row["late"]) for row in drawn) == [("a", "1", None), ("b", "two", True)]


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no output folder of scripts/predict\.py"):
        list(read_labelled(tmp_path))


def read(path: Path, *rows: dict[str, object]) -> list[LabelledSentence | BadRow]:
    said = {"labels": ["denial"], "uncertain": [], "probabilities": {"offer": 0.1, "denial": 0.9}}
    return list(read_sentences(write_jsonl(path / "labelled.jsonl", [said | row for row in rows])))


def test_an_id_stays_the_same_when_it_is_made_again(tmp_path: Path) -> None:
    row = {"text": "a", "document": "a.txt", "start": 17}
    ids = ["a.txt:17", "a.txt:18", "5", sentence_id("b"), f"{sentence_id('b')}-2", "6"]
    again = row | {"id": "a.txt:18", "start": 18}
    found = read(tmp_path, row, again, {"text": "a", "id": 5}, {"text": "b"}, {"text": "b"}, {"body": "no text"})
    assert [one.id for one in found if isinstance(one, LabelledSentence)] == ids
    for reader in (read_corpus, read_for_annotators):
        write_jsonl(tmp_path / "again.jsonl", [dict(one.row) | {"id": one.id, "text": one.text} for one in found[:5]])
        corpus = reader(tmp_path / "again.jsonl")
        assert list(getattr(corpus, "ids", None) or corpus.sentences) == ids[:5]


@pytest.mark.parametrize("cell", ["high", None, float("nan"), 1.5, -0.1, [0.5]])
def test_what_is_no_probability_is_told(tmp_path: Path, cell: object) -> None:
    (found,) = read(tmp_path, {"text": "a", "probabilities": {"offer": cell, "denial": 0.5}})
    assert isinstance(found, BadRow)
    assert found.reason.startswith("expected a probability from 0 to 1 for 'offer', found ")


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("denial, offer", ("offer", "denial")),
        (["denial"], ("denial",)),
        ("", ()),
        (None, ()),
        (["other"], ()),
        (5, None),
    ],
)
def test_labels_are_a_list_or_names_joined_by_commas(
    tmp_path: Path, cell: object, labels: tuple[str, ...] | None
) -> None:
    (found,) = read(tmp_path, {"text": "a", "labels": cell})
    assert getattr(found, "labels", None) == labels
