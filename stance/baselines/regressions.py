"""One logistic regression per label: on TF-IDF, or on the sentence vectors of an encoder that is left as it is.

Positive examples weigh as much as negative ones in all.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import normalize
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from stance.baselines.deciding import decide
from stance.config import ModelConfig, Pooling
from stance.data import Splits, gold_matrix
from stance.decision import Decided, FloatArray
from stance.inference import Batch, infer
from stance.network import StanceForSequenceClassification, pool
from stance.progress import quiet_transformers
from stance.torch_inference import tokenize_with


def tfidf(splits: Splits, texts: Sequence[str], labels: tuple[str, ...]) -> Decided:
    """What logistic regression on TF-IDF of words and word pairs says."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    vectorizer.fit([example.text for example in splits.train])
    return _regress(vectorizer.transform, splits, texts, labels, strength=10.0)


def embeddings(splits: Splits, texts: Sequence[str], labels: tuple[str, ...], *, encoder: Path) -> Decided:
    """What logistic regression on the frozen encoder's sentence vectors says."""
    with quiet_transformers():
        network = StanceForSequenceClassification.from_encoder(encoder, labels, ModelConfig(pooling=Pooling.mean))
        tokenizer = AutoTokenizer.from_pretrained(encoder, local_files_only=True)
    network.train(False).to("cuda" if torch.cuda.is_available() else "cpu")
    return _regress(lambda some: sentence_vectors(network, tokenizer, some), splits, texts, labels, strength=1.0)


def sentence_vectors(
    network: StanceForSequenceClassification, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> NDArray[np.float32]:
    """Vectors of shape (texts, width) as sentence-transformers makes them: the mean over tokens, of length one."""

    @torch.inference_mode()
    def run(batches: Sequence[Batch]) -> Iterator[NDArray[np.float32]]:
        for batch in batches:
            ids, mask = (torch.from_numpy(array).to(network.device) for array in batch)
            hidden = network.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            yield normalize(pool(hidden, mask, Pooling.mean)).cpu().numpy()

    return infer(
        texts,
        tokenize_with(tokenizer),
        run,
        width=network.encoder.config.hidden_size,
        pad=tokenizer.pad_token_id or 0,
        max_length=ModelConfig().max_length,
    ).values


def _regress(
    features: Callable[[Sequence[str]], Any],
    splits: Splits,
    texts: Sequence[str],
    labels: tuple[str, ...],
    *,
    strength: float,
) -> Decided:
    """Fits and applies the regressions; ``strength`` is how much the examples count against the penalty."""
    train_features, train_gold = features([example.text for example in splits.train]), gold_matrix(splits.train, labels)
    models = [
        LogisticRegression(C=strength, class_weight="balanced", max_iter=1000).fit(train_features, column)
        for column in train_gold.T
    ]

    def logits(texts: Sequence[str]) -> FloatArray:
        found = features(texts)
        return np.column_stack([model.decision_function(found) for model in models])

    return decide(logits, splits.validation, texts, labels)
