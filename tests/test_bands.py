"""What the band promises, by simulation: validation sets drawn again and again from a distribution that is known."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from stance.bands import DELTA, fit_band
from stance.config import CalibrationMethod, DecisionConfig
from stance.decision import Band
from stance.fitting import fit_decision

RATE = 0.05
N = 1500
SHARE = 0.15
"""Share of sentences with the label. Their logits are normal around SHIFT, those of the others around -SHIFT."""

SHIFT = 1.7


def draw(rng: np.random.Generator, n: int = N, shift: float = SHIFT) -> tuple[np.ndarray, np.ndarray]:
    gold = rng.random(n) < SHARE
    return rng.normal(np.where(gold, shift, -shift)), gold


def true_error(logit: float, shift: float = SHIFT) -> float:
    """Share of wrong labels when all sentences from this logit on are given the label."""
    right, wrong = SHARE * norm.sf(logit - shift), (1 - SHARE) * norm.sf(logit + shift)
    return wrong / (right + wrong)


def from_logits(logits: np.ndarray) -> np.ndarray:
    return norm.cdf(logits / 5)  # any map that rises will do


def to_logit(probability: float) -> float:
    return 5 * norm.ppf(probability)


def bands(count: int, draw_one: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]) -> list[Band]:
    """Bands of as many validation sets, each without regard to a threshold: given at one end or the other."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        logits, gold = draw_one(rng)
        probabilities = from_logits(logits)
        low = fit_band(probabilities, gold, threshold=1.0, error_rate=RATE).low
        found.append(Band(low, fit_band(probabilities, gold, threshold=0.0, error_rate=RATE).high))
    return found


def test_the_mean_rate_passed_over_is_k_of_n_plus_one_and_no_more() -> None:
    """With 39 positives k is 2, and two in forty is the wanted rate to the letter; any other k would show."""

    def draw_one(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate([rng.normal(SHIFT, size=39), rng.normal(-SHIFT, size=200)]), np.arange(239) < 39

    passed_over = [norm.cdf(to_logit(band.low) - SHIFT) for band in bands(1500, draw_one)]
    assert np.mean(passed_over) == pytest.approx(RATE, abs=4 * np.std(passed_over) / 1500**0.5)
    assert 4 * np.std(passed_over) / 1500**0.5 < 0.005  # k = 1 or 3 would give 0.025 or 0.075


def test_with_too_few_positives_nothing_is_withheld_for_sure() -> None:
    probabilities = np.linspace(0.01, 0.99, 100)
    assert fit_band(probabilities, np.arange(100) >= 82, threshold=0.5, error_rate=RATE).low == 0.0
    assert fit_band(probabilities, np.arange(100) >= 81, threshold=0.9, error_rate=RATE).low == probabilities[81]


def test_labels_given_for_sure_are_wrong_too_often_in_one_validation_set_of_ten_at_most() -> None:
    highs = [band.high for band in bands(300, draw)]
    given = [to_logit(high) for high in highs if high is not None]
    failed = np.mean([true_error(logit) > RATE for logit in given]) * len(given) / len(highs)
    assert failed <= DELTA + 3 * (DELTA * (1 - DELTA) / 300) ** 0.5
    assert len(given) > 275, "a promise kept by giving nothing"
    # Nor is it kept by giving little: most of what could be given at the wanted rate is.
    best = min((logit for logit in np.linspace(-2, 4, 601) if true_error(logit) <= RATE), default=9.0)
    assert np.mean(norm.sf(np.array(given) - SHIFT)) > 0.8 * norm.sf(best - SHIFT)


def test_where_errors_are_everywhere_above_the_rate_nothing_is_given_in_nine_of_ten_sets() -> None:
    def draw_one(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=600), rng.random(600) > RATE + 1e-6  # one in twenty wrong, however likely it looks

    found = bands(600, draw_one)
    failed = np.mean([band.high is not None for band in found])
    assert failed <= DELTA + 3 * (DELTA * (1 - DELTA) / 600) ** 0.5
    assert failed > DELTA / 3, "a test that never rejects keeps its promise idly"
    rng = np.random.default_rng(0)
    naive = 0
    for _ in range(300):
        logits, gold = draw_one(rng)
        share_wrong = np.cumsum(~gold[np.argsort(-logits)]) / np.arange(1, 601)
        naive += (share_wrong[44:] <= RATE).any()
    assert naive / 300 > 0.5, "taking the share of wrong ones as found must fail here"


@pytest.mark.parametrize(
    "method", [CalibrationMethod.platt, CalibrationMethod.isotonic], ids=lambda method: method.name
)
def test_both_promises_survive_calibration_and_threshold_fitted_on_the_same_sentences(
    method: CalibrationMethod,
) -> None:
    rng = np.random.default_rng(1)
    grid = np.linspace(-8, 8, 3201)
    positives, negatives = SHARE * norm.pdf(grid - SHIFT), (1 - SHARE) * norm.pdf(grid + SHIFT)
    passed_over, failed, sure = [], [], []
    for _ in range(200):
        logits, gold = draw(rng)
        config = DecisionConfig(calibration=method)
        decision = fit_decision(logits[:, None], gold[:, None], ["s"] * N, ("a",), config)
        band, threshold = decision.bands[0], decision.thresholds[0]
        assert band.low <= threshold <= (band.high or 1.0)
        decided = decision.decide(decision.probabilities(grid[:, None]))
        certain, carried = ~decided.uncertain[:, 0], decided.carried[:, 0]
        assert (decided.probabilities[certain & ~carried] < band.low).all()
        passed_over.append(positives[certain & ~carried].sum() / positives.sum())
        right, wrong = positives[certain & carried].sum(), negatives[certain & carried].sum()
        failed.append(wrong > RATE * (right + wrong))
        sure.append((positives + negatives)[certain].sum() / (positives + negatives).sum())
    assert np.mean(passed_over) <= RATE + 3 * np.std(passed_over) / 200**0.5
    assert np.mean(failed) <= DELTA + 3 * (DELTA * (1 - DELTA) / 200) ** 0.5
    assert np.mean(sure) > 0.85


def test_a_good_model_is_sure_of_nearly_everything() -> None:
    rng = np.random.default_rng(0)
    logits, gold = draw(rng, shift=2.5)
    probabilities = from_logits(logits)
    band = fit_band(probabilities, gold, threshold=from_logits(np.array(0.3)), error_rate=RATE)
    assert band.high is not None
    assert ((probabilities >= band.low) & (probabilities < band.high)).mean() < 0.05


def test_the_band_is_widened_to_hold_the_threshold() -> None:
    rng = np.random.default_rng(0)
    logits, gold = draw(rng)
    probabilities = from_logits(logits)
    low = fit_band(probabilities, gold, 1.0, RATE).low
    high = fit_band(probabilities, gold, 0.0, RATE).high
    assert high is not None
    assert 0.1 < low < high < 0.95
    assert fit_band(probabilities, gold, 0.1, RATE) == Band(0.1, high)
    assert fit_band(probabilities, gold, (low + high) / 2, RATE) == Band(low, high)
    assert fit_band(probabilities, gold, 0.95, RATE) == Band(low, 0.95)
    # A model so good that either end would do for both: nothing is uncertain.
    easy = np.linspace(0, 1, 2000)
    assert fit_band(easy, easy > 0.5, 0.5, RATE) == Band(0.5, 0.5)


def test_equally_likely_sentences_are_never_parted() -> None:
    # The test would let 45 be given, but the last five of them are as likely as the fifteen after them.
    probabilities = np.repeat([0.9, 0.6, 0.1], [40, 20, 940])
    gold = np.concatenate([np.full(60, True), np.arange(940) > 900])
    assert fit_band(probabilities, gold, 0.5, RATE).high == pytest.approx(0.75)
    assert fit_band(np.full(1000, 0.4), gold, 0.4, RATE) == Band(0.4, None)
    assert fit_band(np.zeros(0), np.zeros(0, dtype=bool), 0.5, RATE) == Band(0.0, None)


def test_of_equally_likely_sentences_the_wrong_ones_count_first() -> None:
    """45 must be right; the last of them stands beside another, and either may be the wrong one."""
    probabilities = np.repeat([0.9, 0.6, 0.1], [44, 2, 954])
    assert fit_band(probabilities, np.arange(1000) < 45, 0.5, RATE).high is None
    assert fit_band(probabilities, np.arange(1000) < 46, 0.5, RATE).high == pytest.approx(0.75)
