from pathlib import Path

import pytest
from conftest import write_jsonl

from stance.annotation.sentences import read_corpus as read_for_annotators
from stance.config import PredictConfig, ShardFormat, TrainedModelConfig
from stance.corpus import label
from stance.errors import DataError
from stance.labelled import read_corpus
from stance.labelled_rows import as_probability, identify, labelled_schema, probabilities_of, read_labelled
from stance.predict import Predictor


@pytest.mark.parametrize("format", list(ShardFormat))
def test_the_folder_of_a_corpus_job_is_read_as_one_file(
    tiny_model: Path, tiny_predictor: Predictor, tmp_path: Path, format: ShardFormat
) -> None:
    texts = [f"they deny {'rain ' * n}if we resume" for n in range(7)]
    source = write_jsonl(tmp_path / "in.jsonl", [{"id": f"a{n}", "text": text} for n, text in enumerate(texts)])
    output, model = str(tmp_path / "out"), TrainedModelConfig(path=str(tiny_model))
    label(PredictConfig(model=model, input=str(source), output=output, format=format, shard_rows=3))
    rows = list(read_labelled(tmp_path / "out"))
    assert [row.values["text"] for row in rows] == texts
    assert {"id", "text", "labels", "uncertain"} <= set(labelled_schema(tmp_path / "out").names)
    expected = tiny_predictor.predict(texts)
    for row, prediction in zip(rows, expected, strict=True):
        found = {name: as_probability(cell) for name, cell in probabilities_of(row.values).items()}
        assert found == pytest.approx(prediction.probabilities, abs=1e-5)
    corpus = read_corpus(tmp_path / "out")
    assert corpus.ids == tuple(read_for_annotators(tmp_path / "out").sentences)
    assert corpus.given.sum() == sum(len(prediction.labels) for prediction in expected)


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no output folder of scripts/predict\.py"):
        list(read_labelled(tmp_path))


def test_an_id_stays_the_same_when_it_is_made_again() -> None:
    row = {"document": "a.txt", "start": 17}
    assert identify(row, otherwise="x") == "a.txt:17"
    assert identify(row | {"id": "a.txt:17"}, otherwise="x") == "a.txt:17"
    assert identify({"text": "a"}, otherwise="x") == "x"
    assert identify({"id": 5}, otherwise="x") == "5"


@pytest.mark.parametrize("cell", ["high", None, float("nan"), 1.5, -0.1, [0.5]])
def test_what_is_no_probability_is_none(cell: object) -> None:
    assert as_probability(cell) is None
