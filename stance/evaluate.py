"""Evaluation: a trained model and labelled sentences in, figures per label out, beside two simple baselines."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stance.baselines.keywords import keyword_list
from stance.baselines.regressions import tfidf
from stance.config import Baseline, DataConfig, EvaluateConfig
from stance.contrast import PhenomenonScore, read_contrast, score
from stance.data import Example, Splits, gold_matrix, hash_examples, read_split, read_splits
from stance.decision import Decided
from stance.errors import DataError
from stance.metrics import Metrics, measure
from stance.predict import Predictor
from stance.tables import replacing

log = logging.getLogger(__name__)


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


def decide(predictor: Predictor, examples: Sequence[Example]) -> Decided:
    """What a model says about the sentences of examples."""
    return predictor.model_file.decision.decide(predictor.predict_proba([example.text for example in examples]))


def judge(predictor: Predictor, examples: Sequence[Example]) -> Metrics:
    """Measures a model's labels and probabilities against those of the examples, in the order of the model's labels."""
    gold = gold_matrix(examples, predictor.labels)
    return measure(decide(predictor, examples), gold, predictor.labels)


def judge_contrast(predictor: Predictor, path: Path) -> tuple[PhenomenonScore, ...]:
    """Scores a model on contrast sets, phenomenon by phenomenon."""
    groups = read_contrast(path, predictor.labels)
    predictions = predictor.predict([member.text for group in groups for member in group.members])
    return score(groups, [prediction.labels for prediction in predictions])


def judge_rivals(predictor: Predictor, examples: Sequence[Example]) -> dict[str, Metrics]:
    """Measures the baselines beside a model: they learn from what the model learned from, as its settings name it.

    Training data that are no longer there, or no longer the same, are told by a warning; without them only the
    keyword list is judged, and that only for the four labels it knows.
    """
    labels, texts = predictor.labels, [example.text for example in examples]
    gold = gold_matrix(examples, labels)
    rivals: dict[str, Metrics] = {}
    keywords = keyword_list(texts, labels)
    if keywords is not None:
        rivals[Baseline.keyword_list.value] = measure(keywords, gold, labels)
    splits = _learned_from(predictor)
    if splits is not None:
        rivals[Baseline.tfidf.value] = measure(tfidf(splits, texts, labels), gold, labels)
    return rivals


def evaluate(config: EvaluateConfig) -> Evaluation:
    """Judges a model on one split, and on contrast sets if there are any; writes ``config.output`` as JSON.

    Raises:
        ModelError: the model cannot be had.
        ConfigError, DataError: the data cannot be had, or carry labels that the model does not know.
    """
    predictor = Predictor.from_config(config.model)
    examples = read_split(config.split, predictor.labels, config.data)
    data_sha256 = hash_examples(examples)
    evaluation = Evaluation(
        model=config.model.path,
        weights_sha256=predictor.model_file.weights_sha256,
        split=config.split,
        data_sha256=data_sha256,
        metrics=judge(predictor, examples),
        baselines=judge_rivals(predictor, examples) if config.baselines else {},
        contrast=() if config.data.contrast is None else judge_contrast(predictor, Path(config.data.contrast)),
        trained_on_it=any(part["sha256"] == data_sha256 for part in predictor.model_file.data.values()),
    )
    with replacing(Path(config.output)) as temporary:
        temporary.write_text(json.dumps(evaluation.to_dict(), indent=2) + "\n", encoding="utf-8")
    return evaluation


def _learned_from(predictor: Predictor) -> Splits | None:
    settings = predictor.model_file.settings
    try:
        splits = read_splits(predictor.labels, DataConfig(**settings["data"]), seed=settings["seed"])
    except DataError as error:
        log.warning("TF-IDF is left out: the model's training data cannot be read. %s", error)
        return None
    if hash_examples(splits.train) != predictor.model_file.data["train"]["sha256"]:
        log.warning("The training data are not those that the model learned from: TF-IDF learns from other ones.")
    return splits
