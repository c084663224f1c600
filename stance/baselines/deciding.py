"""From the logits of a baseline to its labels: calibrated and cut on validation, as the models themselves are."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from stance.config import DecisionConfig
from stance.data import Example
from stance.decision import Decided
from stance.fitting import decide_on

Logits = Callable[[Sequence[str]], NDArray[np.floating]]
"""A trained baseline: from texts to an array of shape (texts, labels)."""


def decide(logits: Logits, validation: Sequence[Example], texts: Sequence[str], labels: tuple[str, ...]) -> Decided:
    """What a trained baseline says of the texts; calibration, thresholds and bands are fitted on validation."""
    decision, _ = decide_on(logits([example.text for example in validation]), validation, labels, DecisionConfig())
    return decision.decide(decision.probabilities(logits(texts)))
