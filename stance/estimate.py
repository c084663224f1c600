"""How common labels are in a labelled corpus: overall, by group and over time, corrected by a hand-coded sample."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stance.config import CountConfig, EstimateConfig
from stance.decision import BoolArray, FloatArray
from stance.design import FEW_DOCUMENTS, Design
from stance.errors import DataError
from stance.files import check_apart, check_no_folder, write_text
from stance.groups import MANY, NO_VALUE, apart, group, grouped
from stance.labelled import Coded, Corpus, read_coded, read_corpus
from stance.prevalence import FEW, Coding, Method, confuse, measure, power
from stance.regression import Coefficient, regress

SMALL = 30
"""Hand-coded sentences below which a group is small; so is one of fewer than ``FEW_DOCUMENTS``, or with fewer than
``FEW`` with the label, or without. Where nothing is coded, all its sentences and documents count."""

INTERCEPT = "(intercept)"


@dataclass(frozen=True)
class Prevalence:
    """How common a label is in the corpus or a part of it.

    Attributes:
        label: its name.
        column, group: which part: the sentences that have this value in this column; None for the whole corpus.
        method: how the estimate was made.
        n: sentences.
        documents: that they are of.
        coded: of the sentences, hand-coded.
        positives: of these, with the label.
        value: share of sentences with the label; None where nothing is coded that the method needs.
        low, high: the 95 % interval.
        small: too little is there, or coded, to lean on the interval.
    """

    label: str
    column: str | None
    group: str | None
    method: str
    n: int
    documents: int
    coded: int
    positives: int
    value: float | None
    low: float | None
    high: float | None
    small: bool


@dataclass(frozen=True)
class Effect:
    """What a covariate does to a label, as in ``stance.regression.Coefficient``.

    The rest as in ``Prevalence``, for the sentences of the covariate's group; for all, where it is a number or the
    intercept. It is small, too, where little is coded in the group with which a group is compared.
    """

    label: str
    covariate: str
    method: str
    n: int
    coded: int
    positives: int
    value: float
    low: float
    high: float
    small: bool


@dataclass(frozen=True)
class Estimates:
    """All that was found.

    Attributes:
        corpus, sample: the files; no sample where nothing is coded.
        n: sentences in the corpus.
        documents: in the corpus, by which intervals are clustered; as many as sentences where none are named.
        coded: hand-coded sentences.
        uncoded: ids of sentences of the sample that nobody coded; those of their stratum stand for them.
        trust: by label, how far PPI++ trusts the model's probabilities, from 0 to 1.
        shares: by label, part and method.
        regression: linear or logistic; None without covariates.
        effects: by label, covariate and method.
    """

    corpus: str
    sample: str | None
    n: int
    documents: int
    coded: int
    uncoded: tuple[str, ...]
    trust: Mapping[str, float]
    shares: tuple[Prevalence, ...]
    regression: str | None
    effects: tuple[Effect, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def estimate(config: EstimateConfig) -> Estimates:
    """Estimates the share of each label, and its regression on covariates if there are any.

    Writes ``config.output`` as JSON if it is given.

    Raises:
        ConfigError: the output is an input.
        DataError: corpus or sample cannot be read, do not fit each other, or lack a column; nothing is coded; dates are
            none; or a regression has no one solution.
    """
    if config.output is not None:
        check_no_folder(Path(config.output))
        check_apart(Path(config.output), corpus=config.corpus, coded=config.coded)
    columns = list(dict.fromkeys([*config.columns, *config.covariates]))
    corpus = read_corpus(Path(config.corpus), columns=columns, document_column=config.document_column)
    sample = read_coded(Path(config.coded), corpus, config.label_column)
    done = count(corpus, sample, config)
    if config.covariates:
        effects = tuple(_effects(corpus, sample, config))
        done = replace(done, regression=config.regression.value, effects=effects)
    if config.output is not None:
        write_text(Path(config.output), json.dumps(done.to_dict(), indent=2) + "\n")
    return done


def count(corpus: Corpus, sample: Coded, config: CountConfig) -> Estimates:
    """Estimates the share of each label in a corpus and its parts.

    Args:
        corpus: with the columns that the parts are of.
        sample: what of it is coded; of ``nothing_coded``, only the naive count has a say.
        config: the parts.

    Raises:
        DataError: dates are none, or groups too many.
    """
    parts = list(_parts(corpus, config))
    codings = {label: _coding(corpus, sample, label) for label in corpus.labels}
    trust = {label: power(sample.design, coding) if len(sample.gold) else 0.0 for label, coding in codings.items()}
    return Estimates(
        corpus=config.corpus,
        sample=config.coded,
        n=len(corpus.ids),
        documents=int(corpus.documents.max()) + 1,
        coded=len(sample.gold),
        uncoded=sample.uncoded,
        trust=trust,
        shares=tuple(
            share
            for label, coding in codings.items()
            for share in _shares(label, coding, sample.design, trust[label], parts)
        ),
        regression=None,
        effects=(),
    )


def _coding(corpus: Corpus, sample: Coded, label: str) -> Coding:
    column = corpus.column_of(label)
    return Coding(corpus.given[:, column], corpus.probabilities[:, column], sample.gold[:, column])


@dataclass(frozen=True)
class _Part:
    """The whole corpus, or the sentences with one value in one column; ``inside`` has shape (sentences,)."""

    column: str | None
    group: str | None
    inside: BoolArray


def _parts(corpus: Corpus, config: CountConfig) -> Iterator[_Part]:
    yield _Part(None, None, np.ones(len(corpus.ids), dtype=np.bool_))
    told = str(corpus.path)
    for name, values in grouped(corpus.columns, config, ids=corpus.ids, told=told).items():
        groups, where = apart(values, column=name, told=told)
        for number, value in enumerate(groups):
            yield _Part(name, value, where == number)


def _shares(label: str, coding: Coding, design: Design, trust: float, parts: Sequence[_Part]) -> Iterator[Prevalence]:
    confusion = confuse(design, coding)
    for part in parts:
        gold = coding.gold[part.inside[design.coded]]
        documents = len(np.unique(design.documents[part.inside]))
        n = int(part.inside.sum())
        small = _is_small(gold, design, part.inside) if len(design.coded) else _is_few(n, documents)
        for method, share in measure(design, coding, trust, part.inside, confusion).items():
            yield Prevalence(
                label=label,
                column=part.column,
                group=part.group,
                method=method.value,
                n=n,
                documents=documents,
                coded=len(gold),
                positives=int(gold.sum()),
                value=share.value,
                low=share.low,
                high=share.high,
                small=small,
            )


def _is_small(gold: BoolArray, design: Design, inside: BoolArray) -> bool:
    """Whether too little is coded of the sentences ``inside``; ``gold`` is what the person said of these."""
    positives, coded = int(gold.sum()), design.coded[inside[design.coded]]
    return _is_few(len(gold), len(np.unique(design.documents[coded]))) or min(positives, len(gold) - positives) < FEW


def _is_few(sentences: int, documents: int) -> bool:
    return sentences < SMALL or documents < FEW_DOCUMENTS


@dataclass(frozen=True)
class _Covariate:
    """A column of the regression.

    Attributes:
        values: shape (sentences,).
        group: shape (sentences,), those it is about.
        against: shape (sentences,), those that it compares these with.
    """

    values: FloatArray
    group: BoolArray
    against: BoolArray


def _effects(corpus: Corpus, sample: Coded, config: EstimateConfig) -> Iterator[Effect]:
    covariates = _covariates(corpus, config.covariates)
    columns = {name: covariate.values for name, covariate in covariates.items()}
    for label in corpus.labels:
        coding = _coding(corpus, sample, label)
        try:
            found = regress(sample.design, coding, columns, config.regression)
        except DataError as error:
            raise DataError(f"'{label}': {error}") from None
        yield from _label_effects(label, found, coding, sample.design, covariates)


def _label_effects(
    label: str,
    found: Mapping[Method, Sequence[Coefficient]],
    coding: Coding,
    design: Design,
    covariates: Mapping[str, _Covariate],
) -> Iterator[Effect]:
    for method, coefficients in found.items():
        for row in coefficients:
            covariate = covariates[row.covariate]
            gold = coding.gold[covariate.group[design.coded]]
            parts = (covariate.group, covariate.against)
            yield Effect(
                label=label,
                covariate=row.covariate,
                method=method.value,
                n=int(covariate.group.sum()),
                coded=len(gold),
                positives=int(gold.sum()),
                value=row.value,
                low=row.low,
                high=row.high,
                small=any(_is_small(coding.gold[part[design.coded]], design, part) for part in parts),
            )


def _covariates(corpus: Corpus, names: Sequence[str]) -> dict[str, _Covariate]:
    """An intercept; columns of numbers as they are; of others one of 0 and 1 for each group but the largest."""
    everything = np.ones(len(corpus.ids), dtype=np.bool_)
    found = {INTERCEPT: _Covariate(everything.astype(np.float64), everything, everything)}
    for name in names:
        values = [group(value) for value in corpus.columns[name]]
        try:
            numbers = np.array([value for value in values if value != NO_VALUE], dtype=np.float64)
        except ValueError:
            kinds = [kind for kind, _ in Counter(values).most_common()]
            if len(kinds) > MANY:
                raise DataError(
                    f"{corpus.path}: covariate '{name}' holds text of {len(kinds)} kinds; expected numbers, or at "
                    f"most {MANY} groups."
                ) from None
            largest, *others = (np.array([value == kind for value in values], dtype=np.bool_) for kind in kinds)
            for kind, inside in zip(kinds[1:], others, strict=True):
                found[f"{name}={kind}"] = _Covariate(inside.astype(np.float64), inside, largest)
        else:
            missing = len(values) - int(np.isfinite(numbers).sum())
            if missing:
                raise DataError(
                    f"{corpus.path}: expected covariate '{name}' to be a number in every sentence, found none in "
                    f"{missing}. Leave it out, or leave those sentences out of the corpus."
                )
            found[name] = _Covariate(numbers, everything, everything)
    return found
