"""What trained models say about sentences that another is to learn from. Asking is slow, so answers are kept."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from stance.config import Precision
from stance.decision import Decision, FloatArray
from stance.errors import ConfigError
from stance.files import replacing
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.sources import Source, find_source

log = logging.getLogger(__name__)

CACHE = Path("~/.cache/stance/answers")
"""One array of probabilities for each teacher and list of sentences: a sweep, or a run that goes on, asks once."""


def ask(teachers: Sequence[str], texts: Sequence[str], labels: tuple[str, ...]) -> FloatArray:
    """The mean of the teachers' probabilities, of shape (sentences, labels).

    Raises:
        ConfigError: a teacher has other labels.
        ModelError: a teacher cannot be had.
    """
    answers: FloatArray = np.mean([_ask(teacher, texts, labels) for teacher in teachers], axis=0)
    return answers


def hash_teacher(teacher: str) -> str:
    """SHA-256 of all that a teacher's probabilities hang on: those of the same weights change with their calibration.

    Raises:
        ModelError: it cannot be had.
    """
    source = find_source(teacher)
    return _hash(source, ModelFile.read(source.folder).decision)


def _hash(source: Source, decision: Decision) -> str:
    return hashlib.sha256(f"{source.sha256} {json.dumps(asdict(decision))}".encode()).hexdigest()


def _ask(teacher: str, texts: Sequence[str], labels: tuple[str, ...]) -> FloatArray:
    source = find_source(teacher)
    decision = ModelFile.read(source.folder).decision
    if decision.labels != labels:
        raise ConfigError(f"The teacher {teacher} knows other labels: expected {labels}, found {decision.labels}.")
    asked = hashlib.sha256(_hash(source, decision).encode())
    for text in texts:
        asked.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    kept = CACHE.expanduser() / f"{asked.hexdigest()}.npy"
    if kept.exists():
        answers: FloatArray = np.load(kept, allow_pickle=False)
        return answers
    log.info("Asking the teacher %s about %d sentences.", teacher, len(texts))
    # Exactly, and all by the network: what is kept must not hang on what happens to run the teacher here.
    answers = Predictor.from_pretrained(teacher, precision=Precision.fp32, cascade=False).predict_proba(texts)
    with replacing(kept) as temporary, temporary.open("wb") as file:
        np.save(file, answers, allow_pickle=False)
    return answers
