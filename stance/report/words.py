"""The words that speak for the labels which a model has given wrongly, if they are measured to count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stance.evaluation import Judgement
from stance.evidence import Faithfulness, explain, measure_faithfulness
from stance.predict import Predictor
from stance.report.mistakes import Mistakes

MEASURED = 60
"""Labels given, drawn at random, on which it is measured whether the words count."""


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
    """Measures whether the words that speak for labels count and, if so, finds those of the false alarms."""
    given = np.argwhere(judgement.decided.carried)
    rng = np.random.default_rng(seed)
    drawn = given[rng.permutation(len(given))[:MEASURED]].tolist()
    examples = [judgement.examples[row] for row, _ in drawn]
    explained = explain(
        predictor, [example.text for example in examples], [judgement.labels[column] for _, column in drawn]
    )
    faithfulness = measure_faithfulness(predictor, explained, [example.scenario for example in examples], seed=seed)
    if faithfulness is None or not faithfulness.holds:
        return Words(faithfulness, {})
    alarms = [(mistake.example.text, one.label) for one in mistakes for mistake in one.false_alarms]
    found = explain(predictor, [text for text, _ in alarms], [label for _, label in alarms])
    return Words(faithfulness, {(one.text, one.label): [(word.start, word.end) for word in one.shown] for one in found})
