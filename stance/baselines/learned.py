"""The baselines that learn, by the names that settings have for them."""

from collections.abc import Sequence
from pathlib import Path

from stance.baselines.contrastive import setfit
from stance.baselines.finetuning import plain
from stance.baselines.regressions import embeddings, tfidf
from stance.config import Baseline
from stance.data import Splits
from stance.decision import Decided


def learn(
    baseline: Baseline, splits: Splits, texts: Sequence[str], labels: tuple[str, ...], *, encoder: Path, seed: int
) -> Decided:
    """Trains a baseline, fits its thresholds on validation, and says what it makes of the texts.

    Args:
        baseline: any but the keyword list.
        splits: what it learns from and chooses by.
        texts: sentences to label.
        labels: what to learn, in the order of the columns.
        encoder: folder of the encoder that embeddings, SetFit and plain fine-tuning start from.
        seed: of SetFit and plain fine-tuning; the others leave nothing to chance.

    Raises:
        ConfigError: SetFit was asked for and is not installed.
    """
    match baseline:
        case Baseline.tfidf:
            return tfidf(splits, texts, labels)
        case Baseline.embeddings:
            return embeddings(splits, texts, labels, encoder=encoder)
        case Baseline.setfit:
            return setfit(splits, texts, labels, encoder=encoder, seed=seed)
        case Baseline.plain:
            return plain(splits, texts, labels, encoder=encoder, seed=seed)
        case Baseline.keyword_list:
            raise ValueError("The keyword list learns nothing: stance.baselines.keywords.keyword_list applies it.")
