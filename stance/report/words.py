"""The words that speak for the labels which a model has given wrongly, if they are measured to count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stance.evaluation import Judgement
from stance.evidence import Faithfulness, explain, measure_faithfulness
from stance.predict import Predictor
from stance.report.mistakes import Mistakes

MEASURED = 30
"""Labels given on which it is measured whether the words count, if there are no more false alarms to show."""


@dataclass(frozen=True)
class Words:
    """Words to mark.

    Attributes:
        faithfulness: whether they count; None where no sentence could tell.
        places: where they stand, by text and label; empty if they do not count.
    """

    faithfulness: Faithfulness | None
    places: Mapping[tuple[str, str], Sequence[tuple[int, int]]]

    def of(self, text: str, label: str) -> Sequence[tuple[int, int]]:
        """Where the words of a text stand that speak for a label, from and to."""
        return self.places.get((text, label), ())


def find_words(predictor: Predictor, judgement: Judgement, mistakes: Sequence[Mistakes], *, seed: int) -> Words:
    """Weighs the words of the false alarms, and of other labels given, and measures whether they count."""
    alarms = [(mistake.example, one.label) for one in mistakes for mistake in one.false_alarms]
    given = np.random.default_rng(seed).permutation(np.argwhere(judgement.decided.carried)).tolist()
    others = [(judgement.examples[row], judgement.labels[column]) for row, column in given]
    weighed = [*alarms, *(other for other in others if other not in alarms)][: max(MEASURED, len(alarms))]
    if not weighed:
        return Words(None, {})
    found = explain(predictor, [example.text for example, _ in weighed], [label for _, label in weighed])
    documents = [example.scenario for example, _ in weighed]
    faithfulness = measure_faithfulness(predictor, found, documents, seed=seed)
    if faithfulness is None or not faithfulness.holds:
        return Words(faithfulness, {})
    return Words(faithfulness, {(one.text, one.label): [(word.start, word.end) for word in one.shown] for one in found})
