"""The real scripts, run as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Run, write_jsonl
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from stance.config import (
    AnnotateConfig,
    BenchmarkConfig,
    CardConfig,
    CheckConfig,
    CompareConfig,
    EstimateConfig,
    EvaluateConfig,
    ExportConfig,
    FetchConfig,
    PredictConfig,
    RecalibrateConfig,
    ReportConfig,
    SampleConfig,
    SieveConfig,
    SimulateConfig,
    SoupConfig,
    StudyConfig,
    TrainConfig,
    VerifyConfig,
)
from stance.model_file import ModelFile

OPTIONS = [
    f"{group.name}={option.stem}"
    for group in sorted((ROOT / "configs").iterdir())
    if group.is_dir()
    for option in sorted(group.glob("*.yaml"))
]


@pytest.mark.parametrize(
    ("name", "schema", "overrides"),
    [
        *(("train", TrainConfig, [option]) for option in OPTIONS),
        ("evaluate", EvaluateConfig, []),
        ("evaluate", EvaluateConfig, ["data=table"]),
        ("evaluate", EvaluateConfig, ["data=real"]),
        ("compare", CompareConfig, ["other.path=outputs/other"]),
        ("predict", PredictConfig, ["input=x.txt"]),
        ("verify", VerifyConfig, ["folder=labelled"]),
        ("benchmark", BenchmarkConfig, []),
        ("annotate", AnnotateConfig, ["action=import", "corpus=x.jsonl", "output=y.jsonl", "tool=argilla"]),
        ("fetch_real", FetchConfig, []),
        ("export", ExportConfig, []),
        ("soup", SoupConfig, ["folder=outputs/seeds"]),
        ("recalibrate", RecalibrateConfig, ["data.validation=x.csv"]),
        ("card", CardConfig, []),
        ("check", CheckConfig, []),
        ("sample", SampleConfig, ["corpus=x.jsonl", "output=y.csv", "n=100"]),
        ("estimate", EstimateConfig, ["corpus=x.jsonl", "coded=y.csv"]),
        ("report", ReportConfig, ["corpus=x.jsonl", "output=y.html"]),
        ("sieve", SieveConfig, []),
        ("simulate", SimulateConfig, []),
        ("study", StudyConfig, ["folder=outputs/corpus"]),
        ("study", StudyConfig, ["folder=outputs/corpus", "baselines=[keyword_list,tfidf,embeddings,setfit,plain]"]),
    ],
)
def test_every_option_fits_the_schema(name: str, schema: type, overrides: list[str]) -> None:
    ConfigStore.instance().store(name="schema", node=schema)
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        assert OmegaConf.get_type(compose(name, overrides)) is schema


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_opens_with_the_command_that_runs_it(path: Path) -> None:
    comments = [line for line in path.read_text().splitlines()[:2] if line.startswith("# python scripts/")]
    assert comments, f"{path} does not say how to run it"


def assert_told(done: "subprocess.CompletedProcess[str]", told: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4, done.stderr


MISTAKES = {
    "misspelt setting": ("train.py", ["trainng.epochs=3"], "did you mean 'training.epochs'"),
    "added setting": ("train.py", ["+training.epoch=3"], "did you mean 'training.epochs'"),
    "wrong type": ("train.py", ["training.epochs=three"], "training.epochs: Value 'three'"),
    "wrong choice": ("train.py", ["model.pooling=max"], "expected one of [cls, mean, mean_max]"),
    "unknown experiment": (
        "train.py",
        ["experiment=quikstart"],
        "Available options in 'experiment': default large large-again large-news quickstart search",
    ),
    "no training data": ("train.py", ["data=table"], "give data.train=<file>"),
    "group as setting": ("predict.py", ["input=x.txt", "model=outputs/mine"], "it has: model.path"),
    "new key without plus": ("predict.py", ["input=x.txt", "thresholds.offer=0.3"], "+thresholds.offer=<value>"),
    "no input": ("predict.py", [], "give input=<value>"),
    "missing model": ("predict.py", ["input=data/article.txt", "model.path=outputs/none"], "There is no model in"),
    "missing model to evaluate": ("evaluate.py", ["model.path=nowhere"], "There is no model 'nowhere'"),
    "missing input": ("predict.py", ["input=none.txt"], "There is no file none.txt"),
}


@pytest.mark.parametrize(("script", "overrides", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_gives_one_short_message(run_script: Run, script: str, overrides: list[str], told: str) -> None:
    assert_told(run_script(script, *overrides), told)


def test_broken_files_give_one_short_message(
    run_script: Run, start_script: Run, tmp_path: Path, tiny_model: Path
) -> None:
    (tmp_path / "broken.jsonl").write_text('{"text": "a", "labels": ["ofer"]}\n{broken\n')
    done = run_script("train.py", "data=table", f"data.train={tmp_path}/broken.jsonl", f"hydra.run.dir={tmp_path}/run")
    assert_told(done, "broken.jsonl:1: unknown label 'ofer'; did you mean 'offer'?")
    assert "broken.jsonl:2: not valid JSON" in done.stderr
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 but no")
    done = run_script("predict.py", f"input={tmp_path}/bad.parquet", f"model.path={tiny_model}", "output=-")
    assert_told(done, "as parquet")
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "pytorch_model.bin").write_bytes(b"\x80")
    assert_told(start_script("predict.py", "input=data/article.txt", f"model.path={pickled}"), "a pickle checkpoint")


def test_train_then_evaluate_then_predict(
    start_script: Run, run_script: Run, tmp_path: Path, tiny_encoder: Path, tiny_data: Path
) -> None:
    data = ["data=table", f"data.train={tiny_data}", f"data.test={tiny_data}"]
    settings = [f"model.encoder={tiny_encoder}", "model.layer=2", "training.epochs=1", "name=mine"]
    trained = start_script("train.py", *data, *settings, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "━" not in trained.stderr, "a progress bar in a pipe"
    assert "epoch" not in trained.stderr
    assert "mine on validation, n = " in trained.stdout
    judged = run_script("evaluate.py", *data, "model.path=outputs/mine", cwd=tmp_path)
    assert judged.returncode == 0, judged.stderr
    assert "TF-IDF + logistic" in judged.stdout
    assert json.loads((tmp_path / "outputs/mine/evaluation-test.json").read_text())["quality"]["n"] == 60
    compared = run_script("compare.py", *data, "model.path=outputs/mine", "draws=50", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    assert "mine less default" in compared.stdout
    assert (tmp_path / "outputs/mine/against-default-test.jsonl").exists()
    (tmp_path / "a.txt").write_text("They deny it.\n")
    labelled = start_script("predict.py", "input=a.txt", "model.path=outputs/mine", "output=out.csv", cwd=tmp_path)
    assert labelled.returncode == 0, labelled.stderr
    assert "1 sentence labelled" in labelled.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out.csv", "outputs"]


def test_a_search_keeps_what_reached_the_highest_figure(
    run_script: Run, tmp_path: Path, tiny_encoder: Path, tiny_data: Path
) -> None:
    done = run_script(
        "train.py",
        "--multirun",
        "experiment=search",
        "data=table",
        f"data.train={tiny_data}",
        "model=hub",
        f"model.encoder={tiny_encoder}",
        "training.epochs=1",
        "hydra.sweeper.n_trials=2",
        f"hydra.sweep.dir={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    reached = [ModelFile.read(path.parent).metrics["validation"] for path in tmp_path.glob("*/stance.json")]
    assert len(reached) == 2
    best = OmegaConf.load(tmp_path / "optimization_results.yaml")
    assert best.best_value == pytest.approx(max(metrics["macro_f1"] for metrics in reached))


def test_what_a_pipe_gets_is_utf_8_whatever_the_locale(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    monkeypatch.setenv("PYTHONUTF8", "0")
    text = "They met in \u5317\u4eac and \u201cdenied\u201d it."
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": text}])
    command = [sys.executable, str(ROOT / "scripts/predict.py"), f"input={source}", f"model.path={tiny_model}"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout.decode("utf-8"))["text"] == text


def test_stdin_to_stdout_is_json_lines_and_bad_rows_are_told_by_the_exit_status(
    run_script: Run, start_script: Run, tmp_path: Path, tiny_model: Path
) -> None:
    piped = start_script("predict.py", "input=-", f"model.path={tiny_model}", stdin="They deny it. Rain fell.")
    assert [json.loads(line)["text"] for line in piped.stdout.splitlines()] == ["They deny it.", "Rain fell."]
    assert piped.stderr == ""
    (tmp_path / "in.jsonl").write_text('{"text": "they deny"}\n{broken\n')
    done = run_script(
        "predict.py", f"input={tmp_path}/in.jsonl", f"model.path={tiny_model}", f"output={tmp_path}/o.jsonl"
    )
    assert done.returncode == 2
    assert "Set aside: 1 row that could not be labelled" in done.stderr
    assert "Traceback" not in done.stderr
