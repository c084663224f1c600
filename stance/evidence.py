"""Which words of a sentence speak for a label, and whether they are the ones that count.

A word's contribution is how far the label's logit falls when the word is left out (occlusion; Li, Monroe and Jurafsky
2016, "Understanding neural networks through representation erasure"). Whether the words so found are what the model
goes by is measured, not assumed: leaving out those that are shown, together, must lower the label's probability more
than leaving out as many others does (comprehensiveness, DeYoung et al. 2020, "ERASER"). That is evidence of what this
model goes by, not of why the sentence carries the label.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from stance.bootstrap import Estimate, estimate_means
from stance.decision import FloatArray
from stance.errors import ConfigError, did_you_mean
from stance.predict import Predictor
from stance.text import fold

SHOWN = 3
"""Words that are shown for a label, at most."""

_LETTERS = r"[\w\u0300-\u036f]+"  # with accents that stand by themselves
_WORD = re.compile(rf"{_LETTERS}(?:[^\w\s–—]{_LETTERS})*")  # noqa: RUF001 (dashes part words, other signs do not)


@dataclass(frozen=True)
class Word:
    """A word of a sentence and what it does for a label.

    Attributes:
        text: the word.
        start, end: where it stands in the sentence, in characters.
        contribution: how far the label's logit, before calibration, falls when the word is left out; below 0 the word
            speaks against the label.
    """

    text: str
    start: int
    end: int
    contribution: float


@dataclass(frozen=True)
class Evidence:
    """What the words of a sentence do for one label.

    Attributes:
        text: the sentence.
        label: the name.
        probability: of the label.
        words: all of them, in their order.
    """

    text: str
    label: str
    probability: float
    words: tuple[Word, ...]

    @property
    def shown(self) -> tuple[Word, ...]:
        """The words that speak most for the label, in their order: at most ``SHOWN``, and none that speaks against."""
        most = sorted(self.words, key=lambda word: -word.contribution)[:SHOWN]
        return tuple(word for word in self.words if word in most and word.contribution > 0)


@dataclass(frozen=True)
class Faithfulness:
    """Whether the words shown are those that count for the model, over some sentences.

    Attributes:
        n: sentences.
        documents: that they are of, by which the intervals are drawn.
        fall: of the label's probability when the words shown are left out.
        random_fall: when as many random words of the same sentence are left out instead.
        gain: by how much more it falls, sentence by sentence.
        kept_gain: by how much higher it is for the words shown alone than for as many random ones alone.
    """

    n: int
    documents: int
    fall: Estimate
    random_fall: Estimate
    gain: Estimate
    kept_gain: Estimate

    @property
    def holds(self) -> bool:
        """The words shown count for more than random ones do, beyond chance; if not, they are not to be shown.

        Of few documents that cannot be told: their intervals are too narrow.
        """
        return self.gain.low > 0 and not self.gain.small


def explain(predictor: Predictor, texts: Sequence[str], labels: str | Sequence[str]) -> list[Evidence]:
    """Weighs the words of sentences for a label.

    Args:
        predictor: the model.
        texts: the sentences.
        labels: the label to weigh them for: one for all, or one for each.

    Raises:
        ConfigError: the model has no such label.
        ValueError: there are not as many labels as texts.
        TypeError: the texts are one string.
    """
    if isinstance(texts, str):
        raise TypeError(f"Expected a list of sentences, found one string: [{texts!r:.60}] is a list of one.")
    wanted = [labels] * len(texts) if isinstance(labels, str) else list(labels)
    if len(wanted) != len(texts):
        raise ValueError(f"Expected as many labels as texts, or one for all: found {len(wanted)} and {len(texts)}.")
    columns = [_column_of(label, predictor.labels) for label in wanted]
    places = [_places(text, predictor.model_file.max_length) for text in texts]
    without = [[_without(text, [place]) for place in there] for text, there in zip(texts, places, strict=True)]
    logit = _answers(predictor.logits, [*texts, *chain.from_iterable(without)])
    probability = _answers(predictor.predict_proba, texts)
    return [
        Evidence(
            text=text,
            label=label,
            probability=float(probability[text][column]),
            words=tuple(
                Word(text[start:end], start, end, float(logit[text][column] - logit[less][column]))
                for (start, end), less in zip(there, variants, strict=True)
            ),
        )
        for text, label, column, there, variants in zip(texts, wanted, columns, places, without, strict=True)
    ]


def measure_faithfulness(
    predictor: Predictor,
    explained: Sequence[Evidence],
    documents: Sequence[str],
    *,
    random_draws: int = 5,
    draws: int = 2000,
    seed: int = 0,
) -> Faithfulness | None:
    """Measures whether the words shown count for more than random ones; None if no sentence can tell.

    A sentence with no more than ``SHOWN`` words cannot.

    Args:
        predictor: the model that was explained.
        explained: what ``explain`` says of sentences, best of such as the model gives the label.
        documents: the document of each.
        random_draws: how many sets of random words are left out of each sentence.
        draws: bootstrap samples for the intervals.
        seed: of both.
    """
    telling = [(one, name) for one, name in zip(explained, documents, strict=True) if len(one.words) > SHOWN]
    if not telling:
        return None
    rng = np.random.default_rng(seed)
    columns = [_column_of(one.label, predictor.labels) for one, _ in telling]
    sets = [
        [[(word.start, word.end) for word in one.shown], *_random_places(one, random_draws, rng)] for one, _ in telling
    ]

    def ask(part: Callable[[str, Sequence[_Place]], str]) -> FloatArray:  # (sentences, the shown words and random ones)
        texts = [[part(one.text, places) for places in those] for (one, _), those in zip(telling, sets, strict=True)]
        found = _answers(predictor.predict_proba, list(chain.from_iterable(texts)))
        return np.array([[found[text][at] for text in row] for row, at in zip(texts, columns, strict=True)])

    before = np.array([one.probability for one, _ in telling])
    falls, kept = before[:, None] - ask(_without), ask(_only)
    fall, random_fall = falls[:, 0], falls[:, 1:].mean(axis=1)
    kept_gain = kept[:, 0] - kept[:, 1:].mean(axis=1)
    names = [name for _, name in telling]
    figures = np.column_stack([fall, random_fall, fall - random_fall, kept_gain])
    return Faithfulness(len(names), len(set(names)), *estimate_means(figures, names, draws=draws, seed=seed))


_Place = tuple[int, int]


def _places(text: str, most: int) -> list[_Place]:
    """Where the words stand; what is beyond ``most`` words, each a token at least, the model does not read."""
    return [match.span() for match in islice(_WORD.finditer(text), most)]


def _without(text: str, places: Sequence[_Place]) -> str:
    """The text with the words at the places taken out, and the double spaces that this leaves."""
    kept = zip([0, *(end for _, end in places)], [*(start for start, _ in places), len(text)], strict=True)
    return fold("".join(text[start:end] for start, end in kept))


def _only(text: str, places: Sequence[_Place]) -> str:
    return " ".join(text[start:end] for start, end in places)


def _random_places(one: Evidence, times: int, rng: np.random.Generator) -> list[list[_Place]]:
    """As many words as are shown, drawn at random, several times."""
    draws = (rng.choice(len(one.words), len(one.shown), replace=False) for _ in range(times))
    return [[(one.words[index].start, one.words[index].end) for index in sorted(draw)] for draw in draws]


def _answers(ask: Callable[[Sequence[str]], FloatArray], texts: Sequence[str]) -> dict[str, FloatArray]:
    """What a model says of each text, which it is asked once however often the text stands there."""
    different = list(dict.fromkeys(texts))
    return dict(zip(different, ask(different), strict=True))


def _column_of(label: str, labels: Sequence[str]) -> int:
    if label not in labels:
        raise ConfigError(f"The model has no label '{label}' to explain: {did_you_mean(label, labels)}")
    return labels.index(label)
