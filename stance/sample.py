"""Draws sentences of a labelled corpus to code by hand, with a known chance for each, and plans how many to draw.

The coder sees the sentence and what the input said of it, not what the model said: that would lead the hand.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stance.config import Regression, SampleConfig
from stance.decision import BoolArray, FloatArray
from stance.design import IntArray
from stance.errors import ConfigError, DataError, check_settings
from stance.files import check_apart
from stance.labelled import ID, INCLUSION, STRATUM, WHOLE, Corpus, read_coded, read_corpus
from stance.labelled_rows import LABEL_SET, MODEL_COLUMNS, PROBABILITY, labelled_schema, read_labelled
from stance.maps import sigmoid
from stance.prevalence import FEW
from stance.regression import fit
from stance.strata import Widths, allocate, expected_widths, lower_bounds, stratify
from stance.tables.reading import check_not_filled_in
from stance.tables.rows import GoodRow
from stance.tables.writing import check_writable, writing

log = logging.getLogger(__name__)

TINY = 1e-6
"""Probabilities are written to so many digits: nearer 0 or 1 they have no finite logit."""


@dataclass(frozen=True)
class Stratum:
    """Where sentences were drawn: its name, how many sentences it holds, and how many were drawn."""

    name: str
    n: int
    drawn: int


@dataclass(frozen=True)
class Drawn:
    """A sample.

    Attributes:
        n: sentences drawn.
        strata: where from.
        widths: by label, the expected widths of the 95 % intervals around its share in the corpus, as far as the
            model's probabilities are to be trusted.
    """

    n: int
    strata: tuple[Stratum, ...]
    widths: Mapping[str, Widths]


def sample(config: SampleConfig) -> Drawn:
    """Draws sentences of ``config.corpus`` into ``config.output``, in random order, for a person to label.

    The table has the columns of the corpus but those of the model, and ``id``, ``stratum``, ``inclusion_probability``,
    ``label_set`` (the names to choose from) and an empty ``config.label_column``.

    Raises:
        ConfigError: sizes contradict each other, the wanted width cannot be reached, or the output is an input or holds
            what a person has filled in.
        DataError: the corpus or the pilot cannot be read.
    """
    output = Path(config.output)
    check_writable(output)
    check_apart(output, corpus=config.corpus, pilot=config.pilot)
    check_not_filled_in(output, [config.label_column])
    check_settings("", [("seed", config.seed, config.seed >= 0, "at least 0")])
    if config.width is not None:
        check_settings("", [("width", config.width, 0 < config.width < 1, "more than 0 and less than 1")])
    if (config.n is None) == (config.width is None):
        raise ConfigError("Give either n=<sentences> or width=<wanted width of the interval>, and not both.")
    corpus = read_corpus(Path(config.corpus), document_column=config.document_column)
    probabilities = corpus.probabilities if config.pilot is None else _corrected(corpus, config)
    plan = _plan(config, corpus, probabilities)
    rng = np.random.default_rng(config.seed)
    members = [np.flatnonzero(plan.strata == number) for number in range(len(plan.names))]
    chosen = np.concatenate([rng.choice(those, n, replace=False) for those, n in zip(members, plan.drawn, strict=True)])
    rng.shuffle(chosen)
    _write(config, corpus, plan, chosen.tolist())
    return Drawn(
        n=len(chosen),
        strata=tuple(
            Stratum(name, len(those), int(n)) for name, those, n in zip(plan.names, members, plan.drawn, strict=True)
        ),
        widths={
            label: expected_widths(probabilities[:, column], plan.strata, plan.drawn, corpus.documents)
            for column, label in enumerate(corpus.labels)
        },
    )


@dataclass(frozen=True)
class _Plan:
    """The stratum of each sentence of the corpus; the names of the strata, and how many to draw from each."""

    strata: IntArray
    names: list[str]
    drawn: IntArray


def _plan(config: SampleConfig, corpus: Corpus, probabilities: FloatArray) -> _Plan:
    if config.label is None:
        by, floor, goals, names = np.full(len(corpus.ids), 0.5), 2, range(len(corpus.labels)), [WHOLE]
        strata = np.zeros(len(corpus.ids), dtype=np.int64)
    else:
        column = corpus.column_of(config.label)
        by, floor, goals = probabilities[:, column], config.floor, range(column, column + 1)
        if config.strata < 1:
            raise ConfigError(f"Expected strata to be at least 1, found {config.strata}.")
        strata = stratify(by, lower_bounds(by, config.strata))
        # Named by what the corpus says, not by what the pilot makes of it, so that they are found again there.
        stated = corpus.probabilities[:, column]
        names = [f"{config.label}>={stated[strata == number].min()}" for number in range(strata.max() + 1)]

    def draw(n: int) -> IntArray:
        return allocate(by, strata, n, floor)

    def width(n: int) -> float:
        return max(expected_widths(probabilities[:, goal], strata, draw(n), corpus.documents).ppi for goal in goals)

    if config.n is not None:
        return _Plan(strata, names, draw(config.n))
    least = int(np.minimum(floor, np.bincount(strata)).sum())
    return _Plan(strata, names, draw(_needed(width, config.width or 0.0, least, len(corpus.ids))))


def _needed(width: Callable[[int], float], wanted: float, least: int, most: int) -> int:
    """The fewest sentences whose interval is as narrow as wanted."""
    if width(most) > wanted:
        raise ConfigError(
            f"No sample of this corpus gives an interval of width {wanted}: with all {most} sentences coded it would "
            f"be {width(most):.4f} wide, as a corpus of this size tells no more about news like it. Give a larger "
            "width, or n=<sentences>."
        )
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if width(middle) <= wanted else (middle + 1, most)
    return least


def _corrected(corpus: Corpus, config: SampleConfig) -> FloatArray:
    """The probabilities as a pilot corrects them, by Platt's map, where it holds enough with and without the label."""
    pilot = read_coded(Path(str(config.pilot)), corpus, config.label_column)
    probabilities = corpus.probabilities.copy()
    for column, label in enumerate(corpus.labels):
        gold = pilot.gold[:, column]
        held = np.clip(corpus.probabilities[:, column], TINY, 1 - TINY)
        covariates = np.column_stack([np.ones(len(held)), np.log(held / (1 - held))])
        rows, weights = covariates[pilot.design.coded], pilot.design.weights
        values = _platt(rows, weights, gold)
        if values is None:
            log.warning("The pilot says too little about '%s': its probabilities are taken as they are.", label)
        else:
            probabilities[:, column] = sigmoid(covariates @ values)
    return probabilities


def _platt(rows: FloatArray, weights: FloatArray, gold: BoolArray) -> FloatArray | None:
    """Intercept and slope; None where the pilot does not tell them, or they would turn the order round."""
    if min(gold.sum(), (~gold).sum()) < FEW:
        return None
    try:
        values = fit(rows, weights, gold, Regression.logistic).values
    except DataError:  # the model is right about all of them, or says the same of all
        return None
    return values if values[1] > 0 else None


def _write(config: SampleConfig, corpus: Corpus, plan: _Plan, chosen: Sequence[int]) -> None:
    schema = labelled_schema(corpus.path)
    ours = {*MODEL_COLUMNS, ID, STRATUM, INCLUSION, LABEL_SET}
    kept = [field for field in schema if field.name not in ours and not field.name.startswith(PROBABILITY)]
    if config.label_column in {ID, STRATUM, INCLUSION, LABEL_SET, *(field.name for field in kept)}:
        raise ConfigError(f"The sample has a column '{config.label_column}' already: give label_column=<another name>.")
    added = [
        pa.field(STRATUM, pa.string()),
        pa.field(INCLUSION, pa.float64()),
        pa.field(LABEL_SET, pa.list_(pa.string())),
        pa.field(config.label_column, pa.list_(pa.string())),
    ]
    wanted = set(chosen)
    chances = plan.drawn / np.bincount(plan.strata)
    rows: dict[int, dict[str, Any]] = {}
    good = (row for row in read_labelled(corpus.path) if isinstance(row, GoodRow))
    for position, row in enumerate(good):
        if position in wanted:
            stratum = plan.strata[position]
            rows[position] = {
                ID: corpus.ids[position],
                **{field.name: row.values.get(field.name) for field in kept},
                STRATUM: plan.names[stratum],
                INCLUSION: float(chances[stratum]),
                LABEL_SET: list(corpus.labels),
                config.label_column: None,
            }
    with writing(Path(config.output), pa.schema([pa.field(ID, pa.string()), *kept, *added])) as write:
        write([rows[position] for position in chosen])
