"""What an evaluation found, as plain data: every figure with n and a 95 % interval, and None where it is undefined.

``stance.quality`` finds the figures, ``stance.evaluate`` puts them together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stance.bootstrap import Estimate
from stance.data import Example
from stance.decision import BoolArray, Decided

NO_LABEL = "(none)"
"""Stands for no label where labels are told apart."""


@dataclass(frozen=True)
class Judgement:
    """What a system said about labelled sentences, sentence by sentence.

    Attributes:
        labels: names, in the order of the columns.
        examples: the sentences and what is true of them.
        gold: shape (sentences, labels), which labels they carry.
        decided: probabilities, labels given and labels uncertain, each of the same shape.
    """

    labels: tuple[str, ...]
    examples: Sequence[Example]
    gold: BoolArray
    decided: Decided

    def among(self, inside: BoolArray) -> "Judgement":
        """That of some of the sentences; ``inside`` has shape (sentences,)."""
        decided = Decided(**{name: array[inside] for name, array in vars(self.decided).items()})
        examples = [example for example, within in zip(self.examples, inside, strict=True) if within]
        return Judgement(self.labels, examples, self.gold[inside], decided)


@dataclass(frozen=True)
class Judged:
    """What the model and, by name, each baseline said: what figures and curves are made from; it is not in the JSON."""

    model: Judgement
    rivals: Mapping[str, Judgement]


@dataclass(frozen=True)
class Hits:
    """How well the labels given agree with the gold labels: of one label, or over all.

    Attributes:
        precision: share of the labels given that are right; n counts the labels given.
        recall: share of the gold labels that are given; n counts the gold labels.
        f1: harmonic mean of both; n counts the gold labels, without which it is undefined, as recall is.
    """

    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


@dataclass(frozen=True)
class Figures(Hits):
    """All that is measured of one label, or over all.

    Attributes:
        average_precision: area under the precision-recall curve, whatever the threshold; n counts the gold labels.
        brier: mean squared distance of probability and gold label (Brier 1950); n counts sentences.
        calibration_error: expected calibration error over ten bins of equal size; n counts sentences. It is never below
            0, so that samples overstate it, for which its interval allows: in simulations of 500 to 4,000 sentences in
            documents, with a true error of 0, .01 or .03, the interval of a label or of a macro mean held it in .90 to
            1.00 of the samples, .97 on average.
        coverage: share of the sentences outside the uncertain band; n counts sentences.
        passed_over: share of the gold labels that are withheld for sure; n counts the gold labels.
        given_wrongly: share of the labels given for sure that are wrong; n counts the labels given for sure.
    """

    average_precision: Estimate | None
    brier: Estimate | None
    calibration_error: Estimate | None
    coverage: Estimate | None
    passed_over: Estimate | None
    given_wrongly: Estimate | None


@dataclass(frozen=True)
class Quality:
    """How good a system is on a set of sentences.

    Attributes:
        n: sentences.
        documents: documents or scenarios that they are from, by which intervals are drawn.
        labels: figures by label, in the model's order.
        macro: mean over the labels of which a figure is defined; n is that of the label with the least.
        micro: over all decisions, one for each sentence and label, together.
        exact_match: share of the sentences with every label right.
    """

    n: int
    documents: int
    labels: Mapping[str, Figures]
    macro: Figures
    micro: Figures
    exact_match: Estimate


@dataclass(frozen=True)
class Slice:
    """Part of the sentences: those with one value in one column; figures as in ``Quality``.

    Attributes:
        column: its name; ``length`` is computed.
        value: in it, as text.
        small: too few documents to lean on the intervals.
    """

    column: str
    value: str
    n: int
    documents: int
    small: bool
    labels: Mapping[str, Hits]
    macro: Hits
    micro: Hits
    exact_match: Estimate


@dataclass(frozen=True)
class ConfusionRow:
    """What was given to the sentences that carry a label; one sentence may stand in several rows and columns.

    Attributes:
        gold: a label that the sentences of this row carry, alone or beside others; ``NO_LABEL`` for those without.
        n: sentences in this row.
        given: share of them that were given each label, right or wrong, and ``NO_LABEL``: that were given none.
        wrongly: share of them that were given each label though they do not carry it, and ``NO_LABEL``: that were
            given none though they carry one.
    """

    gold: str
    n: int
    given: Mapping[str, Estimate]
    wrongly: Mapping[str, Estimate]


@dataclass(frozen=True)
class Scorecard:
    """Contrast sets: the share of groups with every label of every member right, in all and by phenomenon."""

    share: Estimate
    phenomena: Mapping[str, Estimate]


@dataclass(frozen=True)
class Overlap:
    """A sentence that the model was trained on, or one nearly like it.

    Attributes:
        id: of the judged sentence.
        scenario: its document, scenario or contrast group.
        learned: what the model has it from: train, validation, unlabelled, or recalibration.
        exact: it is the same text, but for case and white space.
        similarity: the Jaccard index of character 5-grams; estimated, with a standard error of .07, unless it is exact.
    """

    id: str
    scenario: str
    learned: str
    exact: bool
    similarity: float


@dataclass(frozen=True)
class ContrastLeakage:
    """What of the contrast sentences the model had before it; ``exact``, ``near`` and ``overlaps`` as in ``Leakage``.

    Attributes:
        n: contrast sentences.
        without: the groups that hold none of these; None where there is no overlap, or nothing else.
    """

    n: int
    exact: int
    near: int
    overlaps: tuple[Overlap, ...]
    without: Scorecard | None


@dataclass(frozen=True)
class Leakage:
    """What of the judged sentences the model had before it.

    Attributes:
        exact: sentences that it was trained on or chosen by.
        near: others that are near-duplicates of one, by an estimated similarity of .5 or more: some of .4 are counted,
            some of .6 missed.
        share: of all sentences, that are either.
        overlaps: each of them, the most alike first.
        without: figures on the sentences that are neither; None where there is no overlap, or nothing else.
        contrast: of the contrast sentences; None where there are no contrast sets.
    """

    exact: int
    near: int
    share: Estimate
    overlaps: tuple[Overlap, ...]
    without: Quality | None
    contrast: ContrastLeakage | None


@dataclass(frozen=True)
class Rival:
    """How a baseline did on the same sentences; ``contrast`` is None where there are no contrast sets."""

    quality: Quality
    contrast: Scorecard | None


@dataclass(frozen=True)
class Evaluation:
    """A model judged on one split.

    Attributes:
        model: as it was named.
        weights_sha256: of the model.
        split: the part of the data that was judged.
        data_sha256: of the examples in it.
        draws: bootstrap samples behind the intervals.
        seed: of the draws.
        quality: of the model.
        confusion: which labels it gives where, a row for each gold label and, last, for sentences without.
        slices: column by column; first by length.
        contrast: of the model; None where there are no contrast sets.
        leakage: None if the model does not tell what it learned from.
        trained_on_it: the model has seen this very split in training or fitting, so its figures flatter.
        baselines: by name, on the same sentences.
    """

    model: str
    weights_sha256: str
    split: str
    data_sha256: str
    draws: int
    seed: int
    quality: Quality
    confusion: tuple[ConfusionRow, ...]
    slices: tuple[Slice, ...]
    contrast: Scorecard | None
    leakage: Leakage | None
    trained_on_it: bool
    baselines: Mapping[str, Rival]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
