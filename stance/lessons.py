"""What a network is to learn from: texts, and what it is to answer, be it labels or what teachers say."""

import numpy as np

from stance.config import TrainConfig
from stance.data import Splits, gold_matrix
from stance.decision import FloatArray
from stance.processes import by_the_first
from stance.teachers import ask
from stance.variants import vary


def make_lessons(splits: Splits, config: TrainConfig) -> tuple[list[str], FloatArray]:
    """What the network is to learn from: texts, and what it is to answer, of shape (texts, labels).

    The answers are the labels, or between them and the teachers' probabilities; for variants and for unlabelled
    sentences these alone.
    """
    labels = tuple(config.labels)
    texts = [example.text for example in splits.train]
    gold = gold_matrix(splits.train, labels).astype(np.float64)
    objective = config.objective
    if not objective.teachers:
        return texts, gold
    variants = vary(texts, objective.variants, seed=0)  # whatever the run's: teachers are asked once for all
    asked = [*texts, *variants, *(example.text for example in splits.unlabelled)]
    answers = by_the_first(lambda: ask(objective.teachers, asked, labels, objective.teacher_precision))
    answers[: len(texts)] = (1 - objective.teacher_weight) * gold + objective.teacher_weight * answers[: len(texts)]
    return asked, answers
