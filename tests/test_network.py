import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    RobertaConfig,
)

from stance.config import ModelConfig, Pooling
from stance.inference import BATCH_TOKENS, batches_by_length, encode
from stance.network import StanceForSequenceClassification, pool
from stance.torch_inference import TorchInference, tokenize_with


def test_pooling_leaves_padding_out() -> None:
    hidden = torch.tensor([[[1.0, -1.0], [3.0, -5.0], [100.0, 100.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert pool(hidden, mask, Pooling.cls).tolist() == [[1.0, -1.0]]
    assert pool(hidden, mask, Pooling.mean).tolist() == [[2.0, -3.0]]
    assert pool(hidden, mask, Pooling.mean_max).tolist() == [[2.0, -3.0, 3.0, -1.0]]


def test_reading_a_lower_layer_gives_that_layer_s_vectors(tiny_encoder: Path) -> None:
    whole = AutoModel.from_pretrained(tiny_encoder).eval()
    cut = StanceForSequenceClassification.from_encoder(tiny_encoder, ("a",), ModelConfig(layer=2)).eval()
    ids = torch.tensor([[2, 5, 6, 7, 3]])
    with torch.inference_mode():
        expected = whole(input_ids=ids, output_hidden_states=True).hidden_states[2]
        assert torch.equal(cut.encoder(input_ids=ids).last_hidden_state, expected)


@pytest.mark.parametrize("pooling", list(Pooling))
def test_a_saved_network_reloads_to_the_same_logits(tiny_encoder: Path, tmp_path: Path, pooling: Pooling) -> None:
    labels = ("yes", "no", "maybe")
    network = StanceForSequenceClassification.from_encoder(tiny_encoder, labels, ModelConfig(pooling=pooling)).eval()
    network.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert isinstance(again, StanceForSequenceClassification)
    assert again.config.id2label == dict(enumerate(labels))
    assert again.config.problem_type == "multi_label_classification"
    assert str(tiny_encoder) not in (tmp_path / "config.json").read_text()
    ids = torch.randint(5, 40, (4, 9))
    with torch.inference_mode():
        assert torch.equal(again(input_ids=ids).logits, network(input_ids=ids).logits)


SMALL = {"vocab_size": 60, "num_hidden_layers": 3, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}


@pytest.mark.parametrize(
    "config",
    [
        DebertaV2Config(**SMALL),
        DistilBertConfig(vocab_size=60, dim=32, n_layers=3, n_heads=2, hidden_dim=64),
        ElectraConfig(embedding_size=32, **SMALL),
        ModernBertConfig(**SMALL, **SPECIAL),
        MPNetConfig(**SMALL),
        RobertaConfig(**SMALL),
    ],
    ids=lambda config: config.model_type,
)
def test_other_families_of_encoders_are_cut_saved_and_reloaded(config: PreTrainedConfig, tmp_path: Path) -> None:
    AutoModel.from_config(config).save_pretrained(tmp_path / "encoder")
    cut = ModelConfig(layer=2)
    network = StanceForSequenceClassification.from_encoder(tmp_path / "encoder", ("a", "b"), cut).eval()
    network.save_pretrained(tmp_path / "saved")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    ids = torch.randint(5, 50, (2, 7))
    with torch.inference_mode():
        logits = network(input_ids=ids).logits
        assert logits.shape == (2, 2)
        assert torch.equal(again(input_ids=ids).logits, logits)
    assert again.config.encoder.num_hidden_layers == 2


OPENINGS = (
    "import stance; from transformers import pipeline",
    "from transformers import pipeline; import stance",
    "import stance; from transformers import AutoConfig; AutoConfig.from_pretrained(r'{0}');"
    "from transformers import pipeline",
)


def test_pipeline_opens_the_folder_whatever_is_imported_first(tiny_model: Path) -> None:
    answer = (
        f"; found = pipeline('text-classification', r'{tiny_model}', top_k=None)(['they deny'])"
        "; print(sorted(row['label'] for row in found[0]))"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", code.format(tiny_model) + answer], **pipes) for code in OPENINGS]
    for opening, process in zip(OPENINGS, started, strict=True):
        told, errors = process.communicate()
        assert told.strip() == "['accusation', 'condition', 'denial', 'offer']", f"{opening}: {errors}"
        assert "not supported" not in errors


def test_logits_do_not_depend_on_the_batch(tiny_encoder: Path) -> None:
    network = StanceForSequenceClassification.from_encoder(tiny_encoder, ("a", "b"), ModelConfig())
    inference = TorchInference(network, AutoTokenizer.from_pretrained(tiny_encoder), max_length=64)
    texts = [" ".join(["we resume talks if they deny"] * (1 + n % 7)) + "." * n for n in range(60)]
    together = inference.logits(texts).values
    alone = [inference.logits([text]).values[0] for text in texts]
    assert abs(together - alone).max() < 1e-5


def test_batches_cover_everything_once_within_the_budget() -> None:
    lengths = [3, 500, 7, 7, 64, 12, 5000]
    batches = batches_by_length(lengths, BATCH_TOKENS)
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= BATCH_TOKENS


def test_only_what_does_not_fit_is_called_truncated(tiny_encoder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokens = encode(tokenize_with(tokenizer), ["we " * 6, "we " * 7], max_length=8)
    assert tokens.truncated.tolist() == [False, True]
    assert [len(ids) for ids in tokens.ids] == [8, 8]
    assert tokens.ids[1][-1] == tokenizer.sep_token_id
