"""Regression of a label on covariates, corrected by a hand-coded sample.

The coefficients of the hand-coded sentences, plus what the sample is off by chance: the difference between regressing
the probabilities over the whole corpus and over the coded sentences, each coefficient times the factor with which it
varies least. For a mean that is PPI++; for regressions, Chen and Chen (2000), "A unified approach to regression
analysis under double-sampling designs", and Kluger et al. (2025), "Prediction-powered inference with imputed
covariates and nonuniform sampling". Right whatever the model's errors are and however they go with the covariates, and
for large samples not wider than hand-coding alone; design-based supervised learning (Egami et al. 2023), which shares
the first property, lacks the second.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stance.config import Regression
from stance.decision import BoolArray, FloatArray
from stance.design import Design, Influence, Z
from stance.errors import DataError
from stance.maps import sigmoid
from stance.prevalence import Coding, Method

STEPS = 50
TOLERANCE = 1e-10


@dataclass(frozen=True)
class Coefficient:
    """What a covariate adds to the share of a label (linear) or to its log odds (logistic), with a 95 % interval."""

    covariate: str
    value: float
    low: float
    high: float


def regress(
    design: Design, coding: Coding, covariates: Mapping[str, FloatArray], kind: Regression
) -> Mapping[Method, tuple[Coefficient, ...]]:
    """Coefficients with the model's labels as they are, corrected by the sample, and from hand-coding alone.

    The first are left out where the model's labels are such that there are none: the others do not need them.

    Args:
        design: of the sample.
        coding: what model and person say.
        covariates: by name, of shape (sentences,); ones for the intercept among them.
        kind: linear or logistic.

    Raises:
        DataError: there is no one solution in the sample.
    """
    everything = np.column_stack(list(covariates.values()))
    sample, weights = everything[design.coded], design.weights
    ones, nothing = np.ones(len(everything)), np.zeros(len(everything))
    naive = _fit_or_none(everything, ones, coding.given, kind)
    hand = fit(sample, weights, coding.gold, kind)
    over_all = fit(everything, ones, coding.probabilities, kind)
    over_sample = fit(sample, weights, coding.probabilities[design.coded], kind)
    methods = (*([] if naive is None else [Method.naive]), Method.ppi, Method.hand)
    found: dict[Method, list[Coefficient]] = {method: [] for method in methods}
    for number, name in enumerate(covariates):

        def add(method: Method, value: float, influence: Influence, name: str = name) -> None:
            half = Z * float(np.sqrt(design.variance(influence)))
            found[method].append(Coefficient(name, value, value - half, value + half))

        by_person = Influence(nothing, hand.influence[:, number])
        difference = Influence(over_all.influence[:, number], -over_sample.influence[:, number])
        (_, shared), (_, own) = design.covariance([by_person, difference])
        trust = float(-shared / own) if own > 0 else 0.0
        shift = float(over_all.values[number] - over_sample.values[number])
        if naive is not None:
            by_model = Influence(naive.influence[:, number], np.zeros(len(sample)))
            add(Method.naive, float(naive.values[number]), by_model)
        add(Method.ppi, float(hand.values[number]) + trust * shift, by_person.plus(difference, trust))
        add(Method.hand, float(hand.values[number]), by_person)
    return {method: tuple(coefficients) for method, coefficients in found.items()}


@dataclass(frozen=True)
class Fit:
    """A solved regression.

    Attributes:
        values: of the coefficients.
        influence: shape (rows, coefficients), what each row adds to the error of each, before its weight.
    """

    values: FloatArray
    influence: FloatArray


def _fit_or_none(
    covariates: FloatArray, weights: FloatArray, outcome: FloatArray | BoolArray, kind: Regression
) -> Fit | None:
    try:
        return fit(covariates, weights, outcome, kind)
    except DataError:
        return None


def fit(covariates: FloatArray, weights: FloatArray, outcome: FloatArray | BoolArray, kind: Regression) -> Fit:
    """Finds the coefficients of least squares, or of the highest likelihood, by Newton's method.

    Args:
        covariates: shape (rows, coefficients).
        weights: shape (rows,).
        outcome: shape (rows,), from 0 to 1.
        kind: linear or logistic.

    Raises:
        DataError: there is no one solution.
    """
    # In units of their largest value, so that a year beside a share does not drown it.
    scale = np.maximum(np.abs(covariates).max(axis=0), np.finfo(np.float64).tiny)
    scaled = covariates / scale
    values = np.zeros(scaled.shape[1])
    if np.linalg.matrix_rank(scaled) < len(values):
        raise DataError(
            "The regression has no one solution: some covariate is constant or follows from the others, or the coded "
            "sentences are too few to tell them apart. Leave one out of covariates=[...], or code more."
        )
    for _ in range(STEPS):
        predicted = scaled @ values
        means = sigmoid(predicted) if kind is Regression.logistic else predicted
        slopes = weights * means * (1 - means) if kind is Regression.logistic else weights
        hessian = (scaled.T * slopes) @ scaled
        errors = outcome - means
        try:
            step = np.linalg.solve(hessian, scaled.T @ (weights * errors))
        except np.linalg.LinAlgError:
            break
        if np.abs(step).max() < TOLERANCE * max(1.0, np.abs(values).max()):
            return Fit(values / scale, (errors[:, None] * scaled) @ np.linalg.inv(hessian) / scale)
        values = values + step
    raise DataError(
        "The logistic regression does not settle: some covariate tells the coded sentences with the label from those "
        "without it. Leave it out of covariates=[...], code more sentences, or take regression=linear."
    )
