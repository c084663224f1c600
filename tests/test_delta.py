import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel

from stance.config import TrainConfig, Tuning
from stance.delta import save_delta
from stance.errors import ModelError
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.train import train

TEXTS = ["we resume talks if they deny", "blame the rain", "rain fell", ""]


@pytest.mark.parametrize("tuning", [Tuning.frozen_embeddings, Tuning.lora])
def test_a_delta_predicts_as_the_whole_model_and_keeps_only_what_moved(
    tuning: Tuning, tiny_config: TrainConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    tiny_config.training.tuning, tiny_config.training.lora_rank, tiny_config.model.layer = tuning, 2, 2
    whole = train(tiny_config, tmp_path / "whole")
    save_delta(tmp_path / "whole", tmp_path / "delta")
    kept = load_file(tmp_path / "delta" / "delta.safetensors")
    query = "encoder.encoder.layer.0.attention.self.query.weight"
    assert "encoder.embeddings.word_embeddings.weight" not in kept
    assert "classifier.weight" in kept
    if tuning is Tuning.lora:
        assert kept[f"{query}.up"].shape == (32, 2)
        assert kept[f"{query}.down"].shape == (2, 32)
    else:
        assert kept[query].shape == (32, 32)
    assert {tensor.dtype for tensor in kept.values()} == {torch.float16}
    delta = Predictor.from_pretrained(tmp_path / "delta")
    assert delta.predict_proba(TEXTS) == pytest.approx(whole.predict_proba(TEXTS), abs=1e-2)
    assert delta.model_file.decision == whole.model_file.decision
    assert sorted(path.name for path in (tmp_path / "delta").iterdir()) == [
        "config.json",
        "config.yaml",
        "delta.safetensors",
        "learned.safetensors",
        "stance.json",
    ]


def test_the_base_may_lie_elsewhere_but_must_be_the_same(
    tiny_model: Path, tiny_encoder: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    save_delta(tiny_model, tmp_path / "delta", base="someone/some-encoder")
    moved = shutil.copytree(tiny_encoder, tmp_path / "moved")
    predictor = Predictor.from_pretrained(tmp_path / "delta", base=moved)
    assert predictor.predict_proba(TEXTS) == pytest.approx(tiny_predictor.predict_proba(TEXTS), abs=1e-2)
    with pytest.raises(ModelError, match="is kept as its difference from its base"):
        Predictor.from_pretrained(tmp_path / "delta", base=tmp_path / "delta")
    with pytest.raises(ModelError, match="Could not get 'someone/some-encoder'"):
        Predictor.from_pretrained(tmp_path / "delta")
    other = AutoModel.from_pretrained(tiny_encoder)
    with torch.no_grad():
        other.encoder.layer[0].attention.self.query.weight[0, 0] += 1
    other.save_pretrained(moved)
    with pytest.raises(ModelError, match="is not the base that"):
        Predictor.from_pretrained(tmp_path / "delta", base=moved)


def test_a_model_trained_on_from_a_trained_one_is_kept_as_the_difference_from_the_first_base(
    tiny_config: TrainConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    tiny_config.training.tuning, tiny_config.training.lora_rank = Tuning.lora, 2
    first = train(tiny_config, tmp_path / "first")
    tiny_config.model.encoder, tiny_config.seed = str(tmp_path / "first"), 1
    whole = train(tiny_config, tmp_path / "second")
    save_delta(tmp_path / "second", tmp_path / "delta")
    query = "encoder.encoder.layer.0.attention.self.query.weight"
    assert load_file(tmp_path / "delta" / "delta.safetensors")[f"{query}.up"].shape == (32, 4)
    shutil.rmtree(tmp_path / "first")
    delta = Predictor.from_pretrained(tmp_path / "delta")
    assert delta.predict_proba(TEXTS) == pytest.approx(whole.predict_proba(TEXTS), abs=1e-2)
    assert delta.model_file.base == {
        "name": str(tiny_encoder),
        "sha256": first.model_file.base["sha256"],
        f"{tmp_path / 'first'}_sha256": whole.model_file.base["sha256"],
    }


def test_a_model_whose_base_has_changed_gives_no_delta(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    content = json.loads((folder / "stance.json").read_text())
    content["base"]["sha256"] = "0" * 64
    (folder / "stance.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="is not the base that"):
        save_delta(folder, tmp_path / "delta")
    assert not (tmp_path / "delta").exists()


def test_saving_a_delta_that_was_loaded_gives_a_whole_model(tiny_model: Path, tmp_path: Path) -> None:
    save_delta(tiny_model, tmp_path / "delta")
    loaded = Predictor.from_pretrained(tmp_path / "delta")
    loaded.save_pretrained(tmp_path / "whole")
    again = Predictor.from_pretrained(tmp_path / "whole")
    assert again.predict_proba(TEXTS) == pytest.approx(loaded.predict_proba(TEXTS))
    assert ModelFile.read(tmp_path / "whole").decision == loaded.model_file.decision
