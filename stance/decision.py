"""From logits to labels: per label a calibration map, a threshold, and a band in which the model is not sure.

This module applies them; ``stance.fitting`` finds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import ConfigError, did_you_mean
from stance.maps import PLAIN_SIGMOID, CalibrationMap, map_from_dict

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Thresholds = float | Mapping[str, float]
"""One threshold for every label, or a threshold for each label to change."""


@dataclass(frozen=True)
class Band:
    """The probabilities of a label at which a person should look; by default all of them.

    Attributes:
        low: the lowest of them; below it the label is withheld for sure.
        high: the first above them; from it on the label is given for sure. None: it never is.
    """

    low: float = 0.0
    high: float | None = None


@dataclass(frozen=True)
class Decided:
    """What was decided about some sentences, by whatever means; all arrays of shape (sentences, labels).

    Attributes:
        probabilities: of each label.
        carried: whether the sentence carries it.
        uncertain: whether a person should look at that.
    """

    probabilities: FloatArray
    carried: BoolArray
    uncertain: BoolArray


@dataclass(frozen=True)
class Decision:
    """Maps logits of shape (sentences, labels) to probabilities, and probabilities to labels.

    Attributes:
        labels: names, in the order of the columns.
        maps: per label, from the logit to the probability.
        thresholds: per label, the lowest probability at which a sentence carries it.
        bands: per label, the probabilities at which that is not sure; fitted, they hold the threshold or end at it.
    """

    labels: tuple[str, ...]
    maps: tuple[CalibrationMap, ...]
    thresholds: tuple[float, ...]
    bands: tuple[Band, ...]

    @classmethod
    def uncalibrated(cls, labels: tuple[str, ...]) -> "Decision":
        """The plain sigmoid and a threshold of one half; nothing is sure."""
        n = len(labels)
        return cls(labels, (PLAIN_SIGMOID,) * n, (0.5,) * n, (Band(),) * n)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Decision":
        """Rebuilds a decision from the plain values that ``dataclasses.asdict`` gives.

        Raises:
            KeyError, TypeError: they are not those of a decision.
        """
        parts = {name: tuple(value) for name, value in values.items()}
        parts["maps"] = tuple(map(map_from_dict, parts["maps"]))
        parts["bands"] = tuple(Band(**band) for band in parts["bands"])
        return cls(**parts)

    def probabilities(self, logits: NDArray[np.floating]) -> FloatArray:
        """Calibrated probabilities, of the shape of ``logits``."""
        columns = np.asarray(logits, dtype=np.float64).T
        return np.column_stack(
            [to_probability(column) for to_probability, column in zip(self.maps, columns, strict=True)]
        )

    def decide(self, probabilities: FloatArray) -> Decided:
        """Probabilities together with what follows from them."""
        lows = np.array([band.low for band in self.bands])
        highs = np.array([np.inf if band.high is None else band.high for band in self.bands])
        return Decided(
            probabilities=probabilities,
            carried=probabilities >= np.array(self.thresholds),
            uncertain=(probabilities >= lows) & (probabilities < highs),
        )

    def with_thresholds(self, thresholds: Thresholds | None) -> "Decision":
        """The same maps and bands with other thresholds; labels that a mapping leaves out keep theirs.

        The bands stay: they say what is known, thresholds what to do about it.

        Raises:
            ConfigError: a label is unknown, or a threshold is no number from 0 to 1.
        """
        if thresholds is None:
            return self
        changed = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(self.labels, thresholds)
        for label, threshold in changed.items():
            if label not in self.labels:
                raise ConfigError(f"No label '{label}' to set a threshold for: {did_you_mean(label, self.labels)}")
            try:
                fits = 0 <= threshold <= 1
            except TypeError:
                fits = False
            if not fits:
                raise ConfigError(f"Expected a threshold from 0 to 1 for '{label}', found {threshold}.")
        current = dict(zip(self.labels, self.thresholds, strict=True)) | dict(changed)
        return replace(self, thresholds=tuple(float(current[label]) for label in self.labels))
