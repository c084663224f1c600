"""Finds the calibration maps, thresholds and bands of a ``Decision`` on validation examples."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from stance.bands import fit_band
from stance.calibration import fit_map
from stance.config import CalibrationMethod, DecisionConfig, ThresholdGoal
from stance.data import Example, gold_matrix
from stance.decision import BoolArray, Decision, FloatArray
from stance.errors import ConfigError
from stance.metrics import Metrics, measure

log = logging.getLogger(__name__)

_BIAS = 0.25
"""Of the share of sentences that carry a label, by which the mean of calibrated probabilities may differ from it."""


def fit_decision(
    logits: NDArray[np.floating],
    gold: BoolArray,
    scenarios: Sequence[str],
    labels: tuple[str, ...],
    config: DecisionConfig,
) -> Decision:
    """Fits one map, one threshold and one band per label; ``stance.bands`` says what the bands promise.

    The threshold of the best F1 is the one that is expected to reach it, by the calibrated probabilities; where these
    are too high or too low on the mean, and where another goal is to be met, that of the examples themselves.

    A label whose validation examples are all positive or all negative keeps the plain sigmoid and a threshold of one
    half, with a warning: there is nothing to fit on.

    Args:
        logits: shape (sentences, labels).
        gold: shape (sentences, labels), True where a sentence carries the label.
        scenarios: what each sentence is about.
        labels: names of the columns.
        config: which map, what the thresholds are for, and how many errors the bands may leave outside.
    """
    check_decision(config)
    maps, thresholds, bands = [], [], []
    for column, label in enumerate(labels):
        values, carries = logits[:, column].astype(np.float64), gold[:, column]
        to_probability = fit_map(values, carries, scenarios, label, config.calibration)
        probabilities = to_probability(values)
        known = config.calibration is not CalibrationMethod.none and _as_frequent(probabilities, carries)
        threshold = (
            _expected_best(probabilities)
            if known and config.goal is ThresholdGoal.f1
            else _fit_threshold(probabilities, carries, label, config)
        )
        maps.append(to_probability)
        thresholds.append(threshold)
        bands.append(fit_band(probabilities, carries, threshold, config.error_rate))
    return Decision(labels, tuple(maps), tuple(thresholds), tuple(bands))


def decide_on(
    logits: NDArray[np.floating[Any]], examples: Sequence[Example], labels: tuple[str, ...], config: DecisionConfig
) -> tuple[Decision, Metrics]:
    """The decision fitted on examples, and the figures that it reaches on them.

    Args:
        logits: of the examples, of shape (examples, labels).
        examples: labelled sentences.
        labels: names of the columns.
        config: as of ``fit_decision``.
    """
    gold = gold_matrix(examples, labels)
    decision = fit_decision(logits, gold, [example.scenario for example in examples], labels, config)
    return decision, measure(decision.decide(decision.probabilities(logits)), gold, labels)


def fit_thresholds(decision: Decision, probabilities: FloatArray, gold: BoolArray) -> Decision:
    """The decision with the thresholds of best F1 on these examples."""
    thresholds = [
        _fit_threshold(probabilities[:, column], gold[:, column], label, DecisionConfig())
        for column, label in enumerate(decision.labels)
    ]
    return replace(decision, thresholds=tuple(thresholds))


def check_decision(config: DecisionConfig) -> None:
    """Raises ConfigError unless goal and ``at_least`` fit together and the error rate is one."""
    if not 0 < config.error_rate < 1:
        raise ConfigError(f"Expected decision.error_rate above 0 and below 1, e.g. 0.05; found {config.error_rate}.")
    if config.goal is ThresholdGoal.f1:
        if config.at_least is not None:
            raise ConfigError("decision.at_least goes with decision.goal=precision or recall; the goal is f1.")
    elif config.at_least is None or not 0 < config.at_least <= 1:
        raise ConfigError(
            f"decision.goal={config.goal.name} needs decision.at_least, above 0 and at most 1; found {config.at_least}."
        )


def _expected_best(probabilities: FloatArray) -> float:
    """The threshold of the best F1 to be expected of sentences that carry a label as often as these say.

    They must be calibrated. The best F1 that is reached on the sentences themselves hangs on few of them, and the
    threshold that reaches it is a worse one for others (Lipton et al. 2014, "Optimal thresholding of classifiers to
    maximize F1 measure").
    """
    falling = np.sort(probabilities)[::-1]
    f1 = 2 * np.cumsum(falling) / (np.arange(1, len(falling) + 1) + falling.sum())
    best = int(np.argmax(f1))
    below = falling[best + 1] if best + 1 < len(falling) else 0.0
    return float(falling[best] + below) / 2


def _as_frequent(probabilities: FloatArray, carries: BoolArray) -> bool:
    """Whether probabilities are as high, on the mean, as the label is frequent, which a temperature does not ensure."""
    rate = carries.mean()
    return bool(0 < rate < 1 and abs(probabilities.mean() - rate) <= _BIAS * min(rate, 1 - rate))


def _fit_threshold(probabilities: FloatArray, gold: BoolArray, label: str, config: DecisionConfig) -> float:
    if gold.all() or not gold.any():
        return 0.5
    precision, recall, at = precision_recall_curve(gold, probabilities)
    precision, recall = precision[:-1], recall[:-1]
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1))
    if config.goal is not ThresholdGoal.f1:
        wanted = precision if config.goal is ThresholdGoal.precision else recall
        enough = wanted >= config.at_least
        if enough.any():
            best = int(np.argmax(np.where(enough, f1, -1.0)))
        else:
            best = int(np.argmax(wanted))
            reached = f"{config.goal.name} {wanted[best]:.2f}"
            log.warning("'%s' reaches %s at most, not the wanted %.2f.", label, reached, config.at_least)
    # Halfway to the next lower probability: examples between the two decide nothing, so stay clear of both.
    below = float(at[best - 1]) if best > 0 else 0.0
    return (float(at[best]) + below) / 2
