import copy
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, Run, write_jsonl
from omegaconf import OmegaConf
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, pipeline

from stance.config import DecisionConfig, Pooling, ThresholdGoal, TrainConfig, Tuning
from stance.data import Splits, gold_matrix, read_examples, read_splits, with_unlabelled
from stance.delta import save_delta
from stance.errors import ConfigError, DataError
from stance.fitting import fit_thresholds
from stance.leakage import find_overlaps
from stance.lessons import make_lessons
from stance.metrics import measure
from stance.model_file import ModelFile
from stance.network import StanceForSequenceClassification
from stance.objective import check_objective
from stance.predict import Predictor
from stance.teachers import hash_teacher
from stance.train import train


def weights_of(folder: Path) -> str:
    return ModelFile.read(folder).weights_sha256


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(
    tiny_config: TrainConfig, tiny_model: Path, tmp_path: Path
) -> None:
    predictor = train(tiny_config, tmp_path / "again")
    assert predictor.model_file == ModelFile.read(tmp_path / "again")
    tiny_config.seed = 1
    train(tiny_config, tmp_path / "other")
    assert weights_of(tiny_model) == weights_of(tmp_path / "again") != weights_of(tmp_path / "other")


def test_the_folder_holds_what_was_asked_for_and_nothing_else(tiny_config: TrainConfig, tiny_model: Path) -> None:
    assert {path.name for path in tiny_model.iterdir()} == {
        "config.json",
        "config.yaml",
        "model.safetensors",
        "learned.safetensors",
        "stance.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    content = json.loads((tiny_model / "stance.json").read_text())
    assert content["decision"]["labels"] == tiny_config.labels
    assert content["base"]["name"] == tiny_config.model.encoder
    assert len(content["base"]["sha256"]) == len(content["data"]["train"]["sha256"]) == 64
    assert content["data"]["train"]["n"] + content["data"]["validation"]["n"] == 60
    assert {"stance", "torch", "transformers"} <= content["versions"].keys()
    assert [epoch["epoch"] for epoch in content["metrics"]["history"]] == [1.0, 2.0]
    best = max(epoch["validation_macro_f1"] for epoch in content["metrics"]["history"])
    predictor = Predictor.from_pretrained(tiny_model)
    validation = read_splits(tiny_config.labels, tiny_config.data, tiny_config.seed).validation
    probabilities = predictor.predict_proba([example.text for example in validation])
    gold = gold_matrix(validation, tiny_config.labels)
    decision = fit_thresholds(predictor.model_file.decision, probabilities, gold)
    reached = measure(decision.decide(probabilities), gold, predictor.labels).macro_f1
    assert reached == pytest.approx(best, abs=1e-6), "the weights are those of the best epoch"
    assert content["metrics"]["validation"]["macro_f1"] <= best + 1e-6
    written = OmegaConf.merge(OmegaConf.structured(TrainConfig), OmegaConf.load(tiny_model / "config.yaml"))
    assert OmegaConf.to_object(written) == tiny_config


def test_whoever_may_read_one_of_its_files_may_read_all(tiny_model: Path, tmp_path: Path) -> None:
    save_delta(tiny_model, tmp_path / "delta")
    Predictor.from_pretrained(tmp_path / "delta").save_pretrained(tmp_path / "whole")
    for folder in (tiny_model, tmp_path / "delta", tmp_path / "whole"):
        assert len({path.stat().st_mode for path in folder.iterdir()}) == 1


def test_pipeline_gives_the_uncalibrated_probabilities(tiny_model: Path, tiny_predictor: Predictor) -> None:
    text = "we resume talks if they deny"
    found = pipeline("text-classification", str(tiny_model), top_k=None)([text])[0]
    network = StanceForSequenceClassification.from_pretrained(tiny_model)
    scores = {row["label"]: row["score"] for row in found}
    decision = tiny_predictor.model_file.decision
    logits = torch.logit(torch.tensor([scores[label] for label in tiny_predictor.labels], dtype=torch.float64))
    calibrated = decision.probabilities(logits.numpy()[None])[0]
    assert tiny_predictor.predict_proba(text)[0] == pytest.approx(calibrated, abs=1e-5)
    assert set(network.config.id2label.values()) == set(scores)


def test_the_best_epoch_is_kept_and_training_ends_when_none_has_been_better_for_as_long_as_patience_lasts(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[torch.Tensor] = []

    def on_save(*_: Any, model: torch.nn.Module, **__: Any) -> None:
        saved.append(model.state_dict()["classifier.weight"].clone())

    monkeypatch.setattr(EarlyStoppingCallback, "on_save", on_save)
    scores = iter([0.5, 0.9, 0.1, 0.2, 0.3])
    monkeypatch.setattr("stance.train._validate", lambda *_: {"macro_f1": next(scores)})
    tiny_config.training.epochs, tiny_config.training.patience = 5, 2
    train(tiny_config, tmp_path / "model")
    kept = load_file(tmp_path / "model" / "model.safetensors")["classifier.weight"]
    assert len(saved) == 4
    assert [torch.equal(kept, weights) for weights in saved] == [False, True, False, False]


def test_frozen_embeddings_stay_and_the_rest_moves(
    tiny_config: TrainConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    tiny_config.training.tuning = Tuning.frozen_embeddings
    train(tiny_config, tmp_path)
    before, after = load_file(tiny_encoder / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    words, query = "embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight"
    assert torch.equal(after[f"encoder.{words}"], before[words])
    assert not torch.equal(after[f"encoder.{query}"], before[query])


@pytest.mark.parametrize("bf16", [False, True])
def test_lora_is_merged_into_a_plain_network(
    bf16: bool, tiny_config: TrainConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("peft")
    tiny_config.training.tuning = Tuning.lora
    tiny_config.training.bf16 = bf16  # the base is not: rounded so, it would differ in every direction
    tiny_config.training.lora_rank = 4
    predictor = train(tiny_config, tmp_path)
    before, after = load_file(tiny_encoder / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert not [name for name in after if "lora" in name or "modules_to_save" in name]
    query, norm = "encoder.layer.0.attention.self.query.weight", "embeddings.LayerNorm.weight"
    assert torch.linalg.matrix_rank(after[f"encoder.{query}"] - before[query], rtol=1e-3) <= 4
    assert not torch.equal(after[f"encoder.{query}"], before[query])
    assert torch.equal(after[f"encoder.{norm}"], before[norm])
    assert predictor.predict("they deny").probabilities


@pytest.mark.parametrize("tuning", [Tuning.full, Tuning.lora])
def test_the_weights_of_the_last_epochs_are_averaged(
    tuning: Tuning, tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []

    def on_save(self: TrainerCallback, *_: Any, model: Any, **told: Any) -> None:
        network = copy.deepcopy(model)
        network = network.merge_and_unload() if tuning is Tuning.lora else network
        seen.append(network.state_dict()["classifier.weight"].clone())

    monkeypatch.setattr(EarlyStoppingCallback, "on_save", on_save)
    training = tiny_config.training
    training.tuning, training.epochs, training.averaged_epochs = tuning, 3, 2
    train(tiny_config, tmp_path / "averaged")
    after = load_file(tmp_path / "averaged" / "model.safetensors")
    assert len(seen) == 3
    assert torch.allclose(after["classifier.weight"], (seen[1] + seen[2]) / 2, atol=1e-6)
    assert not torch.allclose(seen[1], seen[2], atol=1e-6)


@pytest.mark.parametrize("tuning", [Tuning.full, Tuning.lora])
def test_frozen_layers_stay_and_those_above_move(
    tuning: Tuning, tiny_config: TrainConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    tiny_config.training.tuning, tiny_config.training.frozen_layers = tuning, 2
    train(tiny_config, tmp_path / "model")
    before, after = load_file(tiny_encoder / "model.safetensors"), load_file(tmp_path / "model" / "model.safetensors")
    query = "encoder.layer.{}.attention.self.query.weight".format
    assert [torch.equal(after[f"encoder.{query(n)}"], before[query(n)]) for n in range(3)] == [True, True, False]
    assert torch.equal(after["encoder.embeddings.word_embeddings.weight"], before["embeddings.word_embeddings.weight"])
    tiny_config.training.frozen_layers = 4
    with pytest.raises(ConfigError, match="too many: the encoder has 3"):
        train(tiny_config, tmp_path / "another")


def test_training_goes_on_from_a_model_with_its_head_where_labels_are_the_same(
    tiny_config: TrainConfig, tiny_model: Path, tmp_path: Path
) -> None:
    labels = tuple(tiny_config.labels)
    first = load_file(tiny_model / "model.safetensors")
    tiny_config.model.encoder = str(tiny_model)
    network = StanceForSequenceClassification.from_encoder(tiny_model, labels, tiny_config.model)
    assert all(torch.equal(value, first[name]) for name, value in network.state_dict().items())
    other = StanceForSequenceClassification.from_encoder(tiny_model, labels[::-1], tiny_config.model)
    assert not torch.equal(other.classifier.weight, first["classifier.weight"])
    assert torch.equal(
        other.encoder.state_dict()["embeddings.LayerNorm.weight"], first["encoder.embeddings.LayerNorm.weight"]
    )
    tiny_config.model.layer = 1
    train(tiny_config, tmp_path)
    assert ModelFile.read(tmp_path).base["sha256"] == weights_of(tiny_model)


def test_a_teacher_is_learned_from_and_belongs_to_the_run(
    tiny_config: TrainConfig, tiny_data: Path, tiny_model: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    examples = read_examples(tiny_data, tiny_config.labels)
    texts = [example.text for example in examples]
    tiny_config.objective.teachers, tiny_config.objective.teacher_weight = [str(tiny_model)], 0.25
    gold = np.array([[label in example.labels for label in tiny_config.labels] for example in examples])
    wanted = 0.75 * gold + 0.25 * tiny_predictor.predict_proba(texts)
    told, answers = make_lessons(Splits(examples, []), tiny_config)
    assert told == texts
    assert answers == pytest.approx(wanted)
    train(tiny_config, tmp_path / "pupil")
    assert ModelFile.read(tmp_path / "pupil").base[f"{tiny_model}_sha256"] == hash_teacher(str(tiny_model))
    assert weights_of(tmp_path / "pupil") != weights_of(tiny_model)


def test_variants_are_labelled_by_the_teachers_alone(
    tiny_config: TrainConfig, tiny_data: Path, tiny_model: Path, tiny_predictor: Predictor
) -> None:
    examples = read_examples(tiny_data, tiny_config.labels)
    tiny_config.objective.teachers, tiny_config.objective.variants = [str(tiny_model)], 2
    texts, answers = make_lessons(Splits(examples, []), tiny_config)
    varied = texts[len(examples) :]
    assert len(varied) == 2 * len(examples)
    assert answers[len(examples) :] == pytest.approx(tiny_predictor.predict_proba(varied))
    tiny_config.seed += 1
    assert make_lessons(Splits(examples, []), tiny_config)[0] == texts
    tiny_config.objective.teachers = []
    with pytest.raises(ConfigError, match="labelled by teachers"):
        check_objective(tiny_config.objective)


def test_unlabelled_sentences_are_learned_from_as_the_teachers_label_them(
    tiny_config: TrainConfig, tiny_data: Path, tiny_model: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    more = [{"text": f"Sentence {n} of a speech offers peace.", "labels": "unknown"} for n in range(5)]
    tiny_config.data.unlabelled = str(write_jsonl(tmp_path / "speeches.jsonl", more))
    with pytest.raises(ConfigError, match="labelled by teachers"):
        train(tiny_config, tmp_path / "pupil")
    tiny_config.objective.teachers, tiny_config.objective.variants = [str(tiny_model)], 1
    labelled = read_splits(tiny_config.labels, tiny_config.data, tiny_config.seed)
    splits = with_unlabelled(labelled, tiny_config.data)
    texts, answers = make_lessons(splits, tiny_config)
    assert len(texts) == 2 * len(splits.train) + 5
    assert texts[-5:] == [row["text"] for row in more]
    assert answers[-5:] == pytest.approx(tiny_predictor.predict_proba(texts[-5:]))
    pupil = train(tiny_config, tmp_path / "pupil")
    assert pupil.model_file.data["unlabelled"]["n"] == 5
    overlaps = find_overlaps(pupil, splits.unlabelled)
    assert overlaps is not None
    assert [(overlap.learned, overlap.exact) for overlap in overlaps] == [("unlabelled", True)] * 5


def test_a_teacher_of_other_labels_is_refused(tiny_config: TrainConfig, tiny_model: Path, tmp_path: Path) -> None:
    tiny_config.labels = tiny_config.labels[::-1]
    tiny_config.objective.teachers = [str(tiny_model)]
    with pytest.raises(ConfigError, match="knows other labels"):
        train(tiny_config, tmp_path)


def test_two_processes_make_the_model_that_one_makes(
    tiny_encoder: Path, tiny_data: Path, run_script: Run, tmp_path: Path
) -> None:
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    config = json.loads((encoder / "config.json").read_text())
    # Without dropout, since each process drops at random on its own.
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (encoder / "config.json").write_text(json.dumps(config))
    settings = [
        *("data=table", f"data.train={tiny_data}", f"data.validation={tiny_data}"),  # sixty: every batch is full
        *("model=hub", f"model.encoder={encoder}", "model.dropout=0"),
        *("training=full", "training.epochs=1", "training.batch_size=4"),
    ]
    alone = run_script("train.py", *settings, f"hydra.run.dir={tmp_path}/alone")
    assert alone.returncode == 0, alone.stderr
    command = ["-m", "torch.distributed.run", "--nproc_per_node=2", str(ROOT / "scripts" / "train.py")]
    both = subprocess.run(
        [sys.executable, *command, *settings, f"hydra.run.dir={tmp_path}/both"],
        capture_output=True, text=True, timeout=300, check=False, cwd=ROOT,
    )  # fmt: skip
    assert both.returncode == 0, both.stderr
    assert both.stdout.count("Saved in") == 1
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("alone", "both"))
    moved = load_file(encoder / "model.safetensors")
    for name, weight in one.items():
        assert torch.allclose(other[name], weight, atol=1e-5), name
    query = "encoder.layer.2.attention.self.query.weight"
    assert (one[f"encoder.{query}"] - moved[query]).abs().max() > 1e-3


def test_two_readings_that_must_agree_change_what_is_learned(
    tiny_config: TrainConfig, tiny_model: Path, tmp_path: Path
) -> None:
    tiny_config.objective.consistency = 1.0
    train(tiny_config, tmp_path)
    assert weights_of(tmp_path) != weights_of(tiny_model)


def test_lora_without_peft_says_what_to_install(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    tiny_config.training.tuning = Tuning.lora
    with pytest.raises(ConfigError, match=r'pip install "peft'):
        train(tiny_config, tmp_path)


def test_own_labels_pooling_and_layer_travel_with_the_model(tiny_config: TrainConfig, tmp_path: Path) -> None:
    rows = [{"text": f"we deny {'x' * n}", "labels": "hope" if n % 2 else "fear"} for n in range(20)]
    tiny_config.labels = ["hope", "fear"]
    tiny_config.data.train = str(write_jsonl(tmp_path / "own.jsonl", rows))
    tiny_config.model.pooling, tiny_config.model.layer = Pooling.cls, 1
    train(tiny_config, tmp_path / "model")
    predictor = Predictor.from_pretrained(tmp_path / "model")
    assert predictor.labels == ("hope", "fear")
    assert tuple(predictor.predict("we deny").probabilities) == ("hope", "fear")


def test_a_model_that_is_there_is_not_trained_again_and_never_silently_replaced(
    tiny_config: TrainConfig, tiny_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_model, tmp_path, dirs_exist_ok=True)
    written = (tmp_path / "model.safetensors").stat().st_mtime_ns
    train(tiny_config, tmp_path)
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == written
    tiny_config.training.epochs = 1
    with pytest.raises(ConfigError, match=r"settings\.training\.epochs: 2 there, 1 now.*overwrite=true"):
        train(tiny_config, tmp_path)
    tiny_config.overwrite = True
    assert train(tiny_config, tmp_path).model_file.settings["training"]["epochs"] == 1


def test_settings_out_of_range_are_refused_before_anything_is_written(tiny_config: TrainConfig, tmp_path: Path) -> None:
    tiny_config.training.warmup = 3
    with pytest.raises(ConfigError, match=r"training\.warmup=3 is out of range"):
        train(tiny_config, tmp_path / "model")
    tiny_config.training.warmup = 0
    tiny_config.decision = DecisionConfig(goal=ThresholdGoal.precision)
    with pytest.raises(ConfigError, match=r"needs decision\.at_least"):
        train(tiny_config, tmp_path / "model")
    tiny_config.decision = DecisionConfig()
    tiny_config.model.layer = 9
    with pytest.raises(ConfigError, match=r"model\.layer=9.*has 3"):
        train(tiny_config, tmp_path / "model")
    tiny_config.model.layer = None
    for length in (2, 1000):
        tiny_config.model.max_length = length
        with pytest.raises(ConfigError, match=rf"model\.max_length={length} is out of range: expected 3 to"):
            train(tiny_config, tmp_path / "model")
    tiny_config.model.max_length = 64
    tiny_config.data.train = str(tmp_path / "missing.jsonl")
    with pytest.raises(DataError, match="There is no file"):
        train(tiny_config, tmp_path / "model")
    assert not (tmp_path / "model").exists()


KILLED = """
import sys
from omegaconf import OmegaConf
from pathlib import Path
from stance.config import TrainConfig
from stance.train import train
config = OmegaConf.merge(OmegaConf.structured(TrainConfig), OmegaConf.load(sys.argv[1]))
train(OmegaConf.to_object(config), Path(sys.argv[2]))
"""


def test_a_checkpoint_at_the_end_of_an_epoch_is_of_one_that_was_judged(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_config.training.epochs = tiny_config.training.patience = 3
    tiny_config.training.checkpoint_steps = 2  # four steps an epoch
    saved: list[tuple[int, bool]] = []
    save = Trainer._save_checkpoint

    def saving(self: Trainer, *how: Any) -> None:
        judged = any(
            "eval_loss" in entry and entry["step"] == self.state.global_step for entry in self.state.log_history
        )
        saved.append((self.state.global_step, judged))
        save(self, *how)

    monkeypatch.setattr(Trainer, "_save_checkpoint", saving)
    train(tiny_config, tmp_path / "model")
    assert saved == [(2, False), (4, True), (6, False), (8, True), (10, False), (12, True)]


@pytest.mark.parametrize("checkpoint_steps", [1000, 3], ids=["after an epoch", "within one"])
def test_a_killed_run_goes_on_to_the_weights_of_an_uninterrupted_one(
    checkpoint_steps: int, tiny_config: TrainConfig, tmp_path: Path
) -> None:
    tiny_config.training.epochs, tiny_config.training.patience = 6, 6
    tiny_config.training.checkpoint_steps = checkpoint_steps
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(tiny_config, whole)
    command = [sys.executable, "-c", KILLED, str(whole / "config.yaml"), str(killed)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        while process.poll() is None and not list(killed.glob("checkpoints/checkpoint-*/trainer_state.json")):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert not (killed / "stance.json").exists(), "the run ended before it could be killed"
    assert checkpoint_steps == 1000 or (killed / "checkpoints" / "checkpoint-3").exists()  # four steps an epoch
    # A checkpoint that was cut off while being written must not be gone on from.
    (killed / "checkpoints" / "checkpoint-9999").mkdir()
    (killed / "checkpoints" / "checkpoint-9999" / "trainer_state.json").write_text('{"global_st')
    other = OmegaConf.to_object(OmegaConf.structured(tiny_config))
    other.seed = 5
    with pytest.raises(
        ConfigError, match=r"an unfinished run made with other settings \(settings\.seed: 0 there, 5 now"
    ):
        train(other, killed)
    train(tiny_config, killed)
    assert weights_of(killed) == weights_of(whole)
    assert ModelFile.read(killed).metrics == ModelFile.read(whole).metrics
    assert not (killed / "checkpoints").exists()
