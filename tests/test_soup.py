import shutil
from pathlib import Path

import pytest
import torch
from conftest import Run, tiny_settings
from safetensors.torch import load_file

from stance.config import SoupConfig, TrainConfig
from stance.delta import save_delta
from stance.errors import ConfigError, DataError, ModelError
from stance.model_file import ModelFile
from stance.soup import soup
from stance.sources import LEARNED
from stance.train import train


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, tiny_data: Path) -> Path:
    """A folder with two models of one recipe; with a validation file, so that both have the same."""
    folder, config = tmp_path_factory.mktemp("sweep"), tiny_settings(tiny_encoder, tiny_data)
    config.data.validation = config.data.train
    for seed in (0, 1):
        config.seed = seed
        train(config, folder / f"seed={seed}")
    return folder


def test_its_weights_are_the_mean_and_it_is_fitted_anew(seeds: Path, tmp_path: Path, run_script: Run) -> None:
    done = run_script("soup.py", f"folder={seeds}", f"hydra.run.dir={tmp_path / 'soup'}")
    assert done.returncode == 0, done.stderr
    one, other, mean = (load_file(path / "model.safetensors") for path in (*sorted(seeds.iterdir()), tmp_path / "soup"))
    assert all(torch.allclose(mean[name], (one[name] + other[name]) / 2, atol=1e-6) for name in mean)
    members = [ModelFile.read(path) for path in sorted(seeds.iterdir())]
    made = ModelFile.read(tmp_path / "soup")
    assert made.settings["mean_of"] == [member.weights_sha256 for member in members]
    assert made.data == members[0].data
    assert made.decision != members[0].decision
    assert made.settings["decision"]["error_rate"] == SoupConfig(folder="").decision.error_rate
    assert (tmp_path / "soup" / LEARNED).read_bytes() == (seeds / "seed=0" / LEARNED).read_bytes()
    with pytest.raises(ConfigError, match=r"holds a model.*overwrite=true"):
        soup(SoupConfig(folder=str(seeds)), tmp_path / "soup")


def test_other_recipes_and_other_data_are_refused(seeds: Path, tiny_config: TrainConfig, tmp_path: Path) -> None:
    several = shutil.copytree(seeds, tmp_path / "several")
    tiny_config.training.epochs = 1
    train(tiny_config, several / "another,seed=0")
    with pytest.raises(ConfigError, match="several recipes"):
        soup(SoupConfig(folder=str(several)), tmp_path / "soup")


def test_members_that_are_kept_as_deltas_are_refused_before_anything_is_touched(seeds: Path, tmp_path: Path) -> None:
    for member in seeds.iterdir():
        save_delta(member, tmp_path / "deltas" / member.name)
    with pytest.raises(ModelError, match="is kept as its difference from its base"):
        soup(SoupConfig(folder=str(tmp_path / "deltas")), tmp_path / "soup")
    assert not (tmp_path / "soup").exists()


def test_validation_sentences_that_have_changed_are_told(
    seeds: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.own_data.hash_examples", lambda _: "another")
    with pytest.raises(DataError, match="not the validation sentences of the model"):
        soup(SoupConfig(folder=str(seeds)), tmp_path / "soup")
    assert not (tmp_path / "soup").exists()
