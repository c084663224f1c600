"""Evaluations and comparisons for a person at a terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from stance.bootstrap import Estimate
from stance.compare import Comparison
from stance.design import FEW_DOCUMENTS
from stance.evaluation import ConfusionRow, Evaluation, Figures, Leakage, Overlap, Quality, Scorecard, Slice
from stance.figures import NAMES, counted, figure, with_interval

_LABELS_GIVEN = ("precision", "recall", "f1", "average_precision")
_PROBABILITIES = ("brier", "calibration_error", "coverage", "passed_over", "given_wrongly")
_SHOWN = 10


def evaluation_tables(evaluation: Evaluation) -> Iterator[str | Table]:
    """All that was found, with 95 % intervals; an asterisk marks what stands on too few documents."""
    quality = evaluation.quality
    title = f"{evaluation.model} on {evaluation.split}" + " (trained on it!)" * evaluation.trained_on_it
    title += f", n = {quality.n:,}, {counted(quality.documents, 'document')}"
    yield _quality_table(title, quality, _LABELS_GIVEN)
    right = _cell(quality.exact_match)
    yield f"Every label right: {right}. Intervals are of 95 %; * fewer than {FEW_DOCUMENTS} documents."
    yield _quality_table("Probabilities, and where the model is sure", quality, _PROBABILITIES)
    if evaluation.baselines:
        systems = {"this model": quality, **{name: rival.quality for name, rival in evaluation.baselines.items()}}
        yield _f1_table("F1 beside the baselines", systems)
    yield _confusion_table(evaluation.confusion)
    for column in dict.fromkeys(part.column for part in evaluation.slices):
        yield _slices_table(column, [part for part in evaluation.slices if part.column == column])
    if evaluation.contrast is not None:
        yield _contrast_table(evaluation.contrast)
    yield from _leakage_lines(evaluation.leakage)


def comparison_tables(comparison: Comparison) -> Iterator[str | Table]:
    """Both models and their difference, figure by figure."""
    difference = comparison.difference
    one, other = comparison.model, comparison.other
    title = f"on {comparison.split}, n = {difference.n:,}, {counted(difference.documents, 'document')}"
    names = (one.model, other.model) if one.model != other.model else ("model", "other")
    yield _f1_table(f"F1 {title}", {names[0]: one.quality, names[1]: other.quality, "difference": difference})
    for figures in (_LABELS_GIVEN, _PROBABILITIES):
        yield _quality_table(f"{names[0]} less {names[1]}", difference, figures)
    yield f"Every label right: {_cell(difference.exact_match)} more. * fewer than {FEW_DOCUMENTS} documents."
    if comparison.contrast is not None:
        yield f"Contrast groups wholly right: {_cell(comparison.contrast)} more."
    yield (
        f"They differ on {counted(comparison.changed, 'sentence')}: {names[0]} alone has {comparison.better:,} wholly "
        f"right, {names[1]} alone {comparison.worse:,}."
    )


def _quality_table(title: str, quality: Quality, figures: Sequence[str]) -> Table:
    table = _table(title, "label", *(NAMES[name] for name in figures))
    for label, row in _rows(quality).items():
        if label == "macro":
            table.add_section()
        table.add_row(label, *(_cell(getattr(row, name)) for name in figures))
    return table


def _rows(quality: Quality) -> dict[str, Figures]:
    return {**quality.labels, "macro": quality.macro, "micro": quality.micro}


def _f1_table(title: str, systems: Mapping[str, Quality]) -> Table:
    table = _table(title, "label", *systems)
    rows = [_rows(quality) for quality in systems.values()]
    for name in rows[0]:
        if name == "macro":
            table.add_section()
        table.add_row(name, *(_cell(row[name].f1) for row in rows))
    return table


def _confusion_table(rows: Sequence[ConfusionRow]) -> Table:
    """Shares without their intervals, which would not fit beside each other; the JSON has them."""
    names = [row.gold for row in rows]
    table = _table(
        "Of the sentences that carry a label (row), the share that is given it, or wrongly another (column)",
        *("", "n", *names),
    )
    for row in rows:
        shares = [row.given if name == row.gold else row.wrongly for name in names]
        found = [share.get(name) for share, name in zip(shares, names, strict=True)]
        table.add_row(row.gold, f"{row.n:,}", *(figure(one.value if one else None) for one in found))
    return table


def _slices_table(column: str, slices: Sequence[Slice]) -> Table:
    table = _table(f"By {column}", column, "n", "documents", "macro F1", "micro F1", "all right")
    for part in slices:
        cells = (_cell(one) for one in (part.macro.f1, part.micro.f1, part.exact_match))
        table.add_row(part.value, f"{part.n:,}", f"{part.documents:,}", *cells)
    return table


def _contrast_table(scores: Scorecard) -> Table:
    """Groups wholly right per phenomenon, weakest first, and over all."""
    table = _table("Contrast sets: groups with every member right", "phenomenon", "groups", "share")
    for name, share in sorted(scores.phenomena.items(), key=lambda item: item[1].value):
        table.add_row(name, f"{share.n:,}", _cell(share))
    table.add_section()
    table.add_row("all", f"{scores.share.n:,}", _cell(scores.share))
    return table


def _leakage_lines(leakage: Leakage | None) -> Iterator[str]:
    if leakage is None:
        yield "Whether the model has learned from these sentences is unknown: it does not keep what it learned from."
        return
    yield (
        f"The model has learned from {leakage.exact:,} of these sentences, and from near-duplicates of "
        f"{leakage.near:,} others: {with_interval(leakage.share)} of all."
    )
    yield from _overlap_lines(leakage.overlaps)
    if leakage.without is not None:
        yield f"Without them macro F1 is {_cell(leakage.without.macro.f1)} (n = {leakage.without.n:,})."
    contrast = leakage.contrast
    if contrast is None:
        return
    yield (
        f"Of {counted(contrast.n, 'contrast sentence')} it has learned from {contrast.exact:,}, and from "
        f"near-duplicates of {contrast.near:,} others."
    )
    yield from _overlap_lines(contrast.overlaps)
    if contrast.without is not None:
        share = contrast.without.share
        yield f"Without their groups {_cell(share)} are wholly right (n = {share.n:,})."


def _overlap_lines(overlaps: Sequence[Overlap]) -> Iterator[str]:
    for overlap in overlaps[:_SHOWN]:
        how = "the same" if overlap.exact else f"similarity about {overlap.similarity:.2f}"
        yield f"  {overlap.id} ({overlap.scenario}): {overlap.learned}, {how}"
    if len(overlaps) > _SHOWN:
        yield f"  and {len(overlaps) - _SHOWN:,} more"


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _cell(estimate: Estimate | None) -> str:
    """Without the zeros before the point, so that four of them fit into a terminal."""
    return with_interval(estimate, digits=2, ends=2).replace("0.", ".")
