"""Labels for sentences and documents.

>>> from stance.predict import predict
>>> predict("We are ready to resume talks if they are ready.").labels  # doctest: +SKIP
('offer', 'condition')

Importing this module is fast: torch and transformers load with the first model.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from stance.config import DEFAULT_MODEL, Backend, Precision, TrainedModelConfig
from stance.decision import Band, BoolArray, FloatArray, Thresholds
from stance.errors import ConfigError, ModelError, install_extra
from stance.files import is_same
from stance.model_file import ModelFile
from stance.sources import GRAPHS, LEARNED, SETTINGS, SIEVE, WEIGHTS, clear_model, find_source, hash_file
from stance.text import split_sentences

_WITHOUT_GRAPH = (Precision.fp32, Precision.bf16)
"""In which PyTorch and OpenVINO multiply."""

if TYPE_CHECKING:
    from stance.inference import Inference, Logits
    from stance.sieve import Sieve


@dataclass(frozen=True)
class Prediction:
    """What a model says about one sentence.

    Attributes:
        text: the sentence as it was given.
        labels: those whose probability reaches the threshold, in the model's order; often none.
        probabilities: calibrated, for every label of the model; 0 where the text is blank.
        uncertain: labels, given or not, that a person should look at, in the model's order. Of the others few are
            wrong: ``stance.bands`` says how few, and for which sentences.
        truncated: the sentence was longer than the model reads, and its end had no say.
    """

    text: str
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    uncertain: tuple[str, ...]
    truncated: bool


@dataclass(frozen=True)
class SentencePrediction(Prediction):
    """A prediction for a sentence of a document: ``text == document[start:end]``, in characters."""

    start: int
    end: int


class Predictor:
    """A trained model, ready to label.

    >>> predictor = Predictor.from_pretrained()  # doctest: +SKIP
    >>> predictor.predict(["They denied it.", "It rained."])  # doctest: +SKIP
    """

    def __init__(self, inference: "Inference", model_file: ModelFile, folder: Path | None = None) -> None:
        self._inference = inference
        self._turn = Lock()
        self.model_file = model_file
        self.folder = folder
        """Where the model lies; None of one that was put together in memory."""

    @classmethod
    def from_config(cls, config: TrainedModelConfig) -> "Predictor":
        """Loads the model that a config names."""
        return cls.from_pretrained(
            config.path,
            revision=config.revision,
            base=config.base,
            device=config.device,
            backend=config.backend,
            precision=config.precision,
            cascade=config.cascade,
        )

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = DEFAULT_MODEL,
        *,
        revision: str | None = None,
        base: str | Path | None = None,
        device: str | None = None,
        backend: Backend | None = None,
        precision: Precision | None = None,
        cascade: bool = True,
    ) -> "Predictor":
        """Loads a model that stance has trained.

        Args:
            name_or_path: a model that comes with stance (``default``, ``large``), a local folder, an installed package,
                or a hub id ``owner/name``.
            revision: branch, tag or commit of a hub id.
            base: where the base lies of a model that is kept as its difference from one, if not where the model says.
            device: where to run, as PyTorch names it; by default a GPU if there is one.
            backend: what runs the network; by default ONNX Runtime on a CPU if the model has a graph for it, else
                PyTorch. OpenVINO (an extra) needs no graph, and is faster still on some CPUs with bf16.
            precision: how exactly to multiply; by default in 8 bits in ONNX Runtime where the model was seen to give
                the same labels but for 3 in 1,000 at most, in bf16 in the others where that is fast, and in fp32
                otherwise.
            cascade: let the model's sieve, where it has one, settle which sentences surely carry no label, and ask the
                network about the others only: faster. What that may lose is in ``stance.json``.

        Raises:
            ModelError: it cannot be found, or is not a model of stance, or its weights are not those it was saved with;
                or the backend cannot run it in that way.
            ConfigError: the backend's package is not installed, or it cannot run the encoder.
        """
        source = find_source(str(name_or_path), revision)
        model_file = ModelFile.read(source.folder)
        if source.sha256 != model_file.weights_sha256:
            raise ModelError(
                f"{source.weights} is not the file that stance.json was written for: expected SHA-256 "
                f"{model_file.weights_sha256}, found {source.sha256}. Copy the whole folder again, or retrain."
            )
        inference = _inference(
            source.folder,
            base=model_file.find_delta_base(source, base),
            max_length=model_file.max_length,
            device=device,
            backend=backend,
            precision=precision,
            sieve=_sieve(source.folder, model_file) if cascade else None,
        )
        return cls(inference, model_file, source.folder)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes the model, whole, as a plain Hugging Face folder with its ``stance.json``; replaces a model there.

        Raises:
            ConfigError: that is the folder that the model was loaded from.
        """
        folder = Path(folder)
        if self.folder is not None and is_same(folder, self.folder):
            raise ConfigError(f"{folder} is where the model was loaded from: name another folder to save it in.")
        folder.mkdir(parents=True, exist_ok=True)
        clear_model(folder)
        self._inference.save_pretrained(folder)
        for name in (SETTINGS, LEARNED, SIEVE, *GRAPHS.values()):
            if self.folder is not None and (self.folder / name).exists():
                shutil.copyfile(self.folder / name, folder / name)
        replace(self.model_file, weights_sha256=hash_file(folder / WEIGHTS)).write(folder)

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's labels, in the order of the columns of ``predict_proba``."""
        return self.model_file.decision.labels

    @property
    def backend(self) -> str:
        """What computes, how exactly, and whether behind a sieve: others may give other digits."""
        return f"{self._inference.backend}{', cascade' * (self.sieve is not None)}"

    @property
    def sieve(self) -> "Sieve | None":
        """What settles which sentences surely carry no label; None where the network reads all."""
        return self._inference.sieve

    @property
    def thresholds(self) -> dict[str, float]:
        """The lowest probability at which a sentence carries a label, fitted on validation."""
        return dict(zip(self.labels, self.model_file.decision.thresholds, strict=True))

    @property
    def bands(self) -> dict[str, Band]:
        """The probabilities at which a label is uncertain, fitted on validation."""
        return dict(zip(self.labels, self.model_file.decision.bands, strict=True))

    @overload  # a string is itself iterable: the first form wins
    def predict(  # type: ignore[overload-overlap]
        self, texts: str, *, thresholds: Thresholds | None = None
    ) -> Prediction: ...
    @overload
    def predict(self, texts: Iterable[str], *, thresholds: Thresholds | None = None) -> list[Prediction]: ...
    def predict(
        self, texts: str | Iterable[str], *, thresholds: Thresholds | None = None
    ) -> Prediction | list[Prediction]:
        """Labels one sentence, or each of several.

        Args:
            texts: a sentence, or any number of them.
            thresholds: for this call, one threshold for all labels or one for each label named. They change which
                labels are given, not which are uncertain. What a sieve may lose is told for the model's own: with lower
                ones take a predictor of ``cascade=False``.

        Returns:
            One prediction for one string; for several, a list of the same length and order.

        Raises:
            TypeError: something among the texts is not a string.
            ConfigError: a threshold names an unknown label or lies outside 0 to 1.
        """
        if isinstance(texts, str):
            return self._predict([texts], thresholds)[0]
        return self._predict(list(texts), thresholds)

    def predict_proba(self, texts: str | Iterable[str]) -> FloatArray:
        """Calibrated probabilities, an array of shape (sentences, labels); one string counts as one sentence."""
        return self._read([texts] if isinstance(texts, str) else list(texts)).probabilities

    def logits(self, texts: str | Iterable[str]) -> FloatArray:
        """What the network says before calibration, of blank texts too: an array of shape (sentences, labels).

        Of sentences that a sieve settles, it is what the sieve says. One string counts as one sentence.
        """
        given = [texts] if isinstance(texts, str) else list(texts)
        _check_strings(given)
        return self._logits(given).values.astype(np.float64)

    def predict_document(self, text: str, *, thresholds: Thresholds | None = None) -> list[SentencePrediction]:
        """Splits a text into sentences and labels each; offsets count characters of ``text``."""
        _check_strings([text])
        sentences = split_sentences(text)
        predictions = self._predict([sentence.text for sentence in sentences], thresholds)
        return [
            SentencePrediction(**vars(prediction), start=sentence.start, end=sentence.end)
            for prediction, sentence in zip(predictions, sentences, strict=True)
        ]

    def _predict(self, texts: list[str], thresholds: Thresholds | None) -> list[Prediction]:
        decision = self.model_file.decision.with_thresholds(thresholds)
        read = self._read(texts)
        decided = decision.decide(read.probabilities)
        return [
            Prediction(
                text=text,
                labels=self._named(decided.carried[row] & read.told[row]),
                probabilities=dict(zip(self.labels, read.probabilities[row].tolist(), strict=True)),
                uncertain=self._named(decided.uncertain[row] & read.told[row]),
                truncated=bool(read.truncated[row]),
            )
            for row, text in enumerate(texts)
        ]

    def _named(self, columns: BoolArray) -> tuple[str, ...]:
        return tuple(label for label, found in zip(self.labels, columns, strict=True) if found)

    def _read(self, texts: list[str]) -> "_Read":
        _check_strings(texts)
        # A blank text says nothing, so the network is not asked what it means.
        told = np.array([bool(text.strip()) for text in texts], dtype=np.bool_)
        probabilities = np.zeros((len(texts), len(self.labels)))
        truncated = np.zeros(len(texts), dtype=np.bool_)
        if told.any():
            logits = self._logits([text for text, says in zip(texts, told, strict=True) if says])
            probabilities[told] = self.model_file.decision.probabilities(logits.values)
            truncated[told] = logits.truncated
        return _Read(probabilities, truncated, told)

    def _logits(self, texts: list[str]) -> "Logits":
        # Threads wait for each other: tokenizers and networks keep what they work on, and take all cores anyway.
        with self._turn:
            return self._inference.logits(texts)


@dataclass(frozen=True)
class _Read:
    """Probabilities of shape (texts, labels); which texts were cut; and which are not blank."""

    probabilities: FloatArray
    truncated: BoolArray
    told: BoolArray


def _sieve(folder: Path, model_file: ModelFile) -> "Sieve | None":
    """The sieve of a model that has one. A file that ``stance.json`` does not tell of was another model's."""
    facts = model_file.metrics.get("sieve")
    if facts is None:
        return None
    from stance.sieve import Sieve  # needed by few, as the backends are

    sha256 = hash_file(folder / SIEVE) if (folder / SIEVE).exists() else "no file"
    if sha256 != facts["sha256"]:
        raise ModelError(
            f"{folder / SIEVE} is not the file that stance.json was written for: expected SHA-256 {facts['sha256']}, "
            f"found {sha256}. Copy the whole folder again, learn it anew with scripts/sieve.py, or leave it out: "
            "cascade=off."
        )
    return Sieve.read(folder / SIEVE)


def _inference(
    folder: Path,
    *,
    base: Path | None,
    max_length: int,
    device: str | None,
    backend: Backend | None,
    precision: Precision | None,
    sieve: "Sieve | None",
) -> "Inference":
    # Backends are imported here, so that importing this module stays fast, and that none need wait for another.
    on_cpu = device == "cpu" or (device is None and shutil.which("nvidia-smi") is None)
    graphs = [kind for kind, graph in GRAPHS.items() if on_cpu and (folder / graph).exists()]
    if backend is None:
        in_graph = graphs and precision is not Precision.bf16
        backend = Backend.onnxruntime if in_graph or (precision is Precision.int8 and on_cpu) else Backend.torch
    if backend is not Backend.torch and not on_cpu:
        raise ModelError(f"{backend.value} runs models on the CPU: expected device=cpu, or another backend.")
    if backend is Backend.onnxruntime and precision is None:
        precision = graphs[-1] if graphs else Precision.fp32
    if precision and precision not in (graphs if backend is Backend.onnxruntime else _WITHOUT_GRAPH):
        raise ModelError(_cannot(folder, backend, precision))
    options: dict[str, Any] = {"max_length": max_length, "base": base, "precision": precision, "sieve": sieve}
    if backend is Backend.torch:
        from stance.torch_inference import TorchInference

        return TorchInference.from_pretrained(folder, device=device, **options)
    if backend is Backend.openvino:
        try:
            from stance.openvino_inference import OpenVinoInference
        except ImportError:
            raise ConfigError(f"backend=openvino needs one more package: {install_extra('openvino')}") from None
        return OpenVinoInference(folder, **options)
    from stance.onnx_inference import OnnxInference

    return OnnxInference(folder, **options)


def _cannot(folder: Path, backend: Backend, precision: Precision) -> str:
    if backend is Backend.onnxruntime and precision in GRAPHS:
        return (
            f"{folder} cannot run in {backend.value} in {precision.name}: expected {GRAPHS[precision]}, which "
            "scripts/export.py writes if it gives the same labels. Leave backend and precision out."
        )
    return f"{backend.value} does not multiply in {precision.name}: leave the precision out, or name another backend."


@overload
def predict(  # type: ignore[overload-overlap]
    texts: str, *, model: str | Path | Predictor = DEFAULT_MODEL, thresholds: Thresholds | None = None
) -> Prediction: ...
@overload
def predict(
    texts: Iterable[str], *, model: str | Path | Predictor = DEFAULT_MODEL, thresholds: Thresholds | None = None
) -> list[Prediction]: ...
def predict(
    texts: str | Iterable[str],
    *,
    model: str | Path | Predictor = DEFAULT_MODEL,
    thresholds: Thresholds | None = None,
) -> Prediction | list[Prediction]:
    """Labels one sentence, or each of several, as ``Predictor.predict`` does.

    Args:
        texts: a sentence, or any number of them.
        model: a predictor, or the name of one. The last that was named is kept as it was loaded: to use several, or one
            that has changed, make a ``Predictor`` of each.
        thresholds: for this call, one threshold for all labels or one for each label named.
    """
    predictor = model if isinstance(model, Predictor) else _load(str(model))
    return predictor.predict(texts, thresholds=thresholds)


@lru_cache(maxsize=1)
def _load(name: str) -> Predictor:
    return Predictor.from_pretrained(name)


def _check_strings(texts: list[str]) -> None:
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Expected strings, found {type(text).__name__} at position {position}: {text!r:.60}")
