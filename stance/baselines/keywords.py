"""A keyword list: what a coder would search for, and the least that a model must beat."""

import re
from collections.abc import Sequence

import numpy as np

from stance.decision import BoolArray, Decided

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
