"""Evaluation: a trained model and labelled sentences in, figures per label out, beside two simple baselines."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stance import baselines
from stance.config import EvaluateConfig
from stance.contrast import PhenomenonScore, read_contrast, score
from stance.data import Example, hash_examples, read_split, read_splits
from stance.errors import ConfigError
from stance.labels import indicator_matrix
from stance.metrics import Metrics, measure
from stance.predict import Predictor
from stance.tables import replacing


@dataclass(frozen=True)
class Evaluation:
    """Figures on one split.

    Attributes:
        model: as it was named.
        weights_sha256: of the model.
        split: the part of the data that was judged.
        data_sha256: of the examples in it.
        metrics: of the model.
        baselines: metrics by name, on the same sentences.
        contrast: per phenomenon of the contrast sets, how many groups the model gets wholly right.
        trained_on_it: the model has seen this very split in training or fitting, so its figures flatter.
    """

    model: str
    weights_sha256: str
    split: str
    data_sha256: str
    metrics: Metrics
    baselines: dict[str, Metrics]
    contrast: tuple[PhenomenonScore, ...]
    trained_on_it: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def judge(predictor: Predictor, examples: Sequence[Example]) -> Metrics:
    """Measures a model's labels and probabilities against those of the examples, in the order of the model's labels."""
    probabilities = predictor.predict_proba([example.text for example in examples])
    carried = predictor.model_file.decision.carried(probabilities)
    gold = indicator_matrix([example.labels for example in examples], predictor.labels)
    return measure(probabilities, carried, gold, predictor.labels)


def judge_contrast(predictor: Predictor, path: Path) -> tuple[PhenomenonScore, ...]:
    """Scores a model on contrast sets, phenomenon by phenomenon."""
    groups = read_contrast(path, predictor.labels)
    predictions = predictor.predict([member.text for group in groups for member in group.members])
    return score(groups, [prediction.labels for prediction in predictions])


def evaluate(config: EvaluateConfig) -> Evaluation:
    """Judges a model on one split, and on contrast sets if there are any; writes ``config.output`` as JSON.

    Raises:
        ModelError: the model cannot be had.
        ConfigError, DataError: the data cannot be had, or carry labels that the model does not know.
    """
    predictor = Predictor.from_config(config.model)
    labels = predictor.labels
    examples = read_split(config.split, labels, config.data)
    rivals: dict[str, Metrics] = {}
    if config.baselines and config.data.train is None:
        raise ConfigError("The baselines learn from data.train: give data.train=<file>, or baselines=false.")
    if config.baselines:
        keywords = baselines.keyword_list(examples, labels)
        if keywords is not None:
            rivals["keyword list"] = keywords
        splits = read_splits(labels, config.data, seed=predictor.model_file.settings["seed"])
        rivals["TF-IDF + logistic"] = baselines.tfidf(splits, examples, labels)
    data_sha256 = hash_examples(examples)
    evaluation = Evaluation(
        model=config.model.path,
        weights_sha256=predictor.model_file.weights_sha256,
        split=config.split,
        data_sha256=data_sha256,
        metrics=judge(predictor, examples),
        baselines=rivals,
        contrast=() if config.data.contrast is None else judge_contrast(predictor, Path(config.data.contrast)),
        trained_on_it=any(part["sha256"] == data_sha256 for part in predictor.model_file.data.values()),
    )
    with replacing(Path(config.output)) as temporary:
        temporary.write_text(json.dumps(evaluation.to_dict(), indent=2) + "\n", encoding="utf-8")
    return evaluation
