"""What training minimises: weighted binary cross-entropy, and what may be laid over it."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from stance.config import ObjectiveConfig
from stance.errors import ConfigError, check_settings


class Objective:
    """Mean loss over sentences and labels, as transformers' Trainer calls it.

    With both exponents and the margin at 0 this is binary cross-entropy; equal exponents are the focal loss (Lin et al.
    2017), a higher one for absent labels is the asymmetric loss (Ridnik et al. 2021). Targets may lie between 0 and 1.
    """

    def __init__(self, config: ObjectiveConfig) -> None:
        self.config = config

    def __call__(self, outputs: Any, labels: Tensor, num_items_in_batch: int | None = None) -> Tensor:
        """The loss of a batch; logits and targets have shape (sentences, labels)."""
        return self.loss(outputs.logits, labels)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """As above, of the bare logits."""
        config = self.config
        logits = logits.float()
        targets = targets * (1 - config.label_smoothing) + config.label_smoothing / 2
        present, absent = logsigmoid(logits), logsigmoid(-logits)
        if config.margin:
            # Labels that the model withholds more surely than the margin cost nothing any more.
            absent = torch.log((absent.exp() + config.margin).clamp(max=1))
        return -(
            config.positive_weight * targets * _focus(present, config.focus_present) * present
            + (1 - targets) * _focus(absent, config.focus_absent) * absent
        ).mean()

    def consistent_loss(self, one: Tensor, other: Tensor, targets: Tensor) -> Tensor:
        """The loss of two readings of a batch under different dropout, with their distance (R-Drop, Liang et al. 2021).

        The distance is the symmetric Kullback-Leibler divergence of the two answers.
        """
        one, other = one.float(), other.float()
        distance = ((torch.sigmoid(one) - torch.sigmoid(other)) * (one - other)).mean() / 2
        return (self.loss(one, targets) + self.loss(other, targets)) / 2 + self.config.consistency * distance


def check_objective(config: ObjectiveConfig) -> None:
    """Raises ConfigError where a setting is out of range."""
    share = "at least 0 and less than 1"
    check_settings(
        "objective.",
        (
            ("positive_weight", config.positive_weight, config.positive_weight > 0, "more than 0"),
            # Between 0 and 1 the loss has no finite gradient where the network is sure.
            ("focus_present", config.focus_present, _is_exponent(config.focus_present), "0, or at least 1"),
            ("focus_absent", config.focus_absent, _is_exponent(config.focus_absent), "0, or at least 1"),
            ("margin", config.margin, 0 <= config.margin < 1, share),
            ("label_smoothing", config.label_smoothing, 0 <= config.label_smoothing < 1, share),
            ("consistency", config.consistency, config.consistency >= 0, "at least 0"),
            ("teacher_weight", config.teacher_weight, 0 < config.teacher_weight <= 1, "more than 0 and at most 1"),
            ("variants", config.variants, config.variants >= 0, "at least 0"),
        ),
    )
    if config.variants and not config.teachers:
        raise ConfigError("objective.variants are labelled by teachers: name them, objective.teachers=[large].")


def _is_exponent(focus: float) -> bool:
    return focus == 0 or focus >= 1


def _focus(log_probability: Tensor, exponent: float) -> Tensor | float:
    return (1 - log_probability.exp()).pow(exponent) if exponent else 1.0
