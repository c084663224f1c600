"""Which weights learn: all, all but the embeddings, the upper layers, or low-rank adapters beside them."""

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from stance.config import TrainingConfig, Tuning
from stance.errors import ConfigError, install_extra
from stance.network import StanceForSequenceClassification
from stance.sources import WEIGHTS

ADAPTER = "adapter_model.safetensors"
"""The weights in a checkpoint of low-rank adapters."""


def make_tunable(network: StanceForSequenceClassification, config: TrainingConfig) -> nn.Module:
    """A copy of the network of which only those weights are trainable that the config wants to change.

    Raises:
        ConfigError: it wants more layers frozen than there are, or adapters, for which a package is missing.
    """
    tunable = _select(copy.deepcopy(network), config)
    if config.bf16 and config.tuning is Tuning.lora:
        _halve_frozen(tunable)
    return tunable


def _select(network: StanceForSequenceClassification, config: TrainingConfig) -> nn.Module:
    if config.frozen_layers:
        layers = network.layers()
        if config.frozen_layers > len(layers):
            raise ConfigError(
                f"training.frozen_layers={config.frozen_layers} is too many: the encoder has {len(layers)}."
            )
        network.encoder.requires_grad_(False)
        layers[config.frozen_layers :].requires_grad_(True)
    if config.tuning is Tuning.frozen_embeddings:
        network.get_input_embeddings().requires_grad_(False)
    if config.tuning is not Tuning.lora:
        return network
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise ConfigError(f"training.tuning=lora needs the peft package: {install_extra('lora')}") from None
    linear = [
        f"encoder.{name}"
        for name, module in network.encoder.named_modules()
        if isinstance(module, nn.Linear) and module.weight.requires_grad
    ]
    if not linear:
        raise ConfigError(
            f"training.frozen_layers={config.frozen_layers} leaves no layer for low-rank adapters: freeze fewer."
        )
    return get_peft_model(
        network,
        LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            target_modules=linear,
            modules_to_save=["classifier"],
        ),
    )


def _halve_frozen(network: nn.Module) -> None:
    """Puts in bfloat16, once, the weights beside the adapters: else each step would convert them anew."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            for weights in module.parameters(recurse=False):
                if not weights.requires_grad:
                    weights.data = weights.data.bfloat16()


def merge(
    adapted: nn.Module, network: StanceForSequenceClassification, config: TrainingConfig
) -> StanceForSequenceClassification:
    """The network, in fp32 as it was before it was adapted, with what the adapters have learned added to it."""
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    whole: Any = _select(network, config)
    set_peft_model_state_dict(whole, get_peft_model_state_dict(adapted))
    merged: StanceForSequenceClassification = whole.merge_and_unload()
    return merged


def average(trained: nn.Module, checkpoints: list[Path]) -> None:
    """Gives the network the mean of its weights in the checkpoints; of adapters, each factor by itself is averaged."""
    adapted = (checkpoints[0] / ADAPTER).exists()
    each = [load_file(checkpoint / (ADAPTER if adapted else WEIGHTS)) for checkpoint in checkpoints]
    mean = {name: torch.stack([weights[name] for weights in each]).mean(0) for name in each[0]}
    if not adapted:
        trained.load_state_dict(mean)
        return
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(trained, mean)
