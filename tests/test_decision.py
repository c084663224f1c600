import logging

import numpy as np
import pytest

from stance.config import CalibrationMethod, DecisionConfig, ThresholdGoal
from stance.decision import Decided, Decision, sigmoid
from stance.errors import ConfigError
from stance.fitting import fit_decision
from stance.metrics import calibration_error, measure

LABELS = ("a", "b")


def overconfident_logits(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from known probabilities, and logits that exaggerate them: true = sigmoid(logit / 3 - 1)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, size=(n, 2))
    return logits, rng.random((n, 2)) < sigmoid(logits / 3 - 1)


def test_platt_scaling_recovers_the_map_that_made_the_labels() -> None:
    logits, gold = overconfident_logits()
    decision = fit_decision(logits, gold, LABELS, DecisionConfig())
    assert decision.slopes == pytest.approx((1 / 3, 1 / 3), abs=0.04)
    assert decision.intercepts == pytest.approx((-1, -1), abs=0.12)
    fresh_logits, fresh_gold = overconfident_logits(seed=1)
    before = calibration_error(sigmoid(fresh_logits)[:, 0], fresh_gold[:, 0])
    after = calibration_error(decision.probabilities(fresh_logits)[:, 0], fresh_gold[:, 0])
    assert before > 0.1
    assert after < 0.03


def test_temperature_only_scales_and_none_leaves_the_sigmoid() -> None:
    logits, gold = overconfident_logits()
    temperature = fit_decision(logits, gold, LABELS, DecisionConfig(calibration=CalibrationMethod.temperature))
    assert temperature.intercepts == (0.0, 0.0)
    assert 0 < temperature.slopes[0] < 1
    plain = fit_decision(logits, gold, LABELS, DecisionConfig(calibration=CalibrationMethod.none))
    assert plain.probabilities(logits) == pytest.approx(sigmoid(logits))


def test_the_threshold_is_that_of_the_best_f1() -> None:
    logits, gold = overconfident_logits(300)
    decision = fit_decision(logits, gold, LABELS, DecisionConfig())
    probabilities = decision.probabilities(logits)
    best = measure(decision.decide(probabilities), gold, LABELS)
    for threshold in np.linspace(0.01, 0.99, 197):
        other = decision.with_thresholds(float(threshold))
        f1 = [row.f1 for row in measure(other.decide(probabilities), gold, LABELS).labels]
        assert all(mine.f1 >= theirs for mine, theirs in zip(best.labels, f1, strict=True))


@pytest.mark.parametrize("goal", [ThresholdGoal.precision, ThresholdGoal.recall])
def test_a_wanted_precision_or_recall_is_met(goal: ThresholdGoal) -> None:
    logits, gold = overconfident_logits(2000)
    decision = fit_decision(logits, gold, LABELS, DecisionConfig(goal=goal, at_least=0.7))
    probabilities = decision.probabilities(logits)
    for row in measure(decision.decide(probabilities), gold, LABELS).labels:
        assert getattr(row, goal.name) >= 0.7
        assert row.f1 > 0.3


def test_a_goal_that_contradicts_itself_is_refused() -> None:
    logits, gold = overconfident_logits(50)
    for config in (DecisionConfig(at_least=0.9), DecisionConfig(goal=ThresholdGoal.recall)):
        with pytest.raises(ConfigError, match="at_least"):
            fit_decision(logits, gold, LABELS, config)


def test_a_label_without_positives_keeps_the_plain_sigmoid_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    logits, gold = overconfident_logits(50)
    gold[:, 1] = False
    with caplog.at_level(logging.WARNING):
        decision = fit_decision(logits, gold, LABELS, DecisionConfig())
    assert (decision.slopes[1], decision.intercepts[1], decision.thresholds[1]) == (1.0, 0.0, 0.5)
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


def test_metrics_of_a_case_worked_out_by_hand() -> None:
    gold = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], dtype=bool)
    probabilities = np.array([[0.9, 0.8], [0.4, 0.1], [0.6, 0.1], [0.1, 0.1]])
    metrics = measure(Decided(probabilities, probabilities >= 0.5), gold, LABELS)
    a, b = metrics.labels
    assert (a.n, a.precision, a.recall, a.f1) == (2, 0.5, 0.5, 0.5)
    assert a.average_precision == pytest.approx((1 + 2 / 3) / 2)
    # A false alarm for a label that is never gold must count against the model.
    assert (b.n, b.f1, b.average_precision) == (0, 0.0, None)
    assert metrics.macro_f1 == 0.25
    assert metrics.micro_f1 == pytest.approx(2 * 1 / (2 * 1 + 2 + 1))


def test_calibration_error_of_known_cases() -> None:
    gold = np.array([True, False] * 50)
    assert calibration_error(np.full(100, 0.5), gold) == pytest.approx(0.0)
    assert calibration_error(np.full(100, 0.9), gold) == pytest.approx(0.4)
