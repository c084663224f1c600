"""How far two readers who labelled the same sentences agree, label by label."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from stance.labels import indicator_matrix


@dataclass(frozen=True)
class Agreement:
    """Agreement of two readers on one label.

    Attributes:
        label: the name.
        n: sentences that both read.
        first, second: how many sentences each gave the label.
        f1: of the second reader against the first, and the same the other way round. 0 where neither gave it.
        alpha: Krippendorff's alpha for nominal data; None where the label was given to all sentences or to none.
    """

    label: str
    n: int
    first: int
    second: int
    f1: float
    alpha: float | None


def agreement(
    first: Sequence[Collection[str]], second: Sequence[Collection[str]], labels: Sequence[str]
) -> tuple[Agreement, ...]:
    """Compares two readings of the same sentences, given in the same order, each as the labels per sentence."""
    one, other = indicator_matrix(first, labels), indicator_matrix(second, labels)
    return tuple(
        _on_label(label, one[:, column].astype(np.int64), other[:, column].astype(np.int64))
        for column, label in enumerate(labels)
    )


def _on_label(label: str, first: NDArray[np.int64], second: NDArray[np.int64]) -> Agreement:
    varied = len(np.unique(np.concatenate([first, second]))) > 1
    return Agreement(
        label=label,
        n=len(first),
        first=int(first.sum()),
        second=int(second.sum()),
        f1=float(f1_score(first, second, zero_division=0)),
        alpha=float(krippendorff.alpha(np.stack([first, second]), level_of_measurement="nominal")) if varied else None,
    )
