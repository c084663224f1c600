"""Two simple rivals that a trained model must beat: a keyword list, and TF-IDF with logistic regression."""

import re
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from stance.config import DecisionConfig
from stance.data import Example, Splits
from stance.decision import BoolArray, Decided, FloatArray
from stance.fitting import fit_decision
from stance.labels import indicator_matrix

KEYWORDS = {
    "offer": r"offer(s|ed|ing)?|propos(e|es|ed|al|als|ing)|(is|are|am|was|were|be|stands?|stood) (ready|willing)"
    r"|prepared to|readiness|willingness|invit(e|es|ed|ation|ing)|promis(e|es|ed|ing)|pledg(e|es|ed|ing)|agreed to"
    r"|volunteer(s|ed)?",
    "accusation": r"accus(e|es|ed|ing|ation|ations)|blam(e|es|ed|ing)|condemn(s|ed|ing|ation)?"
    r"|alleg(e|es|ed|edly|ations?)|charged with|violat(e|es|ed|ing|ion|ions)|guilty|convicted|arrested"
    r"|denounc(e|es|ed|ing)|crimes?",
    "denial": r"den(y|ies|ied|ying|ial|ials)|false|baseless|untrue|unfounded|groundless|fabricat(ed|ion|ions)|lies?"
    r"|no evidence|dismiss(es|ed|ing)?|refut(e|es|ed|ing)|never",
    "condition": r"if|unless|provided|as long as|in exchange for|in return for|on condition|conditional"
    r"|(pre)?conditions?|only when|once|until|subject to|depend(s|ed|ing)? on|hinges? on|contingent",
}
"""The words that a coder would list for each of the four labels, as whole words."""


def keyword_list(texts: Sequence[str], labels: Sequence[str]) -> Decided | None:
    """What the keyword list says, which learns nothing; None when a label is not among the four that it knows."""
    if not set(labels) <= KEYWORDS.keys():
        return None
    found = find_keywords(texts, labels)
    return Decided(found.astype(np.float64), found, uncertain=np.zeros_like(found))


def find_keywords(texts: Sequence[str], labels: Sequence[str]) -> BoolArray:
    """Where a keyword of a label occurs; shape (texts, labels). The labels must be among the four."""
    patterns = [re.compile(rf"\b({KEYWORDS[label]})\b", re.IGNORECASE) for label in labels]
    return np.array([[bool(pattern.search(text)) for pattern in patterns] for text in texts])


def tfidf(splits: Splits, texts: Sequence[str], labels: tuple[str, ...]) -> Decided:
    """What logistic regression on TF-IDF of words and word pairs says, one regression per label.

    Calibration, thresholds and bands are fitted on validation for best F1, as the trained model's are. Positive
    examples weigh as much as negative ones in all.
    """
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    train_features = vectorizer.fit_transform([example.text for example in splits.train])
    train_gold = _gold(splits.train, labels)
    models = [
        LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000).fit(train_features, train_gold[:, column])
        for column in range(len(labels))
    ]

    def logits(texts: Sequence[str]) -> FloatArray:
        features = vectorizer.transform(texts)
        return np.column_stack([model.decision_function(features) for model in models])

    validation = logits([example.text for example in splits.validation])
    scenarios = [example.scenario for example in splits.validation]
    decision = fit_decision(validation, _gold(splits.validation, labels), scenarios, labels, DecisionConfig())
    return decision.decide(decision.probabilities(logits(texts)))


def _gold(examples: Sequence[Example], labels: Sequence[str]) -> BoolArray:
    return indicator_matrix([example.labels for example in examples], labels)
