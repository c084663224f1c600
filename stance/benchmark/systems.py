"""Ways to run the same network: transformers and others around it, and ours."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer, pipeline

from stance.config import Backend, Precision, PredictConfig, TrainedModelConfig
from stance.corpus import label
from stance.errors import ConfigError, install_extra
from stance.predict import Predictor
from stance.sources import GRAPHS
from stance.tables.json_lines import json_line

PIPELINE = "transformers pipeline, batch 32"
"""What the others are compared with."""
CPU = "cpu"
"""Where all of them run, whatever else there is."""


@dataclass(frozen=True)
class System:
    """A way to run the network.

    Attributes:
        name: what tables call it.
        run: labels sentences.
        precision: in which it multiplies.
        one_by_one: it takes a sentence at a time.
        is_job: it labels a file into a folder, so that one sentence tells nothing of it.
    """

    name: str
    run: Callable[[list[str]], object]
    precision: Precision = Precision.fp32
    one_by_one: bool = False
    is_job: bool = False


def find_systems(whole: Path, temporary: Path) -> list[System]:
    """All that is timed: what others would run first, ours last.

    Args:
        whole: folder of the model with all its weights and graphs.
        temporary: folder to write to.

    Raises:
        ConfigError: packages of rivals are not installed.
    """
    classify: Any = pipeline("text-classification", str(whole), top_k=None, device=CPU)
    plain = Predictor.from_pretrained(
        whole, device=CPU, backend=Backend.onnxruntime, precision=Precision.fp32, cascade=False
    )
    return [
        System("transformers pipeline, one by one", lambda texts: [classify(text) for text in texts], one_by_one=True),
        System(PIPELINE, lambda texts: classify(texts, batch_size=32)),
        *_rivals(whole),
        System(
            "ONNX Runtime, batches of 32 as they come, fp32",
            lambda texts: [plain.predict(texts[start : start + 32]) for start in range(0, len(texts), 32)],
        ),
        *find_ours(whole, temporary, cascade=False),
    ]


def _rivals(whole: Path) -> list[System]:
    """SetFit and sentence-transformers around the same encoder."""
    try:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
        from setfit import SetFitModel
    except ImportError:
        raise ConfigError(f"The benchmark's rivals need more packages: {install_extra('setfit')}") from None
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from transformers import AutoModelForSequenceClassification

    encoder = whole.parent / "encoder"
    network: Any = AutoModelForSequenceClassification.from_pretrained(whole)
    network.encoder.save_pretrained(encoder)
    AutoTokenizer.from_pretrained(whole).save_pretrained(encoder)
    body = Transformer(str(encoder), max_seq_length=256)
    model = SentenceTransformer(modules=[body, Pooling(network.encoder.config.hidden_size)], device=CPU)
    head = OneVsRestClassifier(LogisticRegression())
    vectors = np.asarray(model.encode(["a", "b", "c", "d"]))
    head.fit(vectors, np.eye(4, dtype=int))
    setfit = SetFitModel(model_body=model, model_head=head, multi_target_strategy="one-vs-rest")
    return [
        System("sentence-transformers encode", lambda texts: model.encode(texts, batch_size=32)),
        System("SetFit predict", lambda texts: setfit.predict(texts, batch_size=32)),
    ]


def find_ours(whole: Path, temporary: Path, *, cascade: bool) -> list[System]:
    """All that can run the model here, exactly first; and the corpus job by the usual one and by the last."""
    usual = [(Backend.onnxruntime, precision) for precision, graph in GRAPHS.items() if (whole / graph).exists()]
    ways = usual + [(Backend.openvino, precision) for precision in _openvino_precisions()]
    predictors, jobs = [], []
    for backend, precision in ways:
        model = TrainedModelConfig(path=str(whole), device=CPU, backend=backend, precision=precision, cascade=cascade)
        predictor = Predictor.from_config(model)
        predictors.append(System(f"stance, {predictor.backend}", predictor.predict, precision))
        if (backend, precision) in (usual[-1], ways[-1]):
            job = partial(_job, model, temporary)
            jobs.append(System(f"corpus job of {predictors[-1].name}", job, precision, is_job=True))
    return predictors + jobs


def _openvino_precisions() -> tuple[Precision, ...]:
    """In fp32, and in what is faster; none where it is not installed."""
    if not find_spec("openvino"):
        return ()
    from stance.openvino_graph import fastest_precision  # an extra

    return tuple(dict.fromkeys((Precision.fp32, fastest_precision())))


def _job(model: TrainedModelConfig, temporary: Path, texts: Sequence[str]) -> object:
    source, output = temporary / "job.jsonl", temporary / f"job-{time.monotonic_ns()}"
    source.write_text("".join(json_line({"text": text}) for text in texts), encoding="utf-8", newline="\n")
    return label(PredictConfig(model=model, input=str(source), output=str(output)))
