"""The most telling errors of a model: those of which it was surest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stance.data import Example
from stance.decision import FloatArray
from stance.evaluation import Judgement

SHOWN = 6
"""Errors of each kind that are shown for a label, at most."""


@dataclass(frozen=True)
class Mistake:
    """A sentence about which a model is wrong.

    Attributes:
        example: the sentence and what is true of it.
        given: labels that the model gives it.
        uncertain: labels that it is not sure of.
        probabilities: of each label.
    """

    example: Example
    given: tuple[str, ...]
    uncertain: tuple[str, ...]
    probabilities: FloatArray


@dataclass(frozen=True)
class Mistakes:
    """What a model gets wrong about one label, the surest first.

    Attributes:
        label: the name.
        false_alarms, misses: sentences given the label that do not carry it, and the reverse; ``SHOWN`` at most.
        n_false_alarms, n_misses: how many there are in all.
    """

    label: str
    false_alarms: Sequence[Mistake]
    misses: Sequence[Mistake]
    n_false_alarms: int
    n_misses: int


def find_mistakes(judgement: Judgement) -> list[Mistakes]:
    """Those of each label, in the model's order."""
    return [_find(judgement, column) for column in range(len(judgement.labels))]


def _find(judgement: Judgement, column: int) -> Mistakes:
    gold, given = judgement.gold[:, column], judgement.decided.carried[:, column]
    probabilities = judgement.decided.probabilities[:, column]
    alarms, misses = np.flatnonzero(given & ~gold), np.flatnonzero(gold & ~given)
    surest_alarms = alarms[np.argsort(-probabilities[alarms], kind="stable")][:SHOWN]
    surest_misses = misses[np.argsort(probabilities[misses], kind="stable")][:SHOWN]
    return Mistakes(
        label=judgement.labels[column],
        false_alarms=[_mistake(judgement, row) for row in surest_alarms],
        misses=[_mistake(judgement, row) for row in surest_misses],
        n_false_alarms=len(alarms),
        n_misses=len(misses),
    )


def _mistake(judgement: Judgement, row: int) -> Mistake:
    def named(columns: np.ndarray) -> tuple[str, ...]:
        return tuple(label for label, there in zip(judgement.labels, columns, strict=True) if there)

    decided = judgement.decided
    return Mistake(
        judgement.examples[row], named(decided.carried[row]), named(decided.uncertain[row]), decided.probabilities[row]
    )
