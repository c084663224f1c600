"""Training: a labelled corpus in, a plain Hugging Face folder with ``stance.json`` out."""

import logging
import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from omegaconf import OmegaConf
from torch import nn
from transformers import (
    AutoTokenizer,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_pt_utils import LengthGroupedSampler

from stance.config import ModelConfig, Precision, TrainConfig, Tuning
from stance.data import Splits, gold_matrix, hash_examples, read_splits, with_unlabelled
from stance.decision import BoolArray, Decision, FloatArray
from stance.errors import ConfigError, ModelError, check_settings
from stance.fingerprints import fingerprint_set, write_fingerprints
from stance.fitting import check_decision, decide_on, fit_thresholds
from stance.inference import encode
from stance.labels import check_label_names
from stance.lessons import make_lessons
from stance.maps import sigmoid
from stance.metrics import measure
from stance.model_file import ModelFile
from stance.network import StanceForSequenceClassification
from stance.objective import Objective, check_objective
from stance.predict import Predictor
from stance.processes import by_the_first, process_count
from stance.progress import Counter, progress, quiet_transformers
from stance.runs import CHECKPOINTS, Run, claim, complete_checkpoints, last_checkpoint
from stance.sources import SETTINGS, WEIGHTS, check_whole, find_source, hash_file
from stance.teachers import hash_teacher
from stance.torch_inference import TorchInference, tokenize_with
from stance.tuning import average, make_tunable, merge
from stance.version import __version__

log = logging.getLogger(__name__)

_FEWEST_TOKENS = 3
"""That say anything: the first and the last stand for the sentence and its end."""
_PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "scikit-learn", "numpy")


def train(config: TrainConfig, folder: Path) -> Predictor:
    """Trains a model into ``folder``, or goes on where an interrupted run with the same settings stopped.

    A folder that already holds the very model asked for is left as it is. Figures on validation are in
    ``model_file.metrics`` of what is returned.

    Raises:
        ConfigError: settings contradict each other, or ``folder`` holds another run and ``overwrite`` is not set.
        DataError: the data are missing or wrong.
        ModelError: the encoder cannot be had.
    """
    labels = check_label_names(config.labels)
    _check(config)
    splits = with_unlabelled(read_splits(labels, config.data, config.seed), config.data)
    base = find_source(config.model.encoder, config.model.revision)
    check_whole(base)
    run = Run(
        settings=_settings(config),
        base={"name": base.name, "sha256": base.sha256} | _teacher_hashes(config),
        data={name: {"n": len(part), "sha256": hash_examples(part)} for name, part in splits.parts.items()},
    )
    set_seed(config.seed)
    # Determinism would fill memory that nothing reads: a quarter of a step's time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    with quiet_transformers():
        network = StanceForSequenceClassification.from_encoder(base.folder, labels, config.model)
    _check_length(network, config.model)
    tokenizer = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
    if by_the_first(lambda: claim(folder, run, overwrite=config.overwrite)):
        trained, history = _fit(network, tokenizer, config, splits, folder / CHECKPOINTS)
        inference = TorchInference(trained, tokenizer, max_length=config.model.max_length, precision=Precision.fp32)
        by_the_first(lambda: _save(inference, splits, config, run, history, folder=folder))
    else:
        log.info("%s already holds this model; overwrite=true trains it again.", folder)
    by_the_first(lambda: shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True))
    return Predictor.from_pretrained(folder)


def _save(
    inference: TorchInference,
    splits: Splits,
    config: TrainConfig,
    run: Run,
    history: list[dict[str, float]],
    *,
    folder: Path,
) -> None:
    logits = inference.logits([example.text for example in splits.validation]).values
    decision, metrics = decide_on(logits, splits.validation, tuple(config.labels), config.decision)
    inference.save_pretrained(folder)
    learned = {name: fingerprint_set(example.text for example in part) for name, part in splits.parts.items()}
    write_fingerprints(folder, learned, run.data)
    (folder / SETTINGS).write_text(OmegaConf.to_yaml(OmegaConf.structured(config)), encoding="utf-8", newline="\n")
    ModelFile(
        decision=decision,
        max_length=config.model.max_length,
        weights_sha256=hash_file(folder / WEIGHTS),
        **vars(run),
        versions={"stance": __version__, **{package: version(package) for package in _PACKAGES}},
        metrics={"validation": asdict(metrics), "history": history},
    ).write(folder)


def _check(config: TrainConfig) -> None:
    check_decision(config.decision)
    training = config.training
    check_settings(
        "training.",
        (
            ("epochs", training.epochs, training.epochs >= 1, "at least 1"),
            ("batch_size", training.batch_size, training.batch_size >= 1, "at least 1"),
            ("learning_rate", training.learning_rate, training.learning_rate > 0, "more than 0"),
            ("weight_decay", training.weight_decay, training.weight_decay >= 0, "at least 0"),
            ("warmup", training.warmup, 0 <= training.warmup < 1, "at least 0 and less than 1"),
            ("frozen_layers", training.frozen_layers, training.frozen_layers >= 0, "at least 0"),
            ("patience", training.patience, training.patience >= 1, "at least 1"),
            ("averaged_epochs", training.averaged_epochs, training.averaged_epochs >= 1, "at least 1"),
            ("checkpoint_steps", training.checkpoint_steps, training.checkpoint_steps >= 1, "at least 1"),
            ("lora_rank", training.lora_rank, training.lora_rank >= 1, "at least 1"),
            ("lora_alpha", training.lora_alpha, training.lora_alpha >= 1, "at least 1"),
        ),
    )
    dropout, repeats = config.model.dropout, config.data.reference_repeats
    check_settings("model.", [("dropout", dropout, 0 <= dropout < 1, "at least 0 and less than 1")])
    check_settings("data.", [("reference_repeats", repeats, repeats >= 1, "at least 1")])
    if config.data.unlabelled is not None and not config.objective.teachers:
        raise ConfigError("data.unlabelled is labelled by teachers: name them, objective.teachers=[large].")
    if training.batch_size % process_count():
        raise ConfigError(
            f"training.batch_size={training.batch_size} cannot be shared evenly by {process_count()} processes."
        )
    check_objective(config.objective)


def _check_length(network: StanceForSequenceClassification, config: ModelConfig) -> None:
    """A sentence longer than the encoder has positions for would end training, or a job that uses the model."""
    encoder = network.encoder.config
    rows = getattr(encoder, "max_position_embeddings", None)
    if rows is None:
        return
    # RoBERTa's kin, MPNet among them, number positions from behind that of padding.
    padding = getattr(getattr(network.encoder, "embeddings", None), "padding_idx", None)
    most = rows if padding is None else rows - padding - 1
    if not _FEWEST_TOKENS <= config.max_length <= most:
        raise ConfigError(
            f"model.max_length={config.max_length} is out of range: expected {_FEWEST_TOKENS} to {most} tokens, for "
            f"which {config.encoder} has positions."
        )


def _teacher_hashes(config: TrainConfig) -> dict[str, str]:
    """Another teacher of the same name makes another run."""
    return {f"{name}_sha256": hash_teacher(name) for name in config.objective.teachers}


def _settings(config: TrainConfig) -> dict[str, Any]:
    """The config as plain values, less what does not bear on the weights."""
    settings: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)  # type: ignore[assignment]
    del settings["name"], settings["overwrite"], settings["training"]["checkpoint_steps"]
    return settings


def _fit(
    network: StanceForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    config: TrainConfig,
    splits: Splits,
    checkpoints: Path,
) -> tuple[StanceForSequenceClassification, list[dict[str, float]]]:
    """Trains the network, from the last checkpoint if there is one; returns it at its best, and how it came there."""
    labels = tuple(config.labels)
    length = config.model.max_length
    # Sentences of like length together, or most of what is computed would be padding.
    validation = sorted(splits.validation, key=lambda example: len(example.text))
    trainer = _Trainer(
        objective=Objective(config.objective),
        model=make_tunable(network, config.training),
        args=_arguments(config, checkpoints),
        train_dataset=_dataset(*make_lessons(splits, config), tokenizer, length),
        eval_dataset=_dataset(
            [example.text for example in validation], gold_matrix(validation, labels), tokenizer, length
        ),
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda outcome: _validate(outcome, labels),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=config.training.patience)],
    )
    trainer.remove_callback(PrinterCallback)
    if config.training.averaged_epochs == 1:  # else checkpoints would crowd out those of whole epochs
        trainer.add_callback(_Checkpoints(config.training.checkpoint_steps))
    start = last_checkpoint(checkpoints)
    if start is not None:
        log.info("Going on from %s.", start)
    with progress("training") as counter, quiet_transformers():
        trainer.add_callback(_Watch(counter))
        trainer.train(resume_from_checkpoint=None if start is None else str(start))
    trained: Any = trainer.model
    if config.training.averaged_epochs > 1:
        average(trained, complete_checkpoints(checkpoints)[-config.training.averaged_epochs :])
    if config.training.tuning is Tuning.lora:
        trained = merge(trained, network, config.training)
    return trained, _history(trainer.state.log_history)


def _arguments(config: TrainConfig, checkpoints: Path) -> TrainingArguments:
    training = config.training
    return TrainingArguments(
        output_dir=str(checkpoints.absolute()),
        num_train_epochs=training.epochs,
        learning_rate=training.learning_rate,
        per_device_train_batch_size=training.batch_size // process_count(),
        per_device_eval_batch_size=64,
        average_tokens_across_devices=False,  # the loss is a mean over sentences
        warmup_steps=training.warmup,
        weight_decay=training.weight_decay,
        bf16=training.bf16,
        use_cpu=not torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=training.averaged_epochs + 1,  # and the best, or the newest
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        seed=config.seed,
        full_determinism=True,
        ddp_find_unused_parameters=False,  # all that are trainable are used
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to="none",
    )


class _Order(LengthGroupedSampler):
    """Sentences of like length together, in an order that hangs on seed and epoch alone.

    So a run that goes on, and several processes that share each batch, see the batches that a single run sees.
    """

    def __init__(self, batch_size: int, lengths: list[int], seed: int) -> None:
        super().__init__(batch_size, lengths=lengths, generator=torch.Generator())
        self._seed = seed

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.generator.manual_seed(1000 * self._seed + epoch)


class _Trainer(Trainer):
    """Batches sentences of like length, and reads each twice where the objective compares two readings."""

    def __init__(self, objective: Objective, **settings: Any) -> None:
        self.objective: Objective = objective
        super().__init__(compute_loss_func=objective, **settings)

    def _get_train_sampler(self, train_dataset: Any = None) -> "_Order":
        examples: Any = self.train_dataset if train_dataset is None else train_dataset
        lengths = [len(ids) for ids in examples["input_ids"]]
        return _Order(self.args.train_batch_size * self.args.world_size, lengths, self.args.seed)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
        """The loss of a batch."""
        if not (self.objective.config.consistency and model.training):
            return super().compute_loss(model, inputs, *args, **options)
        targets = inputs.pop("labels")
        one, other = (model(**inputs).logits for _ in range(2))
        return self.objective.consistent_loss(one, other, targets)


class _Checkpoints(TrainerCallback):
    """Writes checkpoints within epochs too. What is logged with them lets a run that goes on tell its whole loss."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # That of an epoch's end is written after it was judged: a run that goes on from it does not judge it again.
        if state.global_step % self.steps == 0 and not float(state.epoch or 0).is_integer():
            control.should_save = control.should_log = True


class _Watch(TrainerCallback):
    """Counts steps on the progress bar and tells the validation score of each epoch."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.counter.set(state.global_step, total=state.max_steps)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.counter.set(state.global_step)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **told: Any) -> None:
        log.info("epoch %.0f: validation macro F1 %.3f", state.epoch, told["metrics"]["eval_macro_f1"])


def _dataset(
    texts: list[str],
    targets: FloatArray | BoolArray,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
) -> datasets.Dataset:
    tokens = encode(tokenize_with(tokenizer), texts, max_length)
    if tokens.truncated.any():
        log.warning("%d of %d sentences exceed %d tokens: cut.", tokens.truncated.sum(), len(texts), max_length)
    return datasets.Dataset.from_dict({"input_ids": tokens.ids, "labels": targets.astype(np.float32)})


def _validate(outcome: EvalPrediction, labels: tuple[str, ...]) -> dict[str, float]:
    """Macro F1 as the saved model would reach it: at the best thresholds, since half is not where labels divide."""
    logits = np.asarray(outcome.predictions, dtype=np.float64)
    if not np.isfinite(logits).all():
        raise ModelError("Training diverged: the network gives what is no number. Lower training.learning_rate.")
    probabilities = sigmoid(logits)
    gold = np.asarray(outcome.label_ids) > 0
    decision = fit_thresholds(Decision.uncalibrated(labels), probabilities, gold)
    return {"macro_f1": measure(decision.decide(probabilities), gold, labels).macro_f1}


def _history(logged: list[dict[str, float]]) -> list[dict[str, float]]:
    """Per epoch: training loss, validation loss and macro F1."""
    epochs = []
    steps: list[float] = []  # of the epoch so far, and the mean loss over them
    losses: list[float] = []
    step = 0.0
    for entry in logged:
        if "loss" in entry:
            steps.append(entry["step"] - step)
            losses.append(entry["loss"])
            step = entry["step"]
        if "eval_loss" in entry:
            epochs.append(
                {
                    "epoch": entry["epoch"],
                    "train_loss": float(np.average(losses, weights=steps)),
                    "validation_loss": entry["eval_loss"],
                    "validation_macro_f1": entry["eval_macro_f1"],
                }
            )
            steps, losses = [], []
    return epochs
