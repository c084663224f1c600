"""Calibration maps: from a label's logit to its probability.

All of them rise with the logit, so calibration never changes which of two sentences is the likelier. This module
applies them and needs numpy alone; ``stance.calibration`` finds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function, without overflow at either end."""
    return np.exp(-np.logaddexp(0.0, -logits))


@dataclass(frozen=True)
class LogisticMap:
    """``sigmoid(slope * logit + intercept)``: Platt's map; without an intercept temperature; as (1, 0) no change."""

    slope: float
    intercept: float
    kind: Literal["logistic"] = field(default="logistic", init=False)

    def __call__(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities, of the shape of ``logits``."""
        return sigmoid(self.slope * logits + self.intercept)


@dataclass(frozen=True)
class BetaMap:
    """``sigmoid(a * ln p - b * ln(1 - p) + c)`` of ``p = sigmoid(logit)``, with ``a`` and ``b`` not below 0.

    Kull, Silva Filho and Flach (2017), "Beta calibration": unlike the logistic map it may bend differently at the two
    ends; with ``a = b`` it is the logistic one.
    """

    a: float
    b: float
    c: float
    kind: Literal["beta"] = field(default="beta", init=False)

    def __call__(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities, of the shape of ``logits``."""
        log_p, log_not_p = -np.logaddexp(0.0, -logits), -np.logaddexp(0.0, logits)
        return sigmoid(self.a * log_p - self.b * log_not_p + self.c)


@dataclass(frozen=True)
class IsotonicMap:
    """Straight lines between knots, level beyond the first and the last (Zadrozny and Elkan 2002).

    Attributes:
        logits: of the knots, rising.
        probabilities: at the knots, rising.
    """

    logits: tuple[float, ...]
    probabilities: tuple[float, ...]
    kind: Literal["isotonic"] = field(default="isotonic", init=False)

    def __call__(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities, of the shape of ``logits``."""
        return np.interp(logits, self.logits, self.probabilities)


CalibrationMap = LogisticMap | BetaMap | IsotonicMap

PLAIN_SIGMOID = LogisticMap(1.0, 0.0)
"""No calibration."""


def map_from_dict(values: Mapping[str, Any]) -> CalibrationMap:
    """Rebuilds a map from the plain values that ``dataclasses.asdict`` gives.

    Raises:
        KeyError, TypeError: they are not those of a map.
    """
    found: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in values.items()}
    return _KINDS[found.pop("kind")](**found)


_KINDS: Mapping[str, type[CalibrationMap]] = {"logistic": LogisticMap, "beta": BetaMap, "isotonic": IsotonicMap}
