"""Two models on the same sentences: by how much one is better, and which sentences they label differently."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stance.bootstrap import Cases, Estimate, Statistic, check_draws, estimate_means
from stance.config import CompareConfig
from stance.contrast import ContrastGroup, read_contrast, right_groups, score
from stance.data import hash_examples, read_from, read_split
from stance.errors import ConfigError
from stance.evaluate import decide, judge
from stance.evaluation import Judgement, Quality, Scorecard
from stance.files import check_apart, check_no_folder, write_text
from stance.labelled_rows import PROBABILITY
from stance.labels import label_sets
from stance.leakage import warn_of_overlaps
from stance.predict import Predictor
from stance.quality import name_quality, quality_statistic, resamples_of
from stance.tables.writing import check_writable, writing


@dataclass(frozen=True)
class Side:
    """One of the two models; ``contrast`` is None where there are no contrast sets."""

    model: str
    weights_sha256: str
    quality: Quality
    contrast: Scorecard | None


@dataclass(frozen=True)
class Comparison:
    """Two models on one split.

    Attributes:
        split: the part of the data that both were judged on.
        data_sha256: of the examples in it.
        draws: bootstrap samples; figures of both models and their difference are from the same.
        seed: of the draws.
        model: the one.
        other: that it is compared with.
        difference: of each figure, that of the model less that of the other; n is the larger of both.
        contrast: difference in the share of contrast groups wholly right; None where there are no contrast sets.
        changed: sentences to which they give different labels.
        better: of these, those that the model gets wholly right.
        worse: of these, those that the other gets wholly right.
    """

    split: str
    data_sha256: str
    draws: int
    seed: int
    model: Side
    other: Side
    difference: Quality
    contrast: Estimate | None
    changed: int
    better: int
    worse: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def compare(config: CompareConfig) -> Comparison:
    """Judges two models on one split, by a paired bootstrap; writes ``config.output`` and ``config.changed``.

    Raises:
        ConfigError: the models differ in their labels, or it is the same one twice.
        ModelError: a model cannot be had.
        DataError: the data cannot be had.
    """
    check_draws(config.draws, config.seed)
    check_writable(Path(config.changed))
    check_no_folder(Path(config.output))
    for written in (config.output, config.changed):
        check_apart(Path(written), **read_from(config.data))
    predictors = [Predictor.from_config(named) for named in (config.model, config.other)]
    labels = _shared_labels(predictors, config)
    examples = read_split(config.split, labels, config.data)
    groups = [] if config.data.contrast is None else read_contrast(Path(config.data.contrast), labels)
    one, other = (judge(predictor, examples) for predictor in predictors)
    for named, predictor in zip((config.model, config.other), predictors, strict=True):
        warn_of_overlaps(predictor, examples, named.path)
    resamples = resamples_of(one, draws=config.draws, seed=config.seed)
    statistics = [quality_statistic(judgement, resamples) for judgement in (one, other)]
    answers = [_contrast_labels(predictor, groups) for predictor in predictors]
    qualities = [
        name_quality(judgement, resamples, resamples.estimate(statistic))
        for judgement, statistic in zip((one, other), statistics, strict=True)
    ]
    sides = [
        Side(named.path, predictor.model_file.weights_sha256, quality, score(groups, given) if groups else None)
        for named, predictor, quality, given in zip(
            (config.model, config.other), predictors, qualities, answers, strict=True
        )
    ]
    rows = list(_changed(one, other))
    done = Comparison(
        split=config.split,
        data_sha256=hash_examples(examples),
        draws=config.draws,
        seed=config.seed,
        model=sides[0],
        other=sides[1],
        difference=name_quality(one, resamples, resamples.estimate(_difference(*statistics))),
        contrast=_contrast_difference(groups, answers, config) if groups else None,
        changed=len(rows),
        better=sum(row["right"] == _MODEL for row in rows),
        worse=sum(row["right"] == _OTHER for row in rows),
    )
    with writing(Path(config.changed), _schema(labels)) as write:
        write(rows)
    write_text(Path(config.output), json.dumps(done.to_dict(), indent=2) + "\n")
    return done


_MODEL, _OTHER, _NEITHER = "model", "other", "neither"


def _shared_labels(predictors: Sequence[Predictor], config: CompareConfig) -> tuple[str, ...]:
    one, other = predictors
    if one.labels != other.labels:
        raise ConfigError(
            f"The models differ in their labels, so they cannot be compared: {config.model.path} has "
            f"{', '.join(one.labels)}, and {config.other.path} {', '.join(other.labels)}."
        )
    if config.model == config.other:
        raise ConfigError("A model is compared with itself: give model.path=<one> other.path=<another>.")
    return one.labels


def _difference(one: Statistic, other: Statistic) -> Statistic:
    n, clusters = (np.maximum(getattr(one.cases, part), getattr(other.cases, part)) for part in ("n", "clusters"))
    return Statistic(
        lambda times: one.figures(times) - other.figures(times), Cases(n, clusters), width=one.width, shares=False
    )


def _contrast_labels(predictor: Predictor, groups: Sequence[ContrastGroup]) -> list[tuple[str, ...]]:
    members = [member for group in groups for member in group.members]
    return label_sets(decide(predictor, members).carried, predictor.labels)


def _contrast_difference(
    groups: Sequence[ContrastGroup], answers: Sequence[list[tuple[str, ...]]], config: CompareConfig
) -> Estimate:
    one, other = (np.array(right_groups(groups, given), dtype=np.float64) for given in answers)
    names = [group.name for group in groups]
    (difference,) = estimate_means((one - other)[:, None], names, draws=config.draws, seed=config.seed)
    return difference


def _changed(one: Judgement, other: Judgement) -> Iterator[dict[str, Any]]:
    """The sentences that get different labels: those, what is true, and who is wholly right."""
    given = [label_sets(judgement.decided.carried, judgement.labels) for judgement in (one, other)]
    for place in np.flatnonzero((one.decided.carried != other.decided.carried).any(axis=1)).tolist():
        example = one.examples[place]
        ours, theirs = (labels[place] for labels in given)
        right = {ours: _MODEL, theirs: _OTHER}.get(example.labels, _NEITHER)
        yield {
            "id": example.id,
            "text": example.text,
            "labels": list(example.labels),
            f"{_MODEL}_labels": list(ours),
            f"{_OTHER}_labels": list(theirs),
            "right": right,
            **_probabilities(_MODEL, one, place),
            **_probabilities(_OTHER, other, place),
        }


def _probabilities(side: str, judgement: Judgement, place: int) -> dict[str, float]:
    values = judgement.decided.probabilities[place].tolist()
    return {f"{side}_{PROBABILITY}{label}": value for label, value in zip(judgement.labels, values, strict=True)}


def _schema(labels: Sequence[str]) -> pa.Schema:
    names = pa.list_(pa.string())
    return pa.schema(
        [
            ("id", pa.string()),
            ("text", pa.string()),
            ("labels", names),
            (f"{_MODEL}_labels", names),
            (f"{_OTHER}_labels", names),
            ("right", pa.string()),
            *((f"{side}_{PROBABILITY}{label}", pa.float64()) for side in (_MODEL, _OTHER) for label in labels),
        ]
    )
