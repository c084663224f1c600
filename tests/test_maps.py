import json
from dataclasses import asdict

import numpy as np
import pytest

from stance.maps import PLAIN_SIGMOID, BetaMap, CalibrationMap, IsotonicMap, LogisticMap, map_from_dict, sigmoid

MAPS = [
    LogisticMap(0.5, -1.0),
    BetaMap(0.3, 2.0, 0.4),
    BetaMap(0.0, 1.5, -1.0),
    IsotonicMap((-2.0, 0.0, 3.0), (0.1, 0.2, 0.9)),
]


@pytest.mark.parametrize("one", MAPS, ids=lambda one: one.kind)
def test_every_map_is_a_probability_that_never_falls_even_at_the_ends(one: CalibrationMap) -> None:
    logits = np.concatenate([[-1e6], np.linspace(-50, 50, 1001), [1e6]])
    with np.errstate(all="raise", under="ignore"):
        probabilities = one(logits)
    assert probabilities.shape == logits.shape
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert (np.diff(probabilities) >= 0).all()


def test_the_beta_map_is_its_formula_and_with_equal_weights_the_logistic_one() -> None:
    logits = np.linspace(-4, 4, 9)
    p = sigmoid(logits)
    odds = p**0.3 / (1 - p) ** 2.0 * np.exp(0.4)
    assert BetaMap(0.3, 2.0, 0.4)(logits) == pytest.approx(odds / (1 + odds))
    assert BetaMap(0.7, 0.7, -0.2)(logits) == pytest.approx(LogisticMap(0.7, -0.2)(logits))
    assert pytest.approx(p) == PLAIN_SIGMOID(logits)


def test_the_isotonic_map_joins_its_knots_and_is_level_beyond_them() -> None:
    found = MAPS[3](np.array([-9.0, -2.0, -1.0, 0.0, 1.5, 9.0]))
    assert found == pytest.approx([0.1, 0.1, 0.15, 0.2, 0.55, 0.9])


@pytest.mark.parametrize("one", MAPS, ids=lambda one: one.kind)
def test_a_map_comes_back_from_json_as_it_was(one: CalibrationMap) -> None:
    assert map_from_dict(json.loads(json.dumps(asdict(one)))) == one


def test_an_unknown_kind_of_map_is_refused() -> None:
    with pytest.raises(KeyError, match="spline"):
        map_from_dict({"kind": "spline", "knots": [1.0]})
