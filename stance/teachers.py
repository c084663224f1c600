"""What trained models say about sentences that another is to learn from. Asking is slow, so answers are kept."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from stance.arrays import write_arrays
from stance.config import Precision
from stance.decision import Decision, FloatArray
from stance.errors import ConfigError
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.progress import progress
from stance.sources import Source, find_source

log = logging.getLogger(__name__)

CACHE = Path("~/.cache/stance/answers")
"""A folder for each teacher, with what it said of each sentence it was asked about: it is asked once, whatever other
sentences stand beside it, and what it said before a run was killed is not lost."""
_TOGETHER = 2048
"""Sentences asked about before the answers are written down."""


def ask(
    teachers: Sequence[str], texts: Sequence[str], labels: tuple[str, ...], precision: Precision = Precision.fp32
) -> FloatArray:
    """The mean of the teachers' probabilities, of shape (sentences, labels).

    Raises:
        ConfigError: a teacher has other labels.
        ModelError: a teacher cannot be had.
    """
    answers: FloatArray = np.mean([_ask(teacher, texts, labels, precision) for teacher in teachers], axis=0)
    return answers


def hash_teacher(teacher: str) -> str:
    """SHA-256 of all that a teacher's probabilities hang on: those of the same weights change with their calibration.

    Raises:
        ModelError: it cannot be had.
    """
    source = find_source(teacher)
    return _hash(source, ModelFile.read(source.folder).decision)


def _hash(source: Source, decision: Decision, *more: str) -> str:
    return hashlib.sha256(" ".join([source.sha256, json.dumps(asdict(decision)), *more]).encode()).hexdigest()


def _ask(teacher: str, texts: Sequence[str], labels: tuple[str, ...], precision: Precision) -> FloatArray:
    source = find_source(teacher)
    model_file = ModelFile.read(source.folder)
    if (found := model_file.decision.labels) != labels:
        raise ConfigError(f"The teacher {teacher} knows other labels: expected {labels}, found {found}.")
    kept = CACHE.expanduser() / _hash(source, model_file.decision, precision.value, str(model_file.max_length))
    keys = [_key(text) for text in texts]
    known = _known(kept)
    unknown = list({key: text for key, text in zip(keys, texts, strict=True) if key not in known}.items())
    if unknown:
        log.info("Asking the teacher %s about %d sentences.", teacher, len(unknown))
        # As was asked for, and all by the network: what is kept must not hang on what happens to run the teacher here.
        predictor = Predictor.from_pretrained(teacher, precision=precision, cascade=False)
        with progress("asking") as counter:
            counter.set(0, total=len(unknown))
            for start in range(0, len(unknown), _TOGETHER):
                new, asked = zip(*unknown[start : start + _TOGETHER], strict=True)
                answers = predictor.predict_proba(asked)
                _keep(kept, new, answers)
                known |= zip(new, answers, strict=True)
                counter.advance(len(asked))
    return np.array([known[key] for key in keys]).reshape(len(keys), len(labels))


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _known(folder: Path) -> dict[bytes, FloatArray]:
    """What is kept in a folder: by the hash of a sentence, the probabilities, of shape (labels,)."""
    known: dict[bytes, FloatArray] = {}
    for path in sorted(folder.glob("*.safetensors")):
        arrays = load_file(path)
        known |= zip(map(bytes, arrays["sentences"]), arrays["probabilities"], strict=True)
    return known


def _keep(folder: Path, keys: Sequence[bytes], probabilities: FloatArray) -> None:
    name = hashlib.sha256(b"".join(keys)).hexdigest()
    sentences = np.array([list(key) for key in keys], dtype=np.uint8)
    write_arrays(folder / f"{name}.safetensors", {"sentences": sentences, "probabilities": probabilities})
