"""The label set: names in one fixed order, which a trained model carries with it."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from stance.errors import ConfigError

LABELS = ("offer", "accusation", "denial", "condition")
"""The four labels of the shipped data, in the order in which every table and matrix shows them."""


def check_label_names(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the names as a tuple.

    Raises:
        ConfigError: there is no name, a name is empty, or a name occurs twice.
    """
    labels = tuple(names)
    if not labels:
        raise ConfigError("The label list is empty: give at least one label, e.g. labels=[offer,denial].")
    for label in labels:
        if not isinstance(label, str) or not label.strip():
            raise ConfigError(f"Expected label names that are non-empty strings, found {label!r} in {list(labels)}.")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ConfigError(f"Each label must be listed once, found twice: {', '.join(twice)}.")
    return labels


def label_sets(matrix: NDArray[np.bool_], labels: Sequence[str]) -> list[tuple[str, ...]]:
    """The names in each row of a matrix of shape (sentences, labels)."""
    return [tuple(label for label, on in zip(labels, row, strict=True) if on) for row in matrix]


def indicator_matrix(label_sets: Sequence[Collection[str]], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Sets of label names as a matrix of shape (sentences, labels): True where the sentence carries the label."""
    return np.array([[label in found for label in labels] for found in label_sets], dtype=np.bool_).reshape(
        len(label_sets), len(labels)
    )
