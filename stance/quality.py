"""How good a system is, every figure with its interval: overall, in parts of the data, and label against label."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stance.bootstrap import Cases, Estimate, Resamples, Statistic, Times, defined, ratios, side_by_side
from stance.decision import BoolArray, FloatArray
from stance.evaluation import NO_LABEL, ConfusionRow, Figures, Hits, Judgement, Quality, Slice
from stance.groups import apart
from stance.metrics import Count, count_hits, count_others
from stance.ranking import Ranking

H = TypeVar("H", bound=Hits)
_HITS, _FIGURES = (tuple(field.name for field in fields(kind)) for kind in (Hits, Figures))
_RANKED = ("average_precision", "calibration_error")
"""Figures that hang on the order of the probabilities; the others are a sum over a sum."""


def resamples_of(judgement: Judgement, *, draws: int, seed: int) -> Resamples:
    """The draws for a judgement's sentences, of whole documents or scenarios."""
    return Resamples([example.scenario for example in judgement.examples], draws=draws, seed=seed)


def measure_quality(judgement: Judgement, resamples: Resamples) -> Quality:
    """All figures of a system."""
    return name_quality(judgement, resamples, resamples.estimate(quality_statistic(judgement, resamples)))


def quality_statistic(judgement: Judgement, resamples: Resamples) -> Statistic:
    """The figures of ``Quality``, as ``name_quality`` names them."""
    said, gold = judgement.decided, judgement.gold
    counted = _Counted(count_hits(said, gold) | count_others(said, gold), resamples)
    labels = len(judgement.labels)
    summed, ranked = ([_FIGURES.index(name) for name in names] for names in (counted.names, _RANKED))
    cases = np.empty((resamples.clusters, len(_FIGURES), labels + 1))
    cases[:, summed] = counted.cases
    cases[:, ranked] = cases[:, [_FIGURES.index("recall"), _FIGURES.index("brier")]]
    table = _Table(cases)
    rankings = list(_rankings(judgement))
    clusters = [*[resamples.where] * labels, np.repeat(resamples.where, labels)]
    ordered = [where[ranking.order] for where, ranking in zip(clusters, rankings, strict=True)]

    def figures(times: Times) -> FloatArray:
        found = np.empty((len(times), len(_FIGURES), labels + 1))
        found[:, summed] = counted.figures(times)
        for column, (ranking, where) in enumerate(zip(rankings, ordered, strict=True)):
            weights = times[:, where]
            found[:, ranked[0], column] = ranking.average_precision(weights)
            found[:, ranked[1], column] = ranking.calibration_error(weights)
        return table.with_macro(found)

    biased = np.repeat([name == "calibration_error" for name in _FIGURES], labels + 2)
    every = Statistic(figures, table.counted, width=judgement.gold.size, biased=biased)
    return side_by_side(every, _exact_match(judgement, resamples))


def name_quality(judgement: Judgement, resamples: Resamples, found: Sequence[Estimate | None]) -> Quality:
    """Puts the estimates of ``quality_statistic`` under their names."""
    (exact_match,) = defined(found[-1:])
    labels, macro, micro = _by_label(Figures, judgement.labels, found[:-1])
    return Quality(len(judgement.examples), resamples.clusters, labels, macro, micro, exact_match)


def measure_slices(
    judgement: Judgement, resamples: Resamples, columns: Mapping[str, Sequence[str]], told: str
) -> tuple[Slice, ...]:
    """The hits of a system in parts of the data.

    Args:
        judgement: what the system said.
        resamples: the draws.
        columns: by name, the group of each sentence.
        told: names the data in errors.

    Raises:
        DataError: a column has too many groups.
    """
    parts = [
        (column, group, where == number)
        for column, values in columns.items()
        for groups, where in [apart(values, column=column, told=told)]
        for number, group in enumerate(groups)
    ]
    statistics = [_part_statistic(judgement, inside, resamples) for *_, inside in parts]
    found = resamples.estimate(side_by_side(*statistics))
    slices = []
    for (column, group, _), estimates in zip(parts, _pieces(found, len(parts)), strict=True):
        (exact,) = defined(estimates[-1:])
        by_label = _by_label(Hits, judgement.labels, estimates[:-1])
        slices.append(Slice(column, group, exact.n, exact.clusters, exact.small, *by_label, exact_match=exact))
    return tuple(slices)


def measure_confusion(judgement: Judgement, resamples: Resamples) -> tuple[ConfusionRow, ...]:
    """Which labels are given to sentences that carry a label, and to those without."""
    carried, given = (_with_none(columns) for columns in (judgement.gold, judgement.decided.carried))
    both = np.stack([given, given & ~carried], axis=1)
    cells = carried[:, :, None, None] & both[:, None]  # sentences, gold, given at all or wrongly, given
    cases = np.broadcast_to(carried[:, :, None, None], cells.shape)
    found = resamples.estimate(ratios(resamples, *(array.reshape(len(carried), -1) for array in (cells, cases))))
    names = (*judgement.labels, NO_LABEL)
    rows = []
    for name, n, row in zip(names, carried.sum(axis=0).tolist(), _pieces(found, len(names)), strict=True):
        at_all, wrongly = (
            {label: one for label, one in zip(names, part, strict=True) if one} for part in _pieces(row, 2)
        )
        rows.append(ConfusionRow(name, n, at_all, wrongly))
    return tuple(rows)


class _Counted:
    """Figures that are a sum over a sum: of each label, and of all decisions together."""

    def __init__(self, counts: Mapping[str, Count], resamples: Resamples) -> None:
        self.names = tuple(counts)

        def sums(arrays: Sequence[BoolArray | FloatArray]) -> FloatArray:  # (clusters, figures, labels + 1)
            stacked = np.stack([resamples.sums(array) for array in arrays], axis=1)
            return np.concatenate([stacked, stacked.sum(axis=2, keepdims=True)], axis=2)

        self._top = sums([count.top for count in counts.values()])
        self._bottom = sums([count.bottom for count in counts.values()])
        self.cases = sums([count.cases for count in counts.values()])

    def figures(self, times: Times) -> FloatArray:
        """Shape (samples, figures, labels + 1)."""
        top, bottom, cases = (
            np.tensordot(times.astype(np.float64), sums, axes=1) for sums in (self._top, self._bottom, self.cases)
        )
        with np.errstate(invalid="ignore"):
            return np.where(cases > 0, top / bottom, np.nan)


class _Table:
    """Figures of each label and of all decisions together, with the macro mean between them.

    Args:
        cases: of each in each cluster, of shape (clusters, figures, labels + 1).
    """

    def __init__(self, cases: FloatArray) -> None:
        of = Cases.of(cases)
        self._defined = of.n[:, :-1] > 0
        self.counted = Cases(self._flat(of.n), self._flat(of.clusters))
        """That of a macro mean is that of the label with the least."""

    def _flat(self, counted: NDArray[np.int64]) -> NDArray[np.int64]:
        labels, together = counted[:, :-1], counted[:, -1:]
        least = np.where(self._defined, labels, labels.max()).min(axis=1, keepdims=True)
        least[~self._defined.any(axis=1)] = 0
        return np.concatenate([labels, least, together], axis=1).ravel()

    def with_macro(self, found: FloatArray) -> FloatArray:
        """Shape (samples, figures * (labels + 2)), of (samples, figures, labels + 1).

        The macro mean is over the labels of which a figure is defined in the sample as it is. A draw that leaves one
        of these undefined has none.
        """
        with np.errstate(invalid="ignore"):
            macro = np.where(self._defined, found[..., :-1], 0).sum(axis=2) / self._defined.sum(axis=1)
        return np.concatenate([found[..., :-1], macro[..., None], found[..., -1:]], axis=2).reshape(len(found), -1)


def _rankings(judgement: Judgement) -> Iterator[Ranking]:
    """Of each label, and of all decisions together."""
    gold, probabilities = judgement.gold, judgement.decided.probabilities
    for column in range(len(judgement.labels)):
        yield Ranking(probabilities[:, column], gold[:, column])
    yield Ranking(probabilities.ravel(), gold.ravel())


def _part_statistic(judgement: Judgement, inside: BoolArray, resamples: Resamples) -> Statistic:
    within = inside[:, None]
    counts = {
        name: Count(count.top * within, count.bottom * within, count.cases & within)
        for name, count in count_hits(judgement.decided, judgement.gold).items()
    }
    counted = _Counted(counts, resamples)
    table = _Table(counted.cases)
    return side_by_side(
        Statistic(lambda times: table.with_macro(counted.figures(times)), table.counted),
        _exact_match(judgement, resamples, inside),
    )


def _exact_match(judgement: Judgement, resamples: Resamples, inside: BoolArray | None = None) -> Statistic:
    within = np.ones(len(judgement.gold), dtype=np.bool_) if inside is None else inside
    right = (judgement.decided.carried == judgement.gold).all(axis=1)
    return ratios(resamples, (right & within)[:, None], within[:, None])


def _with_none(columns: BoolArray) -> BoolArray:
    """The columns of the labels, and one of the sentences that have none of them."""
    return np.column_stack([columns, ~columns.any(axis=1)])


def _by_label(kind: type[H], labels: Sequence[str], found: Sequence[Estimate | None]) -> tuple[dict[str, H], H, H]:
    """The figures of each label, their macro mean, and those of all decisions."""
    names = _HITS if kind is Hits else _FIGURES
    columns = zip(*_pieces(found, len(names)), strict=True)
    each = [kind(**dict(zip(names, column, strict=True))) for column in columns]
    return dict(zip(labels, each[:-2], strict=True)), each[-2], each[-1]


def _pieces(found: Sequence[Estimate | None], number: int) -> list[Sequence[Estimate | None]]:
    """Cuts into as many parts of the same length."""
    size = len(found) // number
    return [found[start : start + size] for start in range(0, len(found), size)]
