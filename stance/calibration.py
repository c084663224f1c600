"""Finds the calibration map of a label on validation examples."""

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from stance.config import CalibrationMethod
from stance.decision import BoolArray, FloatArray
from stance.maps import PLAIN_SIGMOID, BetaMap, CalibrationMap, IsotonicMap, LogisticMap, sigmoid

log = logging.getLogger(__name__)

FOLDS = 5
ENOUGH = 25
"""Sentences with the label, and without it, from which on methods are compared: five to a fold."""

TILT = 1e-3
"""Share of the plain sigmoid in an isotonic map: its steps become slopes, so that it keeps the order of sentences."""


def fit_map(
    logits: FloatArray, gold: BoolArray, scenarios: Sequence[str], label: str, method: CalibrationMethod
) -> CalibrationMap:
    """The map of a method, or of the best one; the plain sigmoid, with a warning, where there is nothing to fit on.

    The best is that of temperature, Platt, beta and isotonic with the lowest Brier score on scenarios that it was not
    fitted on. With fewer than ``ENOUGH`` positive or negative examples, or too few scenarios to hold some out, such a
    comparison is a lottery and Platt's map is taken: its two numbers are the least that undo both a wrong scale and
    the shift that a weight on positives gives to all logits in training.

    Args:
        logits: shape (sentences,).
        gold: shape (sentences,), True where a sentence carries the label.
        scenarios: what each sentence is about; those of one scenario are held out together.
        label: its name, for warnings.
        method: which family of maps.
    """
    if gold.all() or not gold.any():
        log.warning("'%s' has no positive or no negative validation example: left uncalibrated.", label)
        return PLAIN_SIGMOID
    if method is CalibrationMethod.none:
        return PLAIN_SIGMOID
    if logits[gold].mean() <= logits[~gold].mean():
        # Turning the logits round would hide it.
        log.warning("'%s' is ranked backwards on validation: left uncalibrated; its training has failed.", label)
        return PLAIN_SIGMOID
    if method is CalibrationMethod.best:
        method = _best(logits, gold, scenarios)
    fitted = _FITTERS[method](logits, gold)
    if fitted is None:
        log.warning("No %s map that rises fits '%s' on validation: left uncalibrated.", method.name, label)
        return PLAIN_SIGMOID
    return fitted


def _best(logits: FloatArray, gold: BoolArray, scenarios: Sequence[str]) -> CalibrationMethod:
    if min(gold.sum(), (~gold).sum()) < ENOUGH or len(set(scenarios)) < FOLDS:
        return CalibrationMethod.platt
    errors = dict.fromkeys(_FITTERS, 0.0)
    for seen, held_out in StratifiedGroupKFold(FOLDS).split(logits, gold, scenarios):
        if gold[seen].all() or not gold[seen].any():  # one scenario holds all of a kind
            return CalibrationMethod.platt
        for method, fit in _FITTERS.items():
            fitted = fit(logits[seen], gold[seen])
            gaps = np.inf if fitted is None else fitted(logits[held_out]) - gold[held_out]
            errors[method] += float(np.sum(np.square(gaps)))
    return min(errors, key=errors.__getitem__)


def _temperature(logits: FloatArray, gold: BoolArray) -> LogisticMap | None:
    """Guo et al. (2017), "On calibration of modern neural networks"."""
    (slope,), _ = _regress(logits[:, None], gold, intercept=False)
    return LogisticMap(slope, 0.0) if slope > 0 else None


def _platt(logits: FloatArray, gold: BoolArray) -> LogisticMap | None:
    """Platt (1999), "Probabilistic outputs for support vector machines"."""
    (slope,), intercept = _regress(logits[:, None], gold)
    return LogisticMap(slope, intercept) if slope > 0 else None


def _beta(logits: FloatArray, gold: BoolArray) -> BetaMap | None:
    """Kull, Silva Filho and Flach (2017), "Beta calibration".

    The likelihood is concave, so where one weight would be negative the best allowed one is 0 and the other is fitted
    alone.
    """
    features = np.column_stack([-np.logaddexp(0.0, -logits), np.logaddexp(0.0, logits)])  # ln p, -ln(1 - p)
    (a, b), c = _regress(features, gold)
    if a < 0:
        a, ((b,), c) = 0.0, _regress(features[:, 1:], gold)
    elif b < 0:
        b, ((a,), c) = 0.0, _regress(features[:, :1], gold)
    return BetaMap(a, b, c) if a >= 0 and b >= 0 and a + b > 0 else None


def _isotonic(logits: FloatArray, gold: BoolArray) -> IsotonicMap | None:
    """Zadrozny and Elkan (2002), "Transforming classifier scores into accurate multiclass probability estimates"."""
    regression = IsotonicRegression(out_of_bounds="clip").fit(logits, _targets(gold))
    knots, levels = regression.X_thresholds_, regression.y_thresholds_
    if levels[0] == levels[-1]:
        return None
    tilted = (1 - TILT) * levels + TILT * sigmoid(knots)
    return IsotonicMap(tuple(knots.tolist()), tuple(tilted.tolist()))


_FITTERS: Mapping[CalibrationMethod, Callable[[FloatArray, BoolArray], CalibrationMap | None]] = {
    CalibrationMethod.temperature: _temperature,
    CalibrationMethod.platt: _platt,
    CalibrationMethod.beta: _beta,
    CalibrationMethod.isotonic: _isotonic,
}
"""Each gives a map that rises, or None where that of best fit does not. Of equally good ones the first is taken."""


def _regress(features: FloatArray, gold: BoolArray, *, intercept: bool = True) -> tuple[list[float], float]:
    """Weights and intercept of a logistic regression on the targets, without penalty."""
    targets = _targets(gold)
    regression = LogisticRegression(C=np.inf, fit_intercept=intercept, tol=1e-6, max_iter=1000)
    # A target between 0 and 1 is an example of both kinds, with as much weight for each.
    regression.fit(
        np.concatenate([features, features]),
        np.repeat([True, False], len(gold)),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    return regression.coef_[0].tolist(), float(np.ravel(regression.intercept_)[0])


def _targets(gold: BoolArray) -> FloatArray:
    """Platt's (1999) targets, a little inside 0 and 1: no finite number of examples makes a probability certain."""
    positives = int(gold.sum())
    negatives = len(gold) - positives
    return np.where(gold, (positives + 1) / (positives + 2), 1 / (negatives + 2))
