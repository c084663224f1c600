"""Labels that may be wrong, found by confident learning where labels and a model's probabilities contradict each other.

cleanlab does the work, each label against its absence: Northcutt, Jiang & Chuang (2021), https://arxiv.org/abs/1911.00068,
and for several labels at once Thyagarajan et al. (2022), https://arxiv.org/abs/2211.13895. The model must not have
learned from these very labels, or it repeats their errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stance.errors import ConfigError, install_extra


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong.

    Attributes:
        sentence: its place among those looked at.
        label: the name.
        given: whether the sentence carries it.
        quality: cleanlab's score, from 0 to 1: how likely the label is right.
    """

    sentence: int
    label: str
    given: bool
    quality: float


def suspects(given: NDArray[np.bool_], probabilities: NDArray[np.float64], labels: Sequence[str]) -> list[Suspect]:
    """Finds suspected errors, worst first.

    A label that all of the sentences carry, or none, is left out: nothing can be learned of its errors.

    Args:
        given: shape (sentences, labels), whether the sentence carries the label.
        probabilities: shape (sentences, labels), of a model that has not learned from these labels.
        labels: the names of the columns.

    Raises:
        ConfigError: cleanlab is not installed.
    """
    varied = np.flatnonzero(given.any(axis=0) & ~given.all(axis=0))
    if not len(varied):
        return []
    try:
        # An extra of the package; and it loads pandas, which nothing else here needs.
        from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
        from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class
    except ImportError:
        raise ConfigError(f"Suspected label errors need cleanlab: {install_extra('annotate')}") from None
    carried = [list(np.flatnonzero(row)) for row in given[:, varied]]
    # Of shape (sentences, labels), whatever cleanlab's documentation says.
    issues = np.asarray(find_multilabel_issues_per_class(carried, probabilities[:, varied], n_jobs=1))
    qualities = np.asarray(get_label_quality_scores_per_class(carried, probabilities[:, varied]))
    found = [
        Suspect(int(row), labels[varied[column]], bool(given[row, varied[column]]), float(qualities[row, column]))
        for row, column in np.argwhere(issues)
    ]
    return sorted(found, key=lambda suspect: suspect.quality)
