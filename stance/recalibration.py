"""A model for another kind of text: calibration, thresholds and bands fitted anew, its weights left as they are."""

import logging
from dataclasses import asdict, replace
from pathlib import Path

from omegaconf import OmegaConf

from stance.config import RecalibrateConfig
from stance.data import gold_matrix, hash_examples, read_split
from stance.errors import DataError
from stance.fingerprints import fingerprint_set, read_fingerprints, write_fingerprints
from stance.fitting import check_decision, decide_on
from stance.leakage import warn_of_overlaps
from stance.model_file import RECALIBRATION, ModelFile, check_vacant
from stance.predict import Predictor
from stance.sources import SIEVE

log = logging.getLogger(__name__)

FEW = 25
"""Sentences with a label, or without it, below which a threshold is little more than a guess."""


def recalibrate(config: RecalibrateConfig, folder: Path) -> Predictor:
    """Writes the model, whole, into ``folder``, with a decision fitted on the sentences of ``config.data.validation``.

    It is fitted on what the network says where it runs by default. The model keeps hashes of the sentences: they are no
    test of it any more. It has no sieve, whose promise was about other thresholds and text.

    Raises:
        ConfigError: settings do not fit, no sentences are named, or ``folder`` holds a model.
        DataError: the sentences cannot be read, or none of them carries a label, or all do.
        ModelError: the model cannot be had.
    """
    check_decision(config.decision)
    check_vacant(folder, overwrite=config.overwrite)
    predictor = Predictor.from_config(replace(config.model, cascade=False))
    labels, model_file = predictor.labels, predictor.model_file
    examples = read_split("validation", labels, config.data)
    _check_numbers(gold_matrix(examples, labels).sum(axis=0).tolist(), len(examples), labels)
    warn_of_overlaps(predictor, examples, config.model.path)
    texts = [example.text for example in examples]
    decision, metrics = decide_on(predictor.logits(texts), examples, labels, config.decision)
    data = model_file.data | {RECALIBRATION: {"n": len(examples), "sha256": hash_examples(examples)}}
    predictor.save_pretrained(folder)
    (folder / SIEVE).unlink(missing_ok=True)
    learned = read_fingerprints(folder, model_file.data)
    if learned is not None:
        write_fingerprints(folder, learned | {RECALIBRATION: fingerprint_set(texts)}, data)
    settings = OmegaConf.to_container(OmegaConf.structured(config.decision), enum_to_str=True)
    # What is told of the sieve and of 8 bits was seen with the decision before.
    others = {name: value for name, value in model_file.metrics.items() if name not in ("sieve", "int8")}
    replace(
        ModelFile.read(folder),
        decision=decision,
        data=data,
        settings=model_file.settings | {"decision": settings},
        metrics=others | {"validation": asdict(metrics)},
    ).write(folder)
    return Predictor.from_pretrained(folder)


def _check_numbers(positives: list[int], n: int, labels: tuple[str, ...]) -> None:
    counts = dict(zip(labels, positives, strict=True))
    one_sided = [label for label, count in counts.items() if count in (0, n)]
    if one_sided:
        raise DataError(
            f"Expected sentences with each label and without it; of {n}, all or none carry {', '.join(one_sided)}. "
            "Label more."
        )
    few = [f"{label} {count}" for label, count in counts.items() if min(count, n - count) < FEW]
    if few:
        told = ", ".join(few)
        log.warning("Few of the %d sentences carry a label, or lack it, and its threshold is rough: %s.", n, told)
