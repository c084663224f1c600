"""How common labels are in a labelled corpus: overall, by group and over time, corrected by a hand-coded sample."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stance.config import EstimateConfig, Period
from stance.decision import BoolArray, FloatArray
from stance.design import Design
from stance.errors import DataError
from stance.labelled import Corpus, read_coded, read_corpus
from stance.prevalence import FEW, Coding, Method, confuse, measure, power
from stance.regression import Coefficient, regress
from stance.tables import replacing

SMALL = 30
"""Hand-coded sentences below which a group is small; so is one with fewer than ``FEW`` with the label, or without."""

MANY = 500
"""Groups above which a column is hardly meant to group by."""

NO_VALUE = "(none)"
"""The group of sentences that have no value in a column."""

_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?(?=$|[T ])")
INTERCEPT = "(intercept)"


@dataclass(frozen=True)
class Estimate:
    """How common a label is in the corpus or a part of it.

    Attributes:
        label: its name.
        column, group: which part: the sentences that have this value in this column; None for the whole corpus.
        method: how the estimate was made.
        n: sentences.
        coded: of these, hand-coded.
        positives: of these, with the label.
        value: share of sentences with the label; None where nothing is coded that the method needs.
        low, high: the 95 % interval.
        small: too little is coded here to lean on the interval.
    """

    label: str
    column: str | None
    group: str | None
    method: str
    n: int
    coded: int
    positives: int
    value: float | None
    low: float | None
    high: float | None
    small: bool


@dataclass(frozen=True)
class Effect:
    """What a covariate does to a label, as in ``stance.regression.Coefficient``; the rest as in ``Estimate``."""

    label: str
    covariate: str
    method: str
    n: int
    coded: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimates:
    """All that was found.

    Attributes:
        corpus, sample: the files.
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
    sample: str
    n: int
    documents: int
    coded: int
    uncoded: tuple[str, ...]
    trust: Mapping[str, float]
    shares: tuple[Estimate, ...]
    regression: str | None
    effects: tuple[Effect, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def estimate(config: EstimateConfig) -> Estimates:
    """Estimates the share of each label, and its regression on covariates if there are any.

    Writes ``config.output`` as JSON if it is given.

    Raises:
        DataError: corpus or sample cannot be read, do not fit each other, or lack a column; nothing is coded; dates are
            none; or a regression has no one solution.
    """
    time = [] if config.time is None else [config.time]
    columns = list(dict.fromkeys([*config.by, *time, *config.covariates]))
    corpus = read_corpus(Path(config.corpus), columns=columns, document_column=config.document_column)
    sample = read_coded(Path(config.coded), corpus, config.label_column)
    parts = list(_parts(corpus, config))
    covariates = _covariates(corpus, config.covariates) if config.covariates else {}
    trust: dict[str, float] = {}
    shares: list[Estimate] = []
    effects: list[Effect] = []
    for column, label in enumerate(corpus.labels):
        coding = Coding(corpus.given[:, column], corpus.probabilities[:, column], sample.gold[:, column])
        trust[label] = power(sample.design, coding)
        shares.extend(_shares(label, coding, sample.design, trust[label], parts))
        if covariates:
            try:
                found = regress(sample.design, coding, covariates, config.regression)
            except DataError as error:
                raise DataError(f"'{label}': {error}") from None
            effects.extend(_effects(label, found, len(corpus.ids), len(sample.gold)))
    done = Estimates(
        corpus=config.corpus,
        sample=config.coded,
        n=len(corpus.ids),
        documents=int(corpus.documents.max()) + 1,
        coded=len(sample.gold),
        uncoded=sample.uncoded,
        trust=trust,
        shares=tuple(shares),
        regression=config.regression.value if covariates else None,
        effects=tuple(effects),
    )
    if config.output is not None:
        with replacing(Path(config.output)) as temporary:
            temporary.write_text(json.dumps(done.to_dict(), indent=2) + "\n", encoding="utf-8")
    return done


@dataclass(frozen=True)
class _Part:
    """The whole corpus, or the sentences with one value in one column; ``inside`` has shape (sentences,)."""

    column: str | None
    group: str | None
    inside: BoolArray


def _parts(corpus: Corpus, config: EstimateConfig) -> Iterator[_Part]:
    yield _Part(None, None, np.ones(len(corpus.ids), dtype=np.bool_))
    grouped = {name: [_group(value) for value in corpus.columns[name]] for name in config.by}
    if config.time is not None:
        grouped[config.time] = _periods(corpus, config.time, config.period)
    for name, values in grouped.items():
        groups, where = np.unique(np.asarray(values), return_inverse=True)
        if len(groups) > MANY:
            raise DataError(
                f"{corpus.path}: '{name}' has {len(groups)} values; expected at most {MANY} groups. Take another "
                "column, or a longer period."
            )
        for number, group in enumerate(groups.tolist()):
            yield _Part(name, group, where == number)


def _group(value: Any) -> str:
    return NO_VALUE if value is None or value == "" else str(value)


def _periods(corpus: Corpus, column: str, period: Period) -> list[str]:
    found = [_group(value) for value in corpus.columns[column]]
    wrong = [
        f"sentence '{identifier}': {value!r:.40}"
        for identifier, value in zip(corpus.ids, found, strict=True)
        if value != NO_VALUE and not (_DATE.match(value) and len(value) >= period.value)
    ]
    if wrong:
        example = "2024-05-31"[: period.value]
        raise DataError(f"{corpus.path}: expected '{column}' to hold dates such as {example}, found:", wrong)
    return [value if value == NO_VALUE else value[: period.value] for value in found]


def _shares(label: str, coding: Coding, design: Design, trust: float, parts: Sequence[_Part]) -> Iterator[Estimate]:
    confusion = confuse(design, coding)
    for part in parts:
        gold = coding.gold[part.inside[design.coded]]
        positives = int(gold.sum())
        for method, share in measure(design, coding, trust, part.inside, confusion).items():
            yield Estimate(
                label=label,
                column=part.column,
                group=part.group,
                method=method.value,
                n=int(part.inside.sum()),
                coded=len(gold),
                positives=positives,
                value=share.value,
                low=share.low,
                high=share.high,
                small=len(gold) < SMALL or min(positives, len(gold) - positives) < FEW,
            )


def _effects(label: str, found: Mapping[Method, Sequence[Coefficient]], n: int, coded: int) -> Iterator[Effect]:
    for method, coefficients in found.items():
        for row in coefficients:
            yield Effect(label, row.covariate, method.value, n, coded, row.value, row.low, row.high)


def _covariates(corpus: Corpus, names: Sequence[str]) -> dict[str, FloatArray]:
    """An intercept; columns of numbers as they are; of others one of 0 and 1 for each group but the largest."""
    found = {INTERCEPT: np.ones(len(corpus.ids))}
    for name in names:
        values = [_group(value) for value in corpus.columns[name]]
        try:
            numbers = np.array([value for value in values if value != NO_VALUE], dtype=np.float64)
        except ValueError:
            groups = [group for group, _ in Counter(values).most_common()]
            if len(groups) > MANY:
                raise DataError(
                    f"{corpus.path}: covariate '{name}' holds text of {len(groups)} kinds; expected numbers, or at "
                    f"most {MANY} groups."
                ) from None
            for group in groups[1:]:
                found[f"{name}={group}"] = np.array([value == group for value in values], dtype=np.float64)
        else:
            missing = len(values) - int(np.isfinite(numbers).sum())
            if missing:
                raise DataError(
                    f"{corpus.path}: expected covariate '{name}' to be a number in every sentence, found none in "
                    f"{missing}. Leave it out, or leave those sentences out of the corpus."
                )
            found[name] = numbers
    return found
