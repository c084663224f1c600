import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Run

from stance.config import Backend, ModelConfig, Pooling, Precision, TrainConfig
from stance.errors import ConfigError, ModelError
from stance.predict import Predictor
from stance.train import train

pytest.importorskip("openvino", reason="the openvino extra is not installed")

from stance.openvino_inference import OpenVinoInference

TEXTS = ["we resume talks if they deny", "blame the rain", "rain fell " * 60, "", "\ud800 deny"]
OPENVINO = Backend.openvino


@pytest.mark.parametrize("pooling", list(Pooling))
def test_it_answers_as_torch_does_and_each_text_by_itself(
    pooling: Pooling, tiny_config: TrainConfig, tmp_path: Path
) -> None:
    tiny_config.model = ModelConfig(encoder=tiny_config.model.encoder, pooling=pooling, max_length=64)
    expected = train(tiny_config, tmp_path).logits(TEXTS)
    predictor = Predictor.from_pretrained(tmp_path, backend=OPENVINO, precision=Precision.fp32)
    assert predictor.backend == "OpenVINO, fp32"
    assert predictor.logits(TEXTS) == pytest.approx(expected, abs=1e-4)
    for text, row in zip(TEXTS, predictor.logits(TEXTS), strict=True):
        assert predictor.logits([text])[0] == pytest.approx(row, abs=1e-5)


@pytest.mark.parametrize("precision", [Precision.fp32, Precision.bf16])
def test_batches_side_by_side_are_answered_in_order(precision: Precision, tiny_model: Path) -> None:
    texts = [f"they {'deny ' * (position % 50)}if rain fell" for position in range(300)]
    predictor = Predictor.from_pretrained(tiny_model, backend=OPENVINO, precision=precision)
    together = predictor.logits(texts)
    assert together == pytest.approx(np.concatenate([predictor.logits([text]) for text in texts]), abs=1e-5)
    assert predictor.logits(texts).tolist() == together.tolist()


def test_it_makes_nothing_ready_for_many_where_there_are_none(tiny_model: Path) -> None:
    predictor = Predictor.from_pretrained(tiny_model, backend=OPENVINO)
    assert predictor.logits([]).shape == (0, 4)
    assert {"_one", "_many"}.isdisjoint(vars(predictor._inference))


def test_it_knows_the_relative_positions_of_mpnet(
    tiny_config: TrainConfig, mpnet_encoder: Path, tmp_path: Path
) -> None:
    tiny_config.model = ModelConfig(encoder=str(mpnet_encoder), max_length=256)
    texts = [*TEXTS, "if they deny we blame the rain " * 40]
    expected = train(tiny_config, tmp_path / "model").logits(texts)
    predictor = Predictor.from_pretrained(tmp_path / "model", backend=OPENVINO, precision=Precision.fp32)
    assert predictor.logits(texts) == pytest.approx(expected, abs=1e-4)


def test_it_takes_no_more_cores_than_it_may(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    inference = Predictor.from_pretrained(tiny_model, backend=OPENVINO)._inference
    assert isinstance(inference, OpenVinoInference)
    assert inference._one.get_property("INFERENCE_NUM_THREADS") == len(inference._many) == 1


def test_products_in_bf16_say_nearly_the_same(tiny_model: Path) -> None:
    fine, coarse = (
        Predictor.from_pretrained(tiny_model, backend=OPENVINO, precision=kind).logits(TEXTS)
        for kind in (Precision.fp32, Precision.bf16)
    )
    assert coarse == pytest.approx(fine, abs=0.05)


def test_a_model_saved_from_it_is_whole(tiny_model: Path, tmp_path: Path) -> None:
    predictor = Predictor.from_pretrained(tiny_model, backend=OPENVINO, precision=Precision.fp32)
    predictor.save_pretrained(tmp_path)
    assert Predictor.from_pretrained(tmp_path).logits(TEXTS) == pytest.approx(predictor.logits(TEXTS), abs=1e-4)


def test_its_maker_is_not_told_and_torch_is_not_loaded(tiny_model: Path) -> None:
    code = (
        "import sys; from stance.config import Backend; from stance.predict import Predictor; "
        f"Predictor.from_pretrained({str(tiny_model)!r}, backend=Backend.openvino).predict('they deny'); "
        "print([name for name, module in sys.modules.items() "
        "if module and (name == 'torch' or name.startswith('openvino_telemetry'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_it_cannot_run_is_told(
    tiny_config: TrainConfig, distilbert_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_config.model = ModelConfig(encoder=str(distilbert_encoder), max_length=64)
    train(tiny_config, tmp_path / "model")
    with pytest.raises(ConfigError, match=r"known for bert and mpnet encoders, and .* of the kind distilbert"):
        Predictor.from_pretrained(tmp_path / "model", backend=OPENVINO)
    with pytest.raises(ModelError, match="OpenVINO does not multiply in int8"):
        Predictor.from_pretrained(tmp_path / "model", backend=OPENVINO, precision=Precision.int8)
    with pytest.raises(ModelError, match="OpenVINO runs models on the CPU"):
        Predictor.from_pretrained(tmp_path / "model", backend=OPENVINO, device="cuda")
    monkeypatch.setitem(sys.modules, "stance.openvino_inference", None)
    with pytest.raises(ConfigError, match=r'pip install "openvino'):
        Predictor.from_pretrained(tmp_path / "model", backend=OPENVINO)


def test_the_script_takes_it(tiny_model: Path, tmp_path: Path, run_script: Run) -> None:
    (tmp_path / "in.txt").write_text("They deny it. Rain fell.")
    done = run_script(
        *("predict.py", f"input={tmp_path / 'in.txt'}", f"output={tmp_path / 'out'}"),
        *(f"model.path={tiny_model}", "model.backend=openvino"),
    )
    assert done.returncode == 0, done.stderr
    assert '"backend": "OpenVINO' in (tmp_path / "out" / "manifest.json").read_text()
