"""Small things that tests share: a tiny random encoder, tiny data, and one really trained model."""

import gc
import io
import json
import logging
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
)

from stance.config import DataConfig, ModelConfig, TrainConfig, TrainingConfig
from stance.predict import Predictor
from stance.train import train

ROOT = Path(__file__).parents[1]
ARTICLE = ROOT / "data" / "article.txt"

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that would ask the network fails instead


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What teachers said is kept apart from the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stance.teachers.CACHE", tmp_path_factory.mktemp("answers"))
        yield


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1 (555) 0100 was dialled.",
    "-2 ships, -3 crews",
    "@SUM(A1:A9)",
    "\t=1+1",
    "  =1+1",
    "＝1+1",  # noqa: RUF001
    "'=1+1",
    "''@x",
    "'Stop,' he said.",
    'He said:\n"no", and\r\nleft; =1+1',
    "\u202egnol era sthgir\u202c \u200fand left\u200e",
    "<script>alert('x')</script> & <b>bold</b>",
    "half a pair \ud83d is lost",
    "None of it, 100 % \\ \u0000 \U0001f600",
]
"""Texts that have broken tables, spreadsheets and pages."""


Run = Callable[..., "subprocess.CompletedProcess[str]"]


def write_jsonl(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pytest_collection_finish() -> None:
    # All is imported now, and stays. Trainers collect garbage again and again, and need not look through that for it.
    gc.freeze()


@pytest.fixture(scope="session")
def run_script() -> Run:
    """Runs a script from the root of the repository or ``cwd``; both outputs are captured.

    In this process, where all is imported already: an error that is none of ours comes out of it as it is.
    """

    def run(script: str, *overrides: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
        command = [str(ROOT / "scripts" / script), *overrides]
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(cwd)
            patch.setattr(sys, "argv", command)
            patch.setattr(logging.root, "handlers", [])  # as in a new process: the script adds its own
            patch.setenv("COLUMNS", "80")
            patch.setenv("HYDRA_FULL_ERROR", "")
            patch.delenv("HYDRA_FULL_ERROR")  # the script sets it; it is gone afterwards
            with pytest.raises(SystemExit) as end:
                runpy.run_path(command[0], run_name="__main__")
        return subprocess.CompletedProcess(command, int(end.value.code or 0), out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def start_script() -> Run:
    """Runs a script as a user would, in a process of its own; otherwise like ``run_script``."""

    def run(script: str, *overrides: str, cwd: Path = ROOT, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(ROOT / "scripts" / script), *overrides]
        return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=900, check=False)

    return run


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of random weights and a vocabulary of letters and a few words: a folder like any encoder's."""
    folder = tmp_path_factory.mktemp("tiny-encoder")
    words = ["ready", "resume", "talks", "deny", "false", "blame", "if", "they", "the", "we", "rain", "fell"]
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *words,
        *map(chr, range(33, 127)),
        *(f"##{chr(c)}" for c in range(33, 127)),
    ]
    tokenizer = Tokenizer(
        models.WordPiece({piece: n for n, piece in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **special).save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=64,
    )
    torch.manual_seed(0)  # a test that asks what is learned should not hang on luck
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def mpnet_encoder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """An MPNet of random weights that the tiny encoder's tokenizer goes with."""
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    network = MPNetModel(MPNetConfig(vocab_size=300, max_position_embeddings=300, **sizes))
    network.encoder.relative_attention_bias.weight.data.normal_()  # as it starts it is too weak to tell
    network.save_pretrained(encoder)
    return encoder


@pytest.fixture
def distilbert_encoder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """An encoder of a kind that no graph is known for."""
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    DistilBertModel(DistilBertConfig(vocab_size=300, dim=32, n_layers=1, n_heads=2, hidden_dim=64)).save_pretrained(
        encoder
    )
    return encoder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty labelled lines of eleven scenarios, enough to run everything and to learn next to nothing."""
    parts = {"offer": "we resume talks", "accusation": "blame the", "denial": "they deny", "condition": "if the rain"}
    rows = []
    for n in range(60):
        labels = [label for bit, label in enumerate(parts) if n >> bit & 1]
        text = " ".join([*(parts[label] for label in labels), "fell" * (1 + n % 5)])
        rows.append({"id": f"t{n}", "text": text, "labels": labels, "scenario": f"s{n % 11}"})
    return write_jsonl(tmp_path_factory.mktemp("tiny-data") / "tiny.jsonl", rows)


def tiny_settings(encoder: Path, data: Path) -> TrainConfig:
    return TrainConfig(
        model=ModelConfig(encoder=str(encoder), max_length=64),
        data=DataConfig(train=str(data), test=str(data)),
        training=TrainingConfig(epochs=2, learning_rate=1e-3),
    )


@pytest.fixture
def tiny_config(tiny_encoder: Path, tiny_data: Path) -> TrainConfig:
    return tiny_settings(tiny_encoder, tiny_data)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, tiny_data: Path) -> Path:
    """The folder of a model trained on the tiny data."""
    folder = tmp_path_factory.mktemp("tiny-model")
    train(tiny_settings(tiny_encoder, tiny_data), folder)
    return folder


@pytest.fixture(scope="session")
def tiny_predictor(tiny_model: Path) -> Predictor:
    return Predictor.from_pretrained(tiny_model)


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory, start_script: Run) -> Path:
    """A folder that looks like the repository's root, with the quickstart model trained in it by the script."""
    root = tmp_path_factory.mktemp("quickstart")
    for name in ("configs", "data", "scripts", "stance"):
        (root / name).symlink_to(ROOT / name)
    done = start_script("train.py", "experiment=quickstart", cwd=root)
    assert done.returncode == 0, done.stderr
    return root
