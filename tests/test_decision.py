import json
import logging
from dataclasses import asdict

import numpy as np
import pytest

from stance.bands import fit_band
from stance.config import CalibrationMethod, DecisionConfig, ThresholdGoal
from stance.decision import Band, Decided, Decision
from stance.errors import ConfigError
from stance.fitting import fit_decision, fit_thresholds
from stance.maps import PLAIN_SIGMOID, BetaMap, IsotonicMap, LogisticMap, sigmoid
from stance.metrics import calibration_error, measure

LABELS = ("a", "b")


def overconfident_logits(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from known probabilities, and logits that exaggerate them: true = sigmoid(logit / 3 - 1)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, size=(n, 2))
    return logits, rng.random((n, 2)) < sigmoid(logits / 3 - 1)


def fit(logits: np.ndarray, gold: np.ndarray, config: DecisionConfig | None = None) -> Decision:
    return fit_decision(logits, gold, [str(n // 5) for n in range(len(gold))], LABELS, config or DecisionConfig())


def test_without_calibration_the_threshold_is_that_of_the_best_f1() -> None:
    logits, gold = overconfident_logits(300)
    decision = fit(logits, gold, DecisionConfig(calibration=CalibrationMethod.none))
    probabilities = decision.probabilities(logits)
    best = measure(decision.decide(probabilities), gold, LABELS)
    for threshold in np.linspace(0.01, 0.99, 197):
        other = decision.with_thresholds(float(threshold))
        f1 = [row.f1 for row in measure(other.decide(probabilities), gold, LABELS).labels]
        assert all(mine.f1 >= theirs for mine, theirs in zip(best.labels, f1, strict=True))


def test_the_threshold_expected_to_be_the_best_is_better_on_new_sentences_than_that_of_the_best_f1() -> None:
    logits, gold = overconfident_logits(20_000, seed=100)
    reached = []
    for seed in range(30):
        taught = overconfident_logits(150, seed)
        decision = fit(*taught, DecisionConfig(calibration=CalibrationMethod.platt))
        of_these = fit_thresholds(decision, decision.probabilities(taught[0]), taught[1])
        probabilities = decision.probabilities(logits)
        reached.append([measure(each.decide(probabilities), gold, LABELS).macro_f1 for each in (decision, of_these)])
    expected, found = np.mean(reached, axis=0)
    assert expected > found + 0.005
    known = fit(logits, gold)
    best = max(
        measure(known.with_thresholds(t).decide(known.probabilities(logits)), gold, LABELS).macro_f1
        for t in np.linspace(0.2, 0.6, 81)
    )
    assert measure(known.decide(known.probabilities(logits)), gold, LABELS).macro_f1 > best - 0.003


def test_probabilities_that_are_too_high_on_the_mean_do_not_tell_the_best_threshold() -> None:
    """A temperature leaves them so, where training gave the presence of a rare label more weight."""
    chance = np.random.default_rng(0)
    true = chance.normal(-4, 2, (4000, len(LABELS)))
    gold = chance.random(true.shape) < 1 / (1 + np.exp(-true))
    reached = {
        method: measure(decision.decide(decision.probabilities(true + np.log(9))), gold, LABELS).macro_f1
        for method in (CalibrationMethod.temperature, CalibrationMethod.platt)
        for decision in [fit(true + np.log(9), gold, DecisionConfig(calibration=method))]
    }
    assert reached[CalibrationMethod.temperature] > reached[CalibrationMethod.platt] - 0.02


@pytest.mark.parametrize("goal", [ThresholdGoal.precision, ThresholdGoal.recall])
def test_a_wanted_precision_or_recall_is_met(goal: ThresholdGoal) -> None:
    logits, gold = overconfident_logits(2000)
    decision = fit(logits, gold, DecisionConfig(goal=goal, at_least=0.7))
    probabilities = decision.probabilities(logits)
    for row in measure(decision.decide(probabilities), gold, LABELS).labels:
        assert getattr(row, goal.name) >= 0.7
        assert row.f1 > 0.3


@pytest.mark.parametrize("goal", [ThresholdGoal.precision, ThresholdGoal.recall])
def test_of_the_thresholds_that_meet_a_goal_the_one_of_best_f1_is_taken(goal: ThresholdGoal) -> None:
    logits, gold = overconfident_logits(300)
    decision = fit(logits, gold, DecisionConfig(goal=goal, at_least=0.6))
    probabilities = decision.probabilities(logits)
    best = measure(decision.decide(probabilities), gold, LABELS).labels
    for threshold in np.linspace(0.01, 0.99, 197):
        others = measure(decision.with_thresholds(float(threshold)).decide(probabilities), gold, LABELS).labels
        for mine, theirs in zip(best, others, strict=True):
            assert getattr(theirs, goal.name) < 0.6 or theirs.f1 <= mine.f1 + 1e-9


def fit_one(probabilities: list[float], gold: list[bool], config: DecisionConfig) -> Decision:
    """A decision for one label whose probabilities are taken as they are."""
    odds = np.array(probabilities) / (1 - np.array(probabilities))
    scenarios = [str(n) for n in range(len(gold))]
    return fit_decision(np.log(odds)[:, None], np.array(gold)[:, None], scenarios, ("a",), config)


def test_a_threshold_lies_halfway_to_the_next_lower_probability() -> None:
    decision = fit_one([0.2, 0.6, 0.9], [False, True, True], DecisionConfig(calibration=CalibrationMethod.none))
    assert decision.thresholds == (pytest.approx(0.4),)


def test_where_a_goal_is_out_of_reach_the_nearest_is_taken_and_told(caplog: pytest.LogCaptureFixture) -> None:
    config = DecisionConfig(calibration=CalibrationMethod.none, goal=ThresholdGoal.precision, at_least=0.9)
    carries = [True, True, False, False, True, True, False]  # all of them would give the best F1
    with caplog.at_level(logging.WARNING):
        decision = fit_one([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8], carries, config)
    assert decision.thresholds == (pytest.approx(0.5),)
    assert "'a' reaches precision 0.67 at most, not the wanted 0.90" in caplog.text


def test_bands_are_those_of_the_wanted_error_rate() -> None:
    logits, gold = overconfident_logits(2000)
    decision = fit(logits, gold, DecisionConfig(error_rate=0.2))
    columns = zip(decision.probabilities(logits).T, gold.T, decision.thresholds, strict=True)
    assert decision.bands == tuple(fit_band(*column, 0.2) for column in columns)
    assert decision.bands != fit(logits, gold).bands


def test_a_goal_that_contradicts_itself_is_refused() -> None:
    logits, gold = overconfident_logits(50)
    for config in (DecisionConfig(at_least=0.9), DecisionConfig(goal=ThresholdGoal.recall)):
        with pytest.raises(ConfigError, match="at_least"):
            fit(logits, gold, config)
    for error_rate in (0.0, 1.0):
        with pytest.raises(ConfigError, match="error_rate"):
            fit(logits, gold, DecisionConfig(error_rate=error_rate))


def test_a_label_without_positives_keeps_the_plain_sigmoid_is_never_sure_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logits, gold = overconfident_logits(50)
    gold[:, 1] = False
    with caplog.at_level(logging.WARNING):
        decision = fit(logits, gold)
    assert (decision.maps[1], decision.thresholds[1], decision.bands[1]) == (PLAIN_SIGMOID, 0.5, Band())
    assert "'b' has no positive" in caplog.text


def test_thresholds_change_for_one_call_label_by_label() -> None:
    decision = Decision.uncalibrated(LABELS)
    assert decision.with_thresholds({"b": 0.9}).thresholds == (0.5, 0.9)
    assert decision.with_thresholds(0.1).thresholds == (0.1, 0.1)
    assert decision.with_thresholds(None) is decision
    with pytest.raises(ConfigError, match="No label 'c'"):
        decision.with_thresholds({"c": 0.5})
    with pytest.raises(ConfigError, match="from 0 to 1"):
        decision.with_thresholds(1.5)


def test_a_sentence_at_the_threshold_carries_the_label() -> None:
    probabilities = np.array([[0.5], [np.nextafter(0.5, 0)]])
    assert Decision.uncalibrated(("a",)).decide(probabilities).carried.T.tolist() == [[True, False]]


def test_changed_thresholds_change_labels_and_not_the_band() -> None:
    decision = Decision(LABELS, (PLAIN_SIGMOID,) * 2, (0.5, 0.5), (Band(0.2, 0.8), Band()))
    probabilities = np.array([[0.1, 0.1], [0.2, 0.5], [0.7, 0.7], [0.8, 0.99]])
    decided = decision.decide(probabilities)
    assert decided.uncertain.T.tolist() == [[False, True, True, False], [True] * 4]
    changed = decision.with_thresholds(0.9).decide(probabilities)
    assert changed.carried.T.tolist() == [[False] * 4, [False, False, False, True]]
    assert changed.uncertain.tolist() == decided.uncertain.tolist()


def test_a_decision_maps_each_label_by_its_own_map_and_comes_back_from_json() -> None:
    maps = (BetaMap(0.5, 1.0, 0.1), IsotonicMap((-1.0, 1.0), (0.2, 0.6)), LogisticMap(2.0, 1.0))
    decision = Decision(("a", "b", "c"), maps, (0.5, 0.4, 0.3), (Band(0.1, 0.9), Band(0.2), Band()))
    logits = np.array([[0.3, 0.0, -0.5], [1.0, 5.0, 0.0]], dtype=np.float32)
    probabilities = decision.probabilities(logits)
    assert probabilities[:, 1:].tolist() == [[0.4, 0.5], [0.6, pytest.approx(sigmoid(np.array(1.0)))]]
    assert decision.probabilities(logits[:0]).shape == (0, 3)
    again = Decision.from_dict(json.loads(json.dumps(asdict(decision), allow_nan=False)))
    assert again == decision


def test_metrics_of_a_case_worked_out_by_hand() -> None:
    gold = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], dtype=bool)
    probabilities = np.array([[0.9, 0.8], [0.4, 0.1], [0.6, 0.1], [0.1, 0.1]])
    uncertain = np.array([[0, 0], [0, 0], [0, 1], [1, 0]], dtype=bool)
    metrics = measure(Decided(probabilities, probabilities >= 0.5, uncertain), gold, LABELS)
    a, b = metrics.labels
    assert (a.n, a.precision, a.recall, a.f1) == (2, 0.5, 0.5, 0.5)
    assert a.average_precision == pytest.approx((1 + 2 / 3) / 2)
    # A false alarm for a label that is never gold must count against the model.
    assert (b.n, b.f1, b.average_precision) == (0, 0.0, None)
    assert metrics.macro_f1 == 0.25
    assert metrics.micro_f1 == pytest.approx(2 * 1 / (2 * 1 + 2 + 1))
    assert a.brier == pytest.approx((0.1**2 + 0.6**2 + 0.6**2 + 0.1**2) / 4)
    band_a, band_b = metrics.bands
    assert (band_a.sure, band_a.passed_over, band_a.given, band_a.wrong) == (3, 1, 2, 1)
    assert (band_a.coverage, band_a.passed_over_rate, band_a.wrong_rate) == (0.75, 0.5, 0.5)
    assert (band_b.sure, band_b.passed_over_rate, band_b.given, band_b.wrong_rate) == (3, None, 1, 1.0)


def test_calibration_error_of_known_cases() -> None:
    gold = np.array([True, False] * 50)
    assert calibration_error(np.full(100, 0.5), gold) == pytest.approx(0.0)
    assert calibration_error(np.full(100, 0.9), gold) == pytest.approx(0.4)
