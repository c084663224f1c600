"""The network's config.json: the encoder's own config, how it is pooled, and the labels."""

from typing import Any

from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec

from stance.config import Pooling


class StanceConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """What is needed to rebuild the network."""

    model_type = "stance"
    sub_configs_defaults = {"encoder": SubConfigSpec(config_class=AutoConfig, model_type="bert")}  # noqa: RUF012

    encoder: PreTrainedConfig | dict[str, Any] | None = None
    pooling: str = Pooling.mean_max.name
    head_dropout: float = 0.1
    initializer_range: float = 0.02


AutoConfig.register(StanceConfig.model_type, StanceConfig, exist_ok=True)
