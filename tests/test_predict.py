import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import stance
from stance.config import Backend, Precision
from stance.decision import Band
from stance.errors import ConfigError, ModelError
from stance.labels import LABELS
from stance.predict import Prediction, Predictor, predict

BF16 = Precision.bf16


def test_one_string_gives_one_prediction_and_several_give_as_many(tiny_predictor: Predictor) -> None:
    one = tiny_predictor.predict("they deny")
    assert isinstance(one, Prediction)
    assert one.text == "they deny"
    assert tuple(one.probabilities) == tiny_predictor.labels == LABELS
    assert tiny_predictor.predict([]) == []
    first, _ = tiny_predictor.predict(["they deny", "rain"])
    assert first.probabilities == pytest.approx(one.probabilities, abs=1e-6)
    assert tiny_predictor.predict(text for text in ("they deny",)) == [one]


def test_labels_are_those_whose_probability_reaches_the_threshold(tiny_predictor: Predictor) -> None:
    texts = ["we resume talks", "they deny", "if the rain fell", "blame the rain"]
    probabilities = tiny_predictor.predict_proba(texts)
    assert probabilities.shape == (4, 4)
    assert tiny_predictor.predict_proba("they deny").shape == (1, 4)
    logits = tiny_predictor.logits(texts)
    assert tiny_predictor.model_file.decision.probabilities(logits) == pytest.approx(probabilities, abs=1e-6)
    for row, prediction in zip(probabilities, tiny_predictor.predict(texts), strict=True):
        assert list(prediction.probabilities.values()) == pytest.approx(row.tolist(), abs=1e-6)
        expected = [label for label, p in prediction.probabilities.items() if p >= tiny_predictor.thresholds[label]]
        assert list(prediction.labels) == expected


def test_uncertain_labels_are_those_within_their_band_whatever_the_thresholds(tiny_predictor: Predictor) -> None:
    bands = (Band(0.2, 0.6), Band(0.0, None), Band(0.9, 0.9), Band(0.5, 0.7))
    decision = replace(tiny_predictor.model_file.decision, bands=bands)
    predictor = Predictor(tiny_predictor._inference, replace(tiny_predictor.model_file, decision=decision))
    assert predictor.bands == dict(zip(LABELS, bands, strict=True))
    texts = ["we resume talks", "they deny", "if the rain fell", "blame the rain"]
    for thresholds in (None, 0.0, 1.0):
        for prediction in predictor.predict(texts, thresholds=thresholds):
            p = prediction.probabilities
            expected = (0.2 <= p["offer"] < 0.6, True, False, 0.5 <= p["condition"] < 0.7)
            assert prediction.uncertain == tuple(label for label, on in zip(LABELS, expected, strict=True) if on)


def test_threads_get_what_each_asked_for(tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{'they deny ' * (position % 60)}if the rain fell" for position in range(400)]  # some are cut
    alone = tiny_predictor.predict(texts)
    inside, most = 0, 0
    logits = tiny_predictor._inference.logits

    def watched(given: list[str]) -> object:
        nonlocal inside, most
        inside, most = inside + 1, max(most, inside + 1)
        try:
            return logits(given)
        finally:
            inside -= 1

    monkeypatch.setattr(tiny_predictor._inference, "logits", watched)
    with ThreadPoolExecutor(4) as threads:
        parts = list(threads.map(tiny_predictor.predict, [texts[start::20] for start in range(20)]))
    assert most == 1
    for start, part in enumerate(parts):
        assert [(each.text, each.truncated) for each in part] == [
            (each.text, each.truncated) for each in alone[start::20]
        ]
        for found, expected in zip(part, alone[start::20], strict=True):
            assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


def test_thresholds_are_replaced_for_one_call(tiny_predictor: Predictor) -> None:
    assert tiny_predictor.predict("they deny", thresholds=1.0).labels == ()
    assert tiny_predictor.predict("they deny", thresholds=0.0).labels == LABELS
    assert "offer" in tiny_predictor.predict("they deny", thresholds={"offer": 0.0}).labels
    with pytest.raises(ConfigError, match="did you mean 'offer'"):
        tiny_predictor.predict("they deny", thresholds={"offr": 0.0})


@pytest.mark.parametrize("blank", ["", "   ", "\n\t\u00a0"])
def test_a_blank_text_carries_nothing_at_any_threshold(tiny_predictor: Predictor, blank: str) -> None:
    for thresholds in (None, 0.0):
        prediction = tiny_predictor.predict(blank, thresholds=thresholds)
        assert prediction.labels == prediction.uncertain == ()
        assert set(prediction.probabilities.values()) == {0.0}


@pytest.mark.parametrize(
    "odd",
    [
        "😀" * 50,
        "لا يوجد اتفاق",
        "\u202edrawkcab\u202c",
        "a\x00b\x07c",
        "lone \ud83d surrogate",
        "\ufeff",
        "ﷺ",
        "e\u0301" * 300,
    ],
)
def test_odd_text_is_labelled_like_any_other(tiny_predictor: Predictor, odd: str) -> None:
    prediction = tiny_predictor.predict(odd)
    assert prediction.text == odd
    assert all(0 < p < 1 for p in prediction.probabilities.values())


def test_a_very_long_text_is_labelled_and_said_to_be_cut(tiny_predictor: Predictor) -> None:
    long, short = tiny_predictor.predict(["they deny " * 50_000, "they deny"])
    assert long.truncated
    assert not short.truncated


@pytest.mark.parametrize("wrong", [None, 7, b"bytes", float("nan")])
def test_what_is_not_text_is_refused_with_its_position(tiny_predictor: Predictor, wrong: object) -> None:
    with pytest.raises(TypeError, match="at position 1"):
        tiny_predictor.predict(["fine", wrong])  # type: ignore[list-item]


def test_a_document_is_split_and_its_sentences_keep_their_offsets(tiny_predictor: Predictor) -> None:
    text = "They deny it. 😀 We resume talks.\n\nRain"
    found = tiny_predictor.predict_document(text)
    assert [p.text for p in found] == ["They deny it.", "😀 We resume talks.", "Rain"]
    assert all(text[p.start : p.end] == p.text for p in found)
    assert found[0].probabilities == pytest.approx(tiny_predictor.predict("They deny it.").probabilities, abs=1e-6)
    assert tiny_predictor.predict_document(" ") == []


def test_logits_take_one_string_as_one_sentence(tiny_predictor: Predictor) -> None:
    assert tiny_predictor.logits("they deny").tolist() == tiny_predictor.logits(["they deny"]).tolist()


def test_a_model_is_not_saved_over_itself(tiny_model: Path) -> None:
    before = (tiny_model / "model.safetensors").read_bytes()
    with pytest.raises(ConfigError, match="where the model was loaded from"):
        Predictor.from_pretrained(tiny_model).save_pretrained(str(tiny_model))
    assert (tiny_model / "model.safetensors").read_bytes() == before


def test_torch_says_that_it_does_not_multiply_in_8_bits(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="PyTorch does not multiply in int8"):
        Predictor.from_pretrained(tiny_model, device="cpu", backend=Backend.torch, precision=Precision.int8)


def test_a_model_saved_again_predicts_the_same(tiny_predictor: Predictor, tmp_path: Path) -> None:
    tiny_predictor.save_pretrained(tmp_path)
    again = Predictor.from_pretrained(tmp_path)
    texts = ["we resume talks if they deny", "rain"]
    assert np.array_equal(again.predict_proba(texts), tiny_predictor.predict_proba(texts))
    assert again.thresholds == tiny_predictor.thresholds


def test_products_in_bf16_say_nearly_the_same(tiny_model: Path) -> None:
    texts = ["we resume talks if they deny", "blame the rain", "rain fell " * 9]
    exact, coarse = (Predictor.from_pretrained(tiny_model, device="cpu", precision=kind) for kind in (None, BF16))
    assert (exact.backend, coarse.backend) == ("PyTorch on cpu, fp32", "PyTorch on cpu, bf16")
    difference = np.abs(exact.logits(texts) - coarse.logits(texts)).max()
    assert 0 < difference < 0.05


def test_the_function_takes_a_folder_or_a_predictor(tiny_model: Path, tiny_predictor: Predictor) -> None:
    expected = tiny_predictor.predict("they deny")
    assert predict("they deny", model=tiny_model) == expected
    assert predict(["they deny"], model=tiny_predictor) == [expected]


def test_weights_that_are_not_those_of_the_model_file_are_refused(tiny_predictor: Predictor, tmp_path: Path) -> None:
    tiny_predictor.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelError, match=r"not the file that stance\.json was written for"):
        Predictor.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, r"holds no stance\.json"),
        ("{", "Cannot read"),
        ("[]", "not a stance model file"),
        ('{"format": 1, "decision": {}}', r"expected format 2, found 1\. Train the model again"),
        ('{"format": 2, "decision": {"maps": [{"kind": "spline"}]}}', "not a stance model file: 'spline'"),
    ],
)
def test_a_model_file_that_cannot_serve_is_told(
    tiny_encoder: Path, tmp_path: Path, content: str | None, told: str
) -> None:
    for file in tiny_encoder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if content is not None:
        (tmp_path / "stance.json").write_text(content)
    with pytest.raises(ModelError, match=told):
        Predictor.from_pretrained(tmp_path)


def test_a_newer_field_in_the_model_file_is_told_not_guessed(tiny_predictor: Predictor, tmp_path: Path) -> None:
    tiny_predictor.save_pretrained(tmp_path)
    path = tmp_path / "stance.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"surprise": 1}))
    with pytest.raises(ModelError, match="surprise"):
        Predictor.from_pretrained(tmp_path)


def test_importing_loads_nothing_heavy_and_binds_no_predict_at_the_root() -> None:
    code = (
        "import sys, stance, stance.predict;"
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy', 'datasets', 'pandas', 'pyarrow', 'hydra'};"
        "heavy &= sys.modules.keys();"
        "print(sorted(heavy), type(stance.predict).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] module"
    assert stance.__all__ == ["LABELS", "__version__"]


def test_a_device_or_threshold_that_is_none_is_told(tiny_model: Path, tiny_predictor: Predictor) -> None:
    with pytest.raises(ModelError, match="Cannot run on device=nowhere"):
        Predictor.from_pretrained(tiny_model, device="nowhere")
    with pytest.raises(ConfigError, match="Expected a threshold from 0 to 1 for 'denial', found half"):
        tiny_predictor.predict("They deny it.", thresholds={"denial": "half"})  # type: ignore[dict-item]
