"""From logits to labels: one calibration map and one threshold per label.

This module applies them; ``stance.fitting`` finds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stance.errors import ConfigError, did_you_mean

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Thresholds = float | Mapping[str, float]
"""One threshold for every label, or a threshold for each label to change."""


def sigmoid(logits: FloatArray) -> FloatArray:
    """The logistic function, without overflow at either end."""
    return np.exp(-np.logaddexp(0.0, -logits))


@dataclass(frozen=True)
class Decided:
    """What was decided about some sentences, by whatever means; both arrays of shape (sentences, labels).

    Attributes:
        probabilities: of each label.
        carried: whether the sentence carries it.
    """

    probabilities: FloatArray
    carried: BoolArray


@dataclass(frozen=True)
class Decision:
    """Maps logits of shape (sentences, labels) to probabilities, and probabilities to labels.

    Attributes:
        labels: names, in the order of the columns.
        slopes, intercepts: per label, ``probability = sigmoid(slope * logit + intercept)``.
        thresholds: per label, the lowest probability at which a sentence carries it.
    """

    labels: tuple[str, ...]
    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]
    thresholds: tuple[float, ...]

    @classmethod
    def uncalibrated(cls, labels: tuple[str, ...]) -> "Decision":
        """The plain sigmoid and a threshold of one half."""
        n = len(labels)
        return cls(labels, (1.0,) * n, (0.0,) * n, (0.5,) * n)

    def probabilities(self, logits: NDArray[np.floating]) -> FloatArray:
        """Calibrated probabilities, of the shape of ``logits``."""
        return sigmoid(np.asarray(logits, dtype=np.float64) * np.array(self.slopes) + np.array(self.intercepts))

    def carried(self, probabilities: FloatArray) -> BoolArray:
        """Which labels each sentence carries, of the shape of ``probabilities``."""
        return probabilities >= np.array(self.thresholds)

    def decide(self, probabilities: FloatArray) -> Decided:
        """Probabilities together with what follows from them."""
        return Decided(probabilities, self.carried(probabilities))

    def with_thresholds(self, thresholds: Thresholds | None) -> "Decision":
        """The same maps with other thresholds; labels that a mapping leaves out keep theirs.

        Raises:
            ConfigError: a label is unknown, or a threshold lies outside 0 to 1.
        """
        if thresholds is None:
            return self
        changed = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(self.labels, thresholds)
        for label, threshold in changed.items():
            if label not in self.labels:
                raise ConfigError(f"No label '{label}' to set a threshold for: {did_you_mean(label, self.labels)}")
            if not 0 <= threshold <= 1:
                raise ConfigError(f"Expected a threshold from 0 to 1 for '{label}', found {threshold}.")
        current = dict(zip(self.labels, self.thresholds, strict=True)) | dict(changed)
        return replace(self, thresholds=tuple(float(current[label]) for label in self.labels))
