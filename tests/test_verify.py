import csv
import json
import math
import shutil
from pathlib import Path

import pytest
from conftest import Run, tiny_settings, write_jsonl

from stance.config import PredictConfig, ShardFormat, TrainedModelConfig, VerifyConfig
from stance.corpus import label
from stance.errors import ConfigError, DataError
from stance.train import train
from stance.verify import _sample, verify


@pytest.fixture(params=list(ShardFormat))
def folder(request: pytest.FixtureRequest, tiny_model: Path, tmp_path: Path) -> Path:
    """A corpus labelled by the tiny model."""
    said = [f"they deny {'rain ' * (n % 7)}if we resume. It fell." for n in range(30)]
    rows = [{"said": text, "labels": "mine", "n": n} for n, text in enumerate(said)]
    source = write_jsonl(tmp_path / "in.jsonl", rows)
    model = TrainedModelConfig(path=str(tiny_model))
    output, format = str(tmp_path / "out"), request.param
    label(PredictConfig(model=model, input=[str(source)], output=output, text_column="said", format=format, split=True))
    return tmp_path / "out"


def test_the_model_that_made_it_is_confirmed(folder: Path, tiny_model: Path) -> None:
    found = verify(VerifyConfig(model=TrainedModelConfig(path=str(tiny_model)), folder=str(folder), sample=20))
    assert found.holds
    assert (found.n, found.different, found.changed, found.other_backend) == (20, 0, (), None)
    assert 0 <= found.largest < 1e-4


@pytest.mark.parametrize("folder", [ShardFormat.jsonl], indirect=True)
def test_every_sentence_is_drawn_with_equal_chance(folder: Path) -> None:
    """The mean place of those drawn is that of all; each row holds two sentences."""
    drawn = [int(row["n"]) for seed in range(30) for row in _sample(folder, 20, seed)]
    assert len(drawn) == 600
    assert sum(drawn) / 600 == pytest.approx(14.5, abs=1.5)


@pytest.fixture(scope="module")
def another_model(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, tiny_data: Path) -> Path:
    folder, config = tmp_path_factory.mktemp("another"), tiny_settings(tiny_encoder, tiny_data)
    config.seed = 5
    train(config, folder)
    return folder


def test_of_a_job_that_had_nothing_to_label_all_holds(tmp_path: Path, tiny_model: Path) -> None:
    model = TrainedModelConfig(path=str(tiny_model))
    (tmp_path / "in.jsonl").touch()
    label(PredictConfig(model=model, input=[str(tmp_path / "in.jsonl")], output=str(tmp_path / "out")))
    found = verify(VerifyConfig(model=model, folder=str(tmp_path / "out")))
    assert (found.holds, found.n) == (True, 0)


def test_another_model_is_not(folder: Path, another_model: Path) -> None:
    found = verify(VerifyConfig(model=TrainedModelConfig(path=str(another_model)), folder=str(folder)))
    assert not found.holds
    assert not found.same_weights
    assert (found.n, found.different) == (60, 60)


@pytest.mark.parametrize("folder", [ShardFormat.jsonl], indirect=True)
def test_a_model_of_other_thresholds_is_not(folder: Path, tiny_model: Path, tmp_path: Path, run_script: Run) -> None:
    other = shutil.copytree(tiny_model, tmp_path / "other")
    told = json.loads((other / "stance.json").read_text())
    told["decision"]["thresholds"][0] = 0.999
    (other / "stance.json").write_text(json.dumps(told))
    found = verify(VerifyConfig(model=TrainedModelConfig(path=str(other)), folder=str(folder)))
    assert (found.same_weights, found.same_decision, found.different, found.holds) == (True, False, 0, False)
    done = run_script("verify.py", f"folder={folder}", f"model.path={other}")
    assert "names other thresholds" in done.stdout


def test_of_an_unfinished_job_it_is_told_how_much_is_there(tmp_path: Path, tiny_model: Path, run_script: Run) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": f"they deny {n}"} for n in range(30)])
    model = TrainedModelConfig(path=str(tiny_model))
    label(PredictConfig(model=model, input=str(source), output=str(tmp_path / "out"), shard_rows=10))
    (tmp_path / "out" / "_SUCCESS").unlink()
    for path in (tmp_path / "out").glob("*/part-00001*"):
        path.unlink()
    found = verify(VerifyConfig(model=model, folder=str(tmp_path / "out")))
    assert (found.shards, found.n, found.holds) == ((3, 2), 20, True)
    done = run_script("verify.py", f"folder={tmp_path / 'out'}", f"model.path={tiny_model}")
    assert "Of 3 shards, 2 are there: the job is unfinished, or has lost some." in done.stdout


@pytest.mark.parametrize("folder", [ShardFormat.jsonl], indirect=True)  # a line of JSON is the easiest to forge
def test_changed_probabilities_are_found_by_labelling_again_and_by_their_file(
    folder: Path, tiny_model: Path, run_script: Run
) -> None:
    (shard,) = (folder / "sentences").iterdir()
    lines = [json.loads(line) for line in shard.read_text().splitlines()]
    lines[3]["probabilities"]["offer"] += 0.2
    write_jsonl(shard, lines)
    found = verify(VerifyConfig(model=TrainedModelConfig(path=str(tiny_model)), folder=str(folder)))
    assert (found.different, found.changed, found.same_weights) == (1, ("sentences/part-00000.jsonl",), True)
    assert found.largest == pytest.approx(0.2, abs=1e-3)
    done = run_script("verify.py", f"folder={folder}", f"model.path={tiny_model}")
    assert done.returncode == 3, done.stderr
    assert "Of 60 sentences drawn, 59 had" in done.stdout
    assert "was NOT made by" in done.stdout


@pytest.fixture(scope="module")
def model_of_other_labels(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, tiny_data: Path) -> Path:
    folder, config = tmp_path_factory.mktemp("three"), tiny_settings(tiny_encoder, tiny_data)
    config.labels = ["offer", "accusation", "denial"]
    rows = [json.loads(line) for line in tiny_data.read_text().splitlines()]
    kept = [row | {"labels": [name for name in row["labels"] if name != "condition"]} for row in rows]
    config.data.train = str(write_jsonl(folder / "three.jsonl", kept))
    train(config, folder / "model")
    return folder / "model"


def test_a_model_of_other_labels_is_not_the_one(folder: Path, model_of_other_labels: Path) -> None:
    found = verify(VerifyConfig(model=TrainedModelConfig(path=str(model_of_other_labels)), folder=str(folder)))
    assert (found.n, found.different, found.largest) == (60, 60, math.inf)


def test_a_shard_that_was_cut_off_or_lost_with_its_receipt_is_found(folder: Path, tiny_model: Path) -> None:
    config = VerifyConfig(model=TrainedModelConfig(path=str(tiny_model)), folder=str(folder))
    (shard,) = (folder / "sentences").iterdir()
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    found = verify(config)
    assert not found.holds
    assert found.changed == (f"sentences/{shard.name}",)
    shard.write_bytes(whole)
    assert verify(config).holds
    (folder / "receipts" / "part-00000.json").unlink()
    assert verify(config).changed == (f"sentences/{shard.name}", "receipts/part-00000.json")


@pytest.mark.parametrize("folder", [ShardFormat.csv], indirect=True)  # elsewhere no cell can be empty
def test_probabilities_that_are_no_numbers_are_different(folder: Path, tiny_model: Path) -> None:
    (shard,) = (folder / "sentences").iterdir()
    rows = list(csv.reader(shard.read_text().splitlines()))
    rows[3][-1] = ""
    with shard.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found = verify(VerifyConfig(model=TrainedModelConfig(path=str(tiny_model)), folder=str(folder)))
    assert (found.different, found.largest) == (1, math.inf)


def test_a_folder_that_no_job_made_is_told(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(DataError, match="holds no output of a corpus job"):
        verify(VerifyConfig(model=TrainedModelConfig(path=str(tiny_model)), folder=str(tmp_path)))


def test_what_was_computed_in_another_way_is_told(folder: Path, tiny_model: Path, run_script: Run) -> None:
    done = run_script("verify.py", f"folder={folder}", f"model.path={tiny_model}", "model.precision=bf16")
    assert "It was labelled by PyTorch on cpu, fp32" in done.stdout.replace("\n", " ")


@pytest.mark.parametrize("content", ["{}", "[]", "torn"])
def test_a_manifest_that_is_none_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="holds no output of a corpus job"):
        verify(VerifyConfig(folder=str(tmp_path)))
    with pytest.raises(ConfigError, match="sample=0 is out of range"):
        verify(VerifyConfig(folder=str(tmp_path), sample=0))
