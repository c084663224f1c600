import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from stance.config import ObjectiveConfig
from stance.errors import ConfigError
from stance.objective import Objective, check_objective

LOGITS = torch.tensor([[3.0, -2.0], [0.5, -0.1], [-4.0, 1.0]])
TARGETS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.3, 1.0]])


def test_by_default_it_is_weighted_binary_cross_entropy() -> None:
    wanted = binary_cross_entropy_with_logits(LOGITS, TARGETS, pos_weight=torch.full((2,), 3.0))
    assert Objective(ObjectiveConfig()).loss(LOGITS, TARGETS) == pytest.approx(wanted.item(), abs=1e-6)


def test_equal_exponents_are_the_focal_loss() -> None:
    p = torch.sigmoid(LOGITS)
    wanted = -(TARGETS * (1 - p) ** 2 * p.log() + (1 - TARGETS) * p**2 * (1 - p).log()).mean()
    config = ObjectiveConfig(positive_weight=1, focus_present=2, focus_absent=2)
    assert Objective(config).loss(LOGITS, TARGETS) == pytest.approx(wanted.item(), abs=1e-6)


def test_the_margin_shifts_the_probability_of_absent_labels() -> None:
    """Equations 5 to 7 of Ridnik et al. 2021, with exponents 1 and 4 and a margin of 0.2."""
    p = torch.sigmoid(LOGITS)
    shifted = (p - 0.2).clamp(min=0)
    wanted = -(TARGETS * (1 - p) * p.log() + (1 - TARGETS) * shifted**4 * (1 - shifted).log()).mean()
    config = ObjectiveConfig(positive_weight=1, focus_present=1, focus_absent=4, margin=0.2)
    assert Objective(config).loss(LOGITS, TARGETS) == pytest.approx(wanted.item(), abs=1e-6)
    surely_withheld = torch.tensor([[-5.0]], requires_grad=True)
    Objective(config).loss(surely_withheld, torch.zeros(1, 1)).backward()
    assert surely_withheld.grad.item() == 0


def test_smoothing_draws_targets_towards_one_half() -> None:
    wanted = binary_cross_entropy_with_logits(LOGITS, TARGETS * 0.8 + 0.1)
    config = ObjectiveConfig(positive_weight=1, label_smoothing=0.2)
    assert Objective(config).loss(LOGITS, TARGETS) == pytest.approx(wanted.item(), abs=1e-6)


def test_the_distance_of_two_readings_is_their_symmetric_divergence() -> None:
    other = LOGITS + torch.tensor([[0.5, -0.5]])
    one, two = (torch.distributions.Bernoulli(logits=logits) for logits in (LOGITS, other))
    divergence = torch.distributions.kl_divergence
    distance = (divergence(one, two) + divergence(two, one)).mean() / 2
    objective = Objective(ObjectiveConfig(consistency=3))
    apart = objective.consistent_loss(LOGITS, other, TARGETS)
    losses = (objective.loss(LOGITS, TARGETS) + objective.loss(other, TARGETS)) / 2
    assert apart == pytest.approx((losses + 3 * distance).item(), abs=1e-5)
    assert objective.consistent_loss(LOGITS, LOGITS, TARGETS) == pytest.approx(objective.loss(LOGITS, TARGETS).item())


def test_settings_out_of_range_are_refused() -> None:
    for setting in ({"margin": 1}, {"teacher_weight": 0}, {"positive_weight": 0}, {"focus_absent": 0.5}):
        config = ObjectiveConfig(**setting)
        with pytest.raises(ConfigError, match="is out of range"):
            check_objective(config)
