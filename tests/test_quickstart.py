"""The real thing: the quickstart trained from the shipped data and the embedded base, as the README promises."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ARTICLE, ROOT, Run
from transformers import pipeline

from stance.predict import Predictor

pytestmark = pytest.mark.trained

PHRASE = "ready to resume if the US is ready"


@pytest.fixture(scope="module")
def predictor(quickstart: Path) -> Predictor:
    return Predictor.from_pretrained(quickstart / "outputs" / "quickstart")


def test_the_model_beats_both_baselines_and_the_promised_figure(quickstart: Path, start_script: Run) -> None:
    done = start_script("evaluate.py", "model.path=outputs/quickstart", "words=false", cwd=quickstart)
    assert done.returncode == 0, done.stderr
    report = json.loads((quickstart / "outputs/quickstart/evaluation-test.json").read_text())
    assert report["quality"]["n"] == len((ROOT / "data/written/test.jsonl").read_text().splitlines())
    macro_f1 = report["quality"]["macro"]["f1"]["value"]
    assert macro_f1 >= 0.70
    assert len(report["baselines"]) == 2
    for rival in report["baselines"].values():
        assert macro_f1 > rival["quality"]["macro"]["f1"]["value"]
    assert not report["trained_on_it"]


def test_an_offer_under_a_condition_is_both(predictor: Predictor) -> None:
    assert predictor.predict(f"Moscow is {PHRASE}.").labels == ("offer", "condition")


def test_the_site_s_boilerplate_at_the_end_of_an_article_carries_nothing(predictor: Predictor) -> None:
    found = predictor.predict_document(ARTICLE.read_text(encoding="utf-8"))
    assert [prediction.labels for prediction in found[-3:]] == [(), (), ()]
    assert any(prediction.labels for prediction in found)


def test_pipeline_and_predictor_agree_before_calibration(quickstart: Path, predictor: Predictor) -> None:
    texts = [sentence.text for sentence in predictor.predict_document(ARTICLE.read_text(encoding="utf-8"))]
    folder = quickstart / "outputs" / "quickstart"
    scores = np.array(
        [
            [{row["label"]: row["score"] for row in found}[label] for label in predictor.labels]
            for found in pipeline("text-classification", str(folder), top_k=None)(texts)
        ]
    )
    ours = 1 / (1 + np.exp(-predictor._inference.logits(texts).values.astype(np.float64)))
    assert abs(scores - ours).max() < 1e-5


def test_a_model_moved_elsewhere_predicts_the_same(quickstart: Path, predictor: Predictor, tmp_path: Path) -> None:
    moved = shutil.copytree(quickstart / "outputs" / "quickstart", tmp_path / "moved")
    assert Predictor.from_pretrained(moved).predict(PHRASE) == predictor.predict(PHRASE)
