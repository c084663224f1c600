import logging

import numpy as np
import pytest

from stance.calibration import ENOUGH, TILT, fit_map
from stance.config import CalibrationMethod
from stance.maps import PLAIN_SIGMOID, BetaMap, IsotonicMap, LogisticMap, sigmoid
from stance.metrics import calibration_error

METHODS = [method for method in CalibrationMethod if method is not CalibrationMethod.none]
TRUE_MAPS = {
    CalibrationMethod.temperature: LogisticMap(0.4, 0.0),
    CalibrationMethod.platt: LogisticMap(0.4, -1.5),
    CalibrationMethod.beta: BetaMap(0.2, 1.0, -1.0),
    # A step: no smooth map comes near it.
    CalibrationMethod.isotonic: IsotonicMap((-5.0, 0.0, 0.01, 5.0), (0.05, 0.1, 0.7, 0.75)),
}


def draw(method: CalibrationMethod, n: int = 6000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Logits, labels drawn from the probabilities that the true map gives them, and scenarios of four sentences."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2.5, size=n)
    return logits, rng.random(n) < TRUE_MAPS[method](logits), [str(i // 4) for i in range(n)]


@pytest.mark.parametrize("method", TRUE_MAPS, ids=lambda method: method.name)
def test_each_method_recovers_the_map_that_made_the_labels(method: CalibrationMethod) -> None:
    logits, gold, scenarios = draw(method)
    fitted, true = fit_map(logits, gold, scenarios, "a", method), TRUE_MAPS[method]
    assert type(fitted) is type(true)
    assert np.abs(fitted(logits) - true(logits)).mean() < 0.015
    assert calibration_error(sigmoid(logits), gold) > 0.04
    fresh, fresh_gold, _ = draw(method, seed=1)
    assert calibration_error(fitted(fresh), fresh_gold) < 0.02


@pytest.mark.parametrize("method", [CalibrationMethod.beta, CalibrationMethod.isotonic], ids=lambda method: method.name)
def test_the_best_method_is_the_one_that_fits(method: CalibrationMethod) -> None:
    logits, gold, scenarios = draw(method)
    best = fit_map(logits, gold, scenarios, "a", CalibrationMethod.best)
    assert best == fit_map(logits, gold, scenarios, "a", method)


def test_methods_are_compared_on_scenarios_that_they_have_not_seen() -> None:
    """Each scenario repeats one sentence: one fitted on its copies knows it, and bends around chance."""
    rng = np.random.default_rng(0)
    logits = np.repeat(rng.normal(0, 1.5, size=150), 20)
    gold = np.repeat(rng.random(150) < sigmoid(logits[::20]), 20)
    apart = [str(i) for i in range(3000)]
    together = [str(i // 20) for i in range(3000)]
    assert isinstance(fit_map(logits, gold, apart, "a", CalibrationMethod.best), IsotonicMap)
    assert isinstance(fit_map(logits, gold, together, "a", CalibrationMethod.best), LogisticMap)


def test_with_few_positives_negatives_or_scenarios_platt_is_taken() -> None:
    logits, gold, scenarios = draw(CalibrationMethod.isotonic, n=4000)
    rare, common = gold & (np.cumsum(gold) < ENOUGH), gold | (np.cumsum(~gold) >= ENOUGH)
    few, one_holds_all = [str(i % 4) for i in range(4000)], np.where(gold, "all", scenarios).tolist()
    for carries, groups in ((rare, scenarios), (common, scenarios), (gold, few), (gold, one_holds_all)):
        assert fit_map(logits, carries, groups, "a", CalibrationMethod.best) == fit_map(
            logits, carries, groups, "a", CalibrationMethod.platt
        )


@pytest.mark.parametrize("sign", [1, -1])
def test_where_a_beta_map_would_fall_on_one_side_it_is_level_there_and_the_rest_is_fitted_anew(sign: int) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2.5, size=6000)
    rising = sign * logits > 0
    true = np.where(rising, 0.1 + 0.1 * np.abs(logits), 0.1 + 0.02 * np.abs(logits)).clip(0, 0.9)
    gold = rng.random(6000) < (true if sign > 0 else 1 - true)
    fitted = fit_map(logits, gold, ["s"] * 6000, "a", CalibrationMethod.beta)
    assert isinstance(fitted, BetaMap)
    assert min(fitted.a, fitted.b) == 0 < max(fitted.a, fitted.b)
    assert fitted(logits).mean() == pytest.approx(gold.mean(), abs=1e-3)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_labels_wholly_apart_give_a_finite_map_that_is_never_certain(method: CalibrationMethod) -> None:
    logits = np.linspace(-3, 3, 200)
    fitted = fit_map(logits, logits > 0, [str(i) for i in range(200)], "a", method)
    probabilities = fitted(np.linspace(-8, 8, 401))
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert probabilities[0] < 0.05
    assert probabilities[-1] > 0.95


def test_an_isotonic_map_keeps_the_order_of_sentences() -> None:
    logits, gold, scenarios = draw(CalibrationMethod.isotonic, n=500)
    fitted = fit_map(logits, gold, scenarios, "a", CalibrationMethod.isotonic)
    assert (np.diff(fitted(np.sort(logits))) > 0).all()
    assert isinstance(fitted, IsotonicMap)
    assert len(fitted.logits) < 100
    assert fitted(logits).mean() == pytest.approx(gold.mean(), abs=5 * TILT)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_a_label_ranked_backwards_is_not_turned_round(
    method: CalibrationMethod, caplog: pytest.LogCaptureFixture
) -> None:
    logits, gold, scenarios = draw(CalibrationMethod.platt, n=1000)
    with caplog.at_level(logging.WARNING):
        assert fit_map(-logits, gold, scenarios, "a", method) is PLAIN_SIGMOID
    assert "'a' is ranked backwards" in caplog.text


def test_no_calibration_leaves_the_sigmoid() -> None:
    assert fit_map(*draw(CalibrationMethod.platt), "a", CalibrationMethod.none) is PLAIN_SIGMOID


def test_where_no_temperature_fits_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    logits, gold, scenarios = draw(CalibrationMethod.platt, n=1000)
    with caplog.at_level(logging.WARNING):
        # All logits far above 0, most labels absent: only a negative slope without intercept comes near.
        assert fit_map(logits + 20, gold, scenarios, "a", CalibrationMethod.temperature) is PLAIN_SIGMOID
    assert "No temperature map that rises fits 'a'" in caplog.text
    assert fit_map(logits + 20, gold, scenarios, "a", CalibrationMethod.best)(logits + 20).mean() == pytest.approx(
        gold.mean(), abs=0.02
    )
