"""Which sentences a model was trained on or chosen by, or nearly so, by the hashes that it keeps of those."""

import logging
from collections.abc import Sequence

from stance.data import Example
from stance.evaluation import Overlap
from stance.fingerprints import compare, fingerprint, read_fingerprints
from stance.predict import Predictor

log = logging.getLogger(__name__)


def warn_of_overlaps(predictor: Predictor, examples: Sequence[Example], name: str) -> None:
    """Says so if the model has learned from some of the very sentences that it is to be fitted to or judged by."""
    seen = sum(overlap.exact for overlap in find_overlaps(predictor, examples) or ())
    if seen:
        log.warning("%s has learned from %d of these %d sentences: it does better on them.", name, seen, len(examples))


def find_overlaps(predictor: Predictor, examples: Sequence[Example]) -> tuple[Overlap, ...] | None:
    """The examples that the model has learned from, or near-duplicates of which; the most alike first.

    None if the model does not keep what it learned from.

    Raises:
        ModelError: what it keeps is damaged, or another model's.
    """
    learned = None if predictor.folder is None else read_fingerprints(predictor.folder, predictor.model_file.data)
    if learned is None:
        return None
    prints = fingerprint([example.text for example in examples])
    likeness = {split: compare(prints, others) for split, others in learned.items()}
    overlaps = []
    for place, example in enumerate(examples):
        split = max(likeness, key=lambda name: (likeness[name].exact[place], likeness[name].similarity[place]))
        found = likeness[split]
        if found.similarity[place]:
            overlaps.append(
                Overlap(
                    id=example.id,
                    scenario=example.scenario,
                    learned=split,
                    exact=bool(found.exact[place]),
                    similarity=float(found.similarity[place]),
                )
            )
    return tuple(sorted(overlaps, key=lambda overlap: (overlap.exact, overlap.similarity), reverse=True))
