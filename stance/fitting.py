"""Finds the calibration maps and thresholds of a ``Decision`` on validation examples."""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve

from stance.config import CalibrationMethod, DecisionConfig, ThresholdGoal
from stance.decision import BoolArray, Decision, FloatArray
from stance.errors import ConfigError

log = logging.getLogger(__name__)


def fit_decision(
    logits: NDArray[np.floating], gold: BoolArray, labels: tuple[str, ...], config: DecisionConfig
) -> Decision:
    """Fits one map and one threshold per label.

    A label whose validation examples are all positive or all negative keeps the plain sigmoid and a threshold of one
    half, with a warning: there is nothing to fit on.

    Args:
        logits: shape (sentences, labels).
        gold: shape (sentences, labels), True where a sentence carries the label.
        labels: names of the columns.
        config: which map, and what the thresholds are for.
    """
    check_goal(config)
    slopes, intercepts, thresholds = [], [], []
    for column, label in enumerate(labels):
        slope, intercept, threshold = 1.0, 0.0, 0.5
        if gold[:, column].all() or not gold[:, column].any():
            log.warning("'%s' has no positive or no negative validation example: left uncalibrated.", label)
        else:
            slope, intercept = _fit_map(logits[:, column], gold[:, column], label, config.calibration)
            one = Decision((label,), (slope,), (intercept,), (threshold,))
            probabilities = one.probabilities(logits[:, [column]])[:, 0]
            threshold = _fit_threshold(probabilities, gold[:, column], label, config)
        slopes.append(slope)
        intercepts.append(intercept)
        thresholds.append(threshold)
    return Decision(labels, tuple(slopes), tuple(intercepts), tuple(thresholds))


def fit_thresholds(decision: Decision, probabilities: FloatArray, gold: BoolArray) -> Decision:
    """The decision with the thresholds of best F1 on these examples."""
    thresholds = [
        _fit_threshold(probabilities[:, column], gold[:, column], label, DecisionConfig())
        for column, label in enumerate(decision.labels)
    ]
    return replace(decision, thresholds=tuple(thresholds))


def check_goal(config: DecisionConfig) -> None:
    """Raises ConfigError unless the goal and ``at_least`` fit together."""
    if config.goal is ThresholdGoal.f1:
        if config.at_least is not None:
            raise ConfigError("decision.at_least goes with decision.goal=precision or recall; the goal is f1.")
    elif config.at_least is None or not 0 < config.at_least <= 1:
        raise ConfigError(
            f"decision.goal={config.goal.name} needs decision.at_least, above 0 and at most 1; found {config.at_least}."
        )


def _fit_map(
    logits: NDArray[np.floating], gold: BoolArray, label: str, method: CalibrationMethod
) -> tuple[float, float]:
    """Platt (1999) and temperature scaling (Guo et al. 2017) are logistic regressions on the logit, without penalty."""
    if method is CalibrationMethod.none:
        return 1.0, 0.0
    regression = LogisticRegression(C=np.inf, fit_intercept=method is CalibrationMethod.platt, max_iter=1000)
    regression.fit(logits.reshape(-1, 1).astype(np.float64), gold)
    slope = float(regression.coef_[0, 0])
    if slope <= 0:
        # Turning the logits round would hide it.
        log.warning("'%s' is ranked backwards on validation: left uncalibrated; its training has failed.", label)
        return 1.0, 0.0
    return slope, float(np.ravel(regression.intercept_)[0]) if method is CalibrationMethod.platt else 0.0


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
