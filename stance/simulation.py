"""How often the intervals of ``estimate`` hold the truth, and how wide they are, on corpora whose truth is known.

Made like ours on real news: labels on 2 to 13 % of the sentences, F1 of .45 to .65, precision and recall apart, labels
and errors that go by document, and probabilities that are biased as those of a model trained on other sentences are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from stance.config import SimulateConfig
from stance.decision import BoolArray, FloatArray
from stance.design import Design, IntArray
from stance.errors import check_settings
from stance.files import write_text
from stance.maps import sigmoid
from stance.markdown import table
from stance.prevalence import Coding, Method, Share, confuse, measure, power
from stance.progress import progress
from stance.strata import allocate, lower_bounds, stratify

DOCUMENT = 10
"""Sentences in a document."""

ALIKE = 0.05
"""Correlation of the label between two sentences of one document."""

TILT = 0.3
"""Standard deviation between documents of the model's logit, beside 1 between sentences: errors come in clusters."""

STRATA, FLOOR = 4, 20


class Sampling(Enum):
    """How sentences are chosen for coding; the value is what tables call it."""

    simple = "simple random"
    stratified = "stratified"


@dataclass(frozen=True)
class Profile:
    """A label and how well a model finds it."""

    label: str
    rate: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Of the two."""
        return 2 * self.precision * self.recall / (self.precision + self.recall)


PROFILES = (
    Profile("offer", rate=0.02, precision=0.40, recall=0.52),
    Profile("accusation", rate=0.13, precision=0.58, recall=0.70),
    Profile("denial", rate=0.03, precision=0.42, recall=0.60),
    Profile("condition", rate=0.02, precision=0.60, recall=0.38),
)
"""Rates and F1 near those of the real test split; which of precision and recall is the higher is made up."""


@dataclass(frozen=True)
class Coverage:
    """What became of the 95 % intervals of one method.

    Attributes:
        profile: the label.
        sampling: how sentences were chosen.
        method: of the estimate.
        held: share of the intervals that hold the true rate.
        width: their mean width.
    """

    profile: Profile
    sampling: Sampling
    method: Method
    held: float
    width: float


def simulate(config: SimulateConfig) -> list[Coverage]:
    """Simulates every label with both ways of sampling and writes ``config.output``.

    Raises:
        ConfigError: a setting is out of range.
    """
    least = (("draws", config.draws, 1), ("seed", config.seed, 0), ("sentences", config.sentences, DOCUMENT))
    check_settings("", [(name, value, value >= few, f"at least {few}") for name, value, few in least])
    found = [
        coverage
        for number, profile in enumerate(PROFILES)
        for sampling in Sampling
        for coverage in cover(profile, sampling, config, seed=config.seed + number)
    ]
    write_text(Path(config.output), "\n".join(as_markdown(found, config)) + "\n")
    return found


def cover(profile: Profile, sampling: Sampling, config: SimulateConfig, seed: int) -> list[Coverage]:
    """Draws corpora and samples, and counts by method how many intervals hold the rate that they were drawn with."""
    rng = np.random.default_rng(seed)
    shares: list[Mapping[Method, Share]] = []
    with progress(f"{profile.label}, {sampling.value}") as counter:
        counter.set(0, total=config.draws)
        for _ in range(config.draws):
            shares.append(_estimate(profile, sampling, config, rng))
            counter.advance(1)
    return [
        Coverage(
            profile,
            sampling,
            method,
            held=float(np.mean([_holds(drawn[method], profile.rate) for drawn in shares])),
            width=float(np.mean([_width(drawn[method]) for drawn in shares])),
        )
        for method in shares[0]
    ]


def as_markdown(found: Sequence[Coverage], config: SimulateConfig) -> Iterator[str]:
    """The lines of its page."""
    yield "# How far the intervals of `estimate` can be trusted"
    yield ""
    yield (
        f"Made by `python scripts/simulate.py`: {config.draws:,} corpora of {config.sentences:,} sentences for each "
        f"label and way of sampling, {config.coded:,} of each coded, seed {config.seed}. Rates and F1 are near those "
        "that an earlier `default` had on the real test split, which of precision and recall is the higher is made up; "
        "[`stance/simulation.py`](../stance/simulation.py) says how corpora are drawn. "
        "*Held* is the share of 95 % intervals that hold the true rate (one standard error: "
        f"{np.sqrt(0.95 * 0.05 / config.draws):.3f}), *width* their mean width in percentage points, *narrower* how "
        "many times narrower they are than those of hand-coding as many sentences drawn simply at random."
    )
    yield ""
    yield from table(
        ("label", "rate", "precision", "recall", "F1"),
        (
            (row.label, f"{row.rate:.2f}", f"{row.precision:.2f}", f"{row.recall:.2f}", f"{row.f1:.2f}")
            for row in dict.fromkeys(coverage.profile for coverage in found)
        ),
    )
    yield ""
    by_hand = {row.profile: row.width for row in found if row.method is Method.hand and row.sampling is Sampling.simple}
    yield from table(
        ("label", "sampling", "method", "held", "width", "narrower"),
        (
            (
                row.profile.label,
                row.sampling.value,
                row.method.value,
                f"{row.held:.3f}",
                f"{100 * row.width:.2f}",
                f"{by_hand[row.profile] / row.width:.2f}",
            )
            for row in found
        ),
    )


def _estimate(
    profile: Profile, sampling: Sampling, config: SimulateConfig, rng: np.random.Generator
) -> Mapping[Method, Share]:
    gold, logits, documents = _draw_corpus(profile, config.sentences, rng)
    probabilities = sigmoid(logits)
    strata = np.zeros(len(gold), dtype=np.int64)
    if sampling is Sampling.stratified:
        strata = stratify(probabilities, lower_bounds(probabilities, STRATA))
    drawn = allocate(probabilities, strata, config.coded, FLOOR)
    order = rng.permutation(len(gold))
    by_stratum = [order[strata[order] == number][:n] for number, n in enumerate(drawn)]
    coded = np.concatenate(by_stratum)
    weights = (np.bincount(strata) / drawn)[strata[coded]]
    design = Design(documents, strata, coded, weights)
    coding = Coding(logits >= 0, probabilities, gold[coded])
    everything = np.ones(len(gold), dtype=np.bool_)
    return measure(design, coding, power(design, coding), everything, confuse(design, coding))


def _draw_corpus(profile: Profile, sentences: int, rng: np.random.Generator) -> tuple[BoolArray, FloatArray, IntArray]:
    """Which sentences carry the label, the model's logits, and the document of each sentence.

    Two normal distributions, that of sentences with the label ``apart`` above the other, cut where the model has the
    precision and recall of the profile.
    """
    documents = np.arange(sentences) // DOCUMENT
    count = int(documents[-1]) + 1
    rates = rng.beta(profile.rate * (1 / ALIKE - 1), (1 - profile.rate) * (1 / ALIKE - 1), count)
    gold = rng.random(sentences) < rates[documents]
    false_alarms = profile.recall * profile.rate * (1 / profile.precision - 1) / (1 - profile.rate)
    deviation = np.sqrt(1 + TILT**2)
    cut = -ndtri(false_alarms) * deviation
    apart = cut + ndtri(profile.recall) * deviation
    seen = apart * gold + rng.standard_normal(sentences) + rng.normal(0, TILT, count)[documents]
    return gold, apart * (seen - cut) / deviation**2, documents


def _holds(share: Share, truth: float) -> bool:
    """An interval that does not exist says nothing, and so nothing wrong."""
    return share.low is None or share.high is None or share.low <= truth <= share.high


def _width(share: Share) -> float:
    return 1.0 if share.low is None or share.high is None else share.high - share.low
