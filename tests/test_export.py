import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import get_ident

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT, tiny_settings
from torch.nn.functional import gelu

from stance import export as module
from stance import onnx_inference as module_of_onnx
from stance.config import ExportConfig, ModelConfig, Pooling, Precision, TrainConfig, TrainedModelConfig
from stance.data import read_examples
from stance.errors import ConfigError, DataError, ModelError
from stance.export import export, write_graph
from stance.graph import _FUSED, OPSET, _Graph
from stance.graph_weights import OTHERS, OUTLIERS, _hidden_projection, _projection
from stance.labels import LABELS
from stance.model_file import ModelFile
from stance.onnx_inference import OnnxInference
from stance.own_data import read_own_splits
from stance.predict import Predictor
from stance.sources import GRAPHS
from stance.torch_inference import TorchInference
from stance.train import train

TEXTS = ["we resume talks if they deny", "blame the rain", "rain fell " * 60, "", "\ud800 deny"]


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path, tiny_data: Path) -> Path:
    """The folder of a tiny model with its graphs."""
    folder = tmp_path_factory.mktemp("exported")
    config = tiny_settings(tiny_encoder, tiny_data)
    config.data.validation = config.data.train
    train(config, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_FLIPS", 1.0)  # it has learned next to nothing: all is near its thresholds
        export(ExportConfig(model=TrainedModelConfig(path=str(folder))))
    return folder


@pytest.mark.parametrize("pooling", list(Pooling))
def test_the_graph_answers_as_the_network_does(pooling: Pooling, tiny_config: TrainConfig, tmp_path: Path) -> None:
    tiny_config.model = ModelConfig(encoder=tiny_config.model.encoder, pooling=pooling, max_length=64)
    torch_predictor = train(tiny_config, tmp_path)
    write_graph(TorchInference.from_pretrained(tmp_path, max_length=64), tmp_path)
    onnx_predictor = Predictor.from_pretrained(tmp_path)
    assert isinstance(onnx_predictor._inference, OnnxInference)
    assert onnx_predictor.predict_proba(TEXTS) == pytest.approx(torch_predictor.predict_proba(TEXTS), abs=1e-4)
    assert [one.truncated for one in onnx_predictor.predict(TEXTS)] == [False, False, True, False, False]
    alone = [onnx_predictor.predict(text) for text in TEXTS]
    assert [one.probabilities for one in onnx_predictor.predict(TEXTS)] == [
        pytest.approx(one.probabilities, abs=1e-5) for one in alone
    ]


def test_a_graph_for_mpnet_knows_its_relative_positions(
    tiny_config: TrainConfig, mpnet_encoder: Path, tmp_path: Path
) -> None:
    tiny_config.model = ModelConfig(encoder=str(mpnet_encoder), max_length=256)
    torch_predictor = train(tiny_config, tmp_path / "model")
    write_graph(TorchInference.from_pretrained(tmp_path / "model", max_length=256), tmp_path / "model")
    texts = [*TEXTS, "if they deny we blame the rain " * 40]
    onnx_predictor = Predictor.from_pretrained(tmp_path / "model")
    assert onnx_predictor.predict_proba(texts) == pytest.approx(torch_predictor.predict_proba(texts), abs=1e-4)


def test_an_encoder_without_a_graph_is_told(tiny_config: TrainConfig, distilbert_encoder: Path, tmp_path: Path) -> None:
    tiny_config.model = ModelConfig(encoder=str(distilbert_encoder), max_length=64)
    train(tiny_config, tmp_path / "model")
    with pytest.raises(ConfigError, match=r"for bert and mpnet encoders.*distilbert"):
        write_graph(TorchInference.from_pretrained(tmp_path / "model", max_length=64), tmp_path / "model")


def test_the_graph_holds_no_weights_and_nothing_of_this_machine(exported: Path) -> None:
    graph = exported / "graph.onnx"
    model = onnx.load(graph, load_external_data=False)
    inside = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    assert inside < 10_000  # positions
    assert str(ROOT).encode() not in graph.read_bytes()


@pytest.mark.parametrize("graph", ["damaged", "of other arrays"])
def test_a_graph_that_cannot_run_is_told_with_what_to_do(graph: str, exported: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(exported, tmp_path / "model")
    path = folder / GRAPHS[Precision.fp32]
    if graph == "damaged":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        model = onnx.load(path, load_external_data=False)
        for tensor in model.graph.initializer:
            if tensor.external_data:
                tensor.name += " of old"
        path.write_bytes(model.SerializeToString())
    predictor = Predictor.from_pretrained(folder, precision=Precision.fp32)
    with pytest.raises(ModelError, match=rf"cannot run {path}: .* scripts/export\.py model\.path={folder} "):
        predictor.predict("they deny")
    export(ExportConfig(model=TrainedModelConfig(path=str(folder))))
    assert Predictor.from_pretrained(folder, precision=Precision.fp32).predict("they deny")


def test_a_delta_with_a_graph_needs_no_torch(exported: Path, tmp_path: Path) -> None:
    whole = Predictor.from_pretrained(exported)
    export(ExportConfig(model=TrainedModelConfig(path=str(exported)), graph=False, delta=str(tmp_path / "delta")))
    code = (
        "import sys; from stance.predict import Predictor; "
        f"print(Predictor.from_pretrained({str(tmp_path / 'delta')!r}).predict('they deny').probabilities['denial']); "
        "print(*sorted({'torch', 'transformers', 'sklearn'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    probability, loaded = run.stdout.splitlines()
    assert float(probability) == pytest.approx(whole.predict("they deny").probabilities["denial"], abs=1e-2)
    assert loaded == ""


def test_a_model_loaded_by_its_graph_is_saved_whole(exported: Path, tmp_path: Path) -> None:
    first = Predictor.from_pretrained(exported)
    first.save_pretrained(tmp_path / "second")
    second = Predictor.from_pretrained(tmp_path / "second")
    assert second.predict_proba(TEXTS) == pytest.approx(first.predict_proba(TEXTS), abs=1e-6)


@pytest.mark.parametrize("precision", list(GRAPHS))
def test_an_answer_does_not_hang_on_what_stands_beside_it(exported: Path, precision: Precision) -> None:
    predictor = Predictor.from_pretrained(exported, precision=precision)
    texts = [f"{'they deny ' * (n % 23)}if we resume {n}" for n in range(256)]
    together = predictor.predict_proba(texts)
    alone = [predictor.predict_proba(text)[0] for text in texts]
    assert together == pytest.approx(np.array(alone), abs=1e-5)


def test_a_network_takes_no_more_cores_than_it_may(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def threads() -> int:
        inference = Predictor.from_pretrained(exported)._inference
        assert isinstance(inference, OnnxInference)
        return int(inference._one.get_session_options().intra_op_num_threads)

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert threads() == 0  # ONNX Runtime chooses
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {1, 2}, raising=False)
    assert threads() == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3


def test_of_several_batches_each_has_a_core(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    inference = Predictor.from_pretrained(exported, cascade=False)._inference
    assert isinstance(inference, OnnxInference)
    at_once: set[int] = set()
    answer = module_of_onnx._answer
    monkeypatch.setattr(module_of_onnx, "_answer", lambda *given: (at_once.add(get_ident()), answer(*given))[1])
    inference.logits([f"{'they deny ' * (n % 23)}if we resume {n}" for n in range(400)])
    assert inference._many.get_session_options().intra_op_num_threads == 1
    assert 1 <= len(at_once) <= 3
    assert "_one" not in vars(inference), "what is not needed is not made"


def test_8_bits_are_used_where_they_were_seen_to_give_the_same_labels(exported: Path, tiny_data: Path) -> None:
    texts = [example.text for example in read_examples(tiny_data, LABELS)]
    exact, other = (Predictor.from_pretrained(exported, precision=kind) for kind in GRAPHS)
    flips = sum(
        len({*one.labels} ^ {*two.labels}) for one, two in zip(exact.predict(texts), other.predict(texts), strict=True)
    )
    assert ModelFile.read(exported).metrics["int8"] == {"sentences": 60, "decisions": 240, "flips": flips}
    logits = [predictor._inference.logits(texts).values for predictor in (exact, other)]
    assert 0 < abs(logits[0] - logits[1]).max() < 0.05
    assert Predictor.from_pretrained(exported).predict(texts) == other.predict(texts)


def projected(values: np.ndarray, weight: np.ndarray, *, hidden: bool, of_gelu: bool = False) -> np.ndarray:
    """What a projection in 8 bits gives, of which the channels 0 to 3 are outliers if it is of what is hidden."""
    graph, few = _Graph({}, Precision.int8, outliers=hidden), np.arange(4)
    if hidden:
        name = graph.project_hidden("values", "part")
        others = (np.arange(values.shape[-1]) >= 4).astype(np.float32)
        arrays = {OUTLIERS: few, OTHERS: others, **_hidden_projection("part", weight, Precision.int8, few)}
    else:
        name = graph.project("values", "part", of_gelu=of_gelu)
        arrays = _projection("part", weight, Precision.int8)
    given, wanted = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in ("values", name))
    constants = [onnx.numpy_helper.from_array(array, key) for key, array in arrays.items()]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "part", [given], [wanted], [*graph.constants.values(), *constants]),
        opset_imports=[onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid(_FUSED, 1)],
        ir_version=10,
    )
    (found,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"values": values})
    return np.asarray(found)


def test_channels_that_are_far_larger_than_the_others_leave_them_their_8_bits() -> None:
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=(200, 64)).astype(np.float32), rng.normal(size=(96, 64)).astype(np.float32)
    values[:, :4] *= 50
    exact, rest = values @ weight.T, values[:, 4:] @ weight.T[4:]
    errors = [abs(projected(values, weight, hidden=hidden) - exact).mean() for hidden in (True, False)]
    assert errors[0] < abs(rest).mean() / 50
    assert errors[1] > 10 * errors[0]


def test_what_gelu_gives_has_nearly_all_of_its_8_bits_above_0() -> None:
    rng = np.random.default_rng(0)
    weight = rng.integers(-63, 64, (96, 64)).astype(np.float32)
    weight[:, 0] = 63  # so that all of it is exact in 7 bits
    values = gelu(torch.from_numpy(3 * rng.normal(size=(200, 64)).astype(np.float32))).numpy()
    exact = values @ weight.T
    errors = [abs(projected(values, weight, hidden=False, of_gelu=known) - exact).mean() for known in (True, False)]
    assert errors[0] < 0.6 * errors[1]
    small = gelu(torch.linspace(-5, 0.3, 640)).numpy().reshape(10, 64)
    assert projected(small, weight, hidden=False, of_gelu=True) == pytest.approx(small @ weight.T, abs=15)


def test_8_bits_that_give_other_labels_are_not_kept(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(exported, tmp_path / "copy")
    monkeypatch.setattr(module, "MOST_FLIPS", -1.0)
    export(ExportConfig(model=TrainedModelConfig(path=str(folder))))
    assert "decisions about validation sentences" in caplog.text
    assert not (folder / "graph.int8.onnx").exists()
    with pytest.raises(ModelError, match="cannot run in ONNX Runtime in int8"):
        Predictor.from_pretrained(folder, precision=Precision.int8)


def test_a_graph_that_answers_otherwise_is_not_kept(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "stance.json"):
        (tmp_path / name).write_bytes((tiny_model / name).read_bytes())
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="differs from the network"):
        write_graph(TorchInference.from_pretrained(tmp_path, max_length=64), tmp_path)
    assert not (tmp_path / "graph.onnx").exists()


def test_a_graph_that_answers_with_what_is_no_number_is_not_kept(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "copy")
    network = TorchInference.from_pretrained(folder, max_length=64)
    nothing = lambda _, batches: (np.full((len(ids), 4), np.nan) for ids, _ in batches)  # noqa: E731
    monkeypatch.setattr(OnnxInference, "_run", nothing)
    with pytest.raises(ModelError, match="differs from the network by nan"):
        write_graph(network, folder)
    assert not (folder / "graph.onnx").exists()


def test_8_bits_are_not_checked_on_other_sentences_than_the_models_own(
    exported: Path, tiny_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = shutil.copytree(exported, tmp_path / "copy")
    before = (folder / "graph.int8.onnx").read_bytes()
    model_file = ModelFile.read(folder)
    own = tmp_path / "own.jsonl"
    own.write_text("".join(tiny_data.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    data = model_file.settings["data"] | {"validation": str(own)}
    replace(model_file, settings=model_file.settings | {"data": data}).write(folder)
    export(ExportConfig(model=TrainedModelConfig(path=str(folder))))
    assert "These are not the validation sentences of the model: expected 60 of SHA-256" in caplog.text
    assert "found 59" in caplog.text
    assert (folder / "graph.int8.onnx").read_bytes() == before


def test_8_bits_are_checked_whatever_became_of_the_sentences_that_the_model_learned_from(
    exported: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MOST_FLIPS", 1.0)
    folder = shutil.copytree(exported, tmp_path / "copy")
    model_file = ModelFile.read(folder)
    own = tmp_path / "own.jsonl"
    own.write_text("".join(tiny_data.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    model_file = replace(
        model_file, settings=model_file.settings | {"data": {"train": str(own), "validation": str(tiny_data)}}
    )
    model_file.write(folder)
    with pytest.raises(DataError, match="not the train sentences of the model"):
        read_own_splits(model_file)
    (folder / "graph.int8.onnx").unlink()
    export(ExportConfig(model=TrainedModelConfig(path=str(folder))))
    assert not caplog.text
    assert (folder / "graph.int8.onnx").exists()


def test_training_anew_and_saving_leave_no_graph_of_another_model(
    exported: Path, tiny_config: TrainConfig, tmp_path: Path
) -> None:
    folder = shutil.copytree(exported, tmp_path / "copy")
    tiny_config.overwrite, tiny_config.model.layer = True, 2
    trained = train(tiny_config, folder)
    assert not any((folder / graph).exists() for graph in GRAPHS.values())
    elsewhere = shutil.copytree(exported, tmp_path / "elsewhere")
    (elsewhere / "delta.safetensors").touch()  # would be taken before the whole weights
    trained.save_pretrained(elsewhere)
    assert Predictor.from_pretrained(elsewhere).logits(TEXTS) == pytest.approx(trained.logits(TEXTS), abs=1e-5)


def test_a_delta_is_made_of_whole_models_alone_and_replaces_nothing(exported: Path, tmp_path: Path) -> None:
    config = ExportConfig(model=TrainedModelConfig(path=str(exported)), graph=False, delta=str(tmp_path / "delta"))
    export(config)
    with pytest.raises(ConfigError, match="delta exists: name a folder"):
        export(config)
    config.model.path, config.delta = str(tmp_path / "delta"), str(tmp_path / "other")
    with pytest.raises(ModelError, match=r"expected a whole model.*save_pretrained"):
        export(config)
    assert not (tmp_path / "other").exists()


def test_missing_packages_are_told(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stance.graph", None)
    with pytest.raises(ConfigError, match=r'pip install "onnx>='):
        write_graph(TorchInference.from_pretrained(tiny_model, max_length=64), tiny_model)
