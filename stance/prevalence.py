"""How common a label is: the model's count, and three ways in which a hand-coded sample mends or replaces it.

- The naive count: the share of sentences to which the model gave the label. Its interval knows nothing of its errors.
- The adjusted count: the naive count solved for the truth with the hit and false alarm rates of the sample (Rogan and
  Gladen 1978, "Estimating prevalence from the results of a screening test"; Forman 2008). In a group it takes the rates
  of the whole sample, as though the model erred alike in all groups.
- Prediction-powered inference: the mean probability, plus the mean difference between hand-coding and probability in
  the sample, the probability weighted by how much it helps (Angelopoulos, Duchi and Zrnic 2023, "PPI++"). Right
  whatever the model's errors are. Over the whole corpus it is not wider than hand-coding alone but by chance; in a
  group in which the model is much worse than elsewhere it may be.
- Hand-coding alone: the weighted share in the sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from stance.decision import BoolArray, FloatArray
from stance.design import Design, Influence, Z

FEW = 5
"""Coded sentences with the label, or without it, below which they say nothing of a variance."""


class Method(Enum):
    """How an estimate was made; the value is what tables call it."""

    naive = "naive count"
    adjusted = "adjusted count"
    ppi = "PPI++"
    hand = "hand-coding alone"


@dataclass(frozen=True)
class Coding:
    """What model and person say about one label.

    Attributes:
        given: shape (sentences,), the model gave the label.
        probabilities: shape (sentences,), that of the label.
        gold: shape (coded,), the person gave the label.
    """

    given: BoolArray
    probabilities: FloatArray
    gold: BoolArray


@dataclass(frozen=True)
class Share:
    """A share of sentences with its 95 % interval; all None where the sample has no say."""

    value: float | None
    low: float | None
    high: float | None


UNKNOWN = Share(None, None, None)


def power(design: Design, coding: Coding) -> float:
    """How far to trust the probabilities, from 0 (not at all) to 1: the power tuning of PPI++, section 6.

    The factor with which the estimate over the whole corpus varies least. Tuned once and used for all groups:
    any fixed factor is right, and small groups would overfit theirs.
    """
    everything = np.ones(len(coding.given), dtype=np.bool_)
    _, hand = _hand(design, coding, everything)
    _, difference = _difference(design, coding, everything)
    (_, shared), (_, own) = design.covariance([hand, difference])
    return float(np.clip(-shared / own, 0, 1)) if own > 0 else 0.0


def measure(
    design: Design, coding: Coding, trust: float, group: BoolArray, confusion: "Confusion"
) -> Mapping[Method, Share]:
    """The share of a label in a group of sentences, by every method.

    Args:
        design: of the sample.
        coding: what model and person say.
        trust: what ``power`` found.
        group: shape (sentences,), which sentences; at least one.
        confusion: the model's errors over the whole sample, for the adjusted count.
    """
    size = int(group.sum())
    naive, naive_influence = _naive(design, coding, group)
    shares = {
        Method.naive: _share(design, naive, naive_influence, size, few=False),
        Method.adjusted: _adjusted(design, naive, naive_influence, confusion),
        Method.ppi: UNKNOWN,
        Method.hand: UNKNOWN,
    }
    inside = group[design.coded]
    if inside.any():
        gold, weights = coding.gold[inside], design.weights[inside]
        coded = float(weights.sum() ** 2 / np.square(weights).sum())  # worth as many of equal weight (Kish 1965)
        few = min(gold.sum(), (~gold).sum()) < FEW
        hand, hand_influence = _hand(design, coding, group)
        shift, shift_influence = _difference(design, coding, group)
        powered = hand_influence.plus(shift_influence, trust)
        shares[Method.ppi] = _share(design, hand + trust * shift, powered, coded, few=few)
        shares[Method.hand] = _share(design, hand, hand_influence, coded, few=few)
    return shares


@dataclass(frozen=True)
class Confusion:
    """The model's errors for one label, estimated on the whole sample.

    Attributes:
        hit_rate: share of the sentences with the label to which the model gave it; None without any.
        false_alarm_rate: share of those without it to which the model gave it; None without any.
        hit_influence, false_alarm_influence: of each coded sentence on the two, times its weight.
    """

    hit_rate: float | None
    false_alarm_rate: float | None
    hit_influence: FloatArray
    false_alarm_influence: FloatArray


def confuse(design: Design, coding: Coding) -> Confusion:
    """The model's hits and false alarms, as the whole sample shows them."""
    given = coding.given[design.coded].astype(np.float64)

    def rate(among: BoolArray) -> tuple[float | None, FloatArray]:
        total = float(design.weights @ among)
        if total == 0:
            return None, np.zeros(len(given))
        found = float(design.weights @ (among * given)) / total
        return found, among * (given - found) / total

    hit_rate, hit_influence = rate(coding.gold)
    false_alarm_rate, false_alarm_influence = rate(~coding.gold)
    return Confusion(hit_rate, false_alarm_rate, hit_influence, false_alarm_influence)


def _naive(design: Design, coding: Coding, group: BoolArray) -> tuple[float, Influence]:
    value = float(coding.given[group].mean())
    return value, Influence(group * (coding.given - value) / group.sum(), np.zeros(len(design.coded)))


def _hand(design: Design, coding: Coding, group: BoolArray) -> tuple[float, Influence]:
    weights = design.weights * group[design.coded]
    value = float(weights @ coding.gold / weights.sum())
    influence = group[design.coded] * (coding.gold - value) / weights.sum()
    return value, Influence(np.zeros(len(group)), influence)


def _difference(design: Design, coding: Coding, group: BoolArray) -> tuple[float, Influence]:
    """By how much the mean probability of the group exceeds that of its coded sentences: 0 but for chance."""
    inside, probabilities = group[design.coded], coding.probabilities
    weights = design.weights * inside
    mean, coded_mean = float(probabilities[group].mean()), float(weights @ probabilities[design.coded] / weights.sum())
    return mean - coded_mean, Influence(
        group * (probabilities - mean) / group.sum(),
        inside * (coded_mean - probabilities[design.coded]) / weights.sum(),
    )


def _adjusted(design: Design, naive: float, influence: Influence, confusion: Confusion) -> Share:
    hits, alarms = confusion.hit_rate, confusion.false_alarm_rate
    if hits is None or alarms is None or hits <= alarms:
        return UNKNOWN  # a model that finds the label no oftener where it is: nothing can be solved for
    value = (naive - alarms) / (hits - alarms)
    errors = value * confusion.hit_influence + (1 - value) * confusion.false_alarm_influence
    solved = Influence(influence.all / (hits - alarms), -errors / (hits - alarms))
    value, half = min(max(value, 0.0), 1.0), Z * float(np.sqrt(design.variance(solved)))
    return Share(value, max(value - half, 0.0), min(value + half, 1.0))


def _share(design: Design, value: float, influence: Influence, n: float, *, few: bool) -> Share:
    """The Wilson (1927) interval of a sample of as many sentences as would give this variance.

    Unlike the one of so many standard errors it stays within 0 and 1 and is not empty where nothing was found; surveys
    use it so (Franco et al. 2019, "Comparative study of confidence intervals for proportions in complex surveys").

    Args:
        design: of the sample.
        value: the estimate; outside 0 to 1 it is moved to the nearer end.
        influence: on it.
        n: sentences that it rests on.
        few: they are too few to tell its variance, and as good only as so many with no model; and so are few documents.
    """
    value = min(max(value, 0.0), 1.0)
    variance, spread = design.variance(influence), value * (1 - value)
    if spread > 0 and variance > 0:
        n = min(spread / variance, n) if few or design.rests_on_few(influence) else spread / variance
    middle = (value + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * float(np.sqrt(spread / n + Z**2 / (4 * n**2)))
    return Share(value, max(middle - half, 0.0), min(middle + half, 1.0))
