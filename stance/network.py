"""The network: an encoder, a pooling of its token vectors, and one linear output per label."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from stance.config import ModelConfig, Pooling
from stance.errors import ConfigError, ModelError
from stance.network_config import StanceConfig


class StanceForSequenceClassification(PreTrainedModel):  # type: ignore[no-untyped-call]
    """Multi-label sentence classifier; its outputs are logits of shape (sentences, labels)."""

    config_class = StanceConfig
    config: StanceConfig
    base_model_prefix = "encoder"
    accepts_loss_kwargs = False  # the trainer would pass its own arguments on to the encoder
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: StanceConfig) -> None:
        super().__init__(config)
        self.encoder = _without_pooler(AutoModel.from_config(config.encoder))  # type: ignore[no-untyped-call]
        width = self.encoder.config.hidden_size * (2 if config.pooling == Pooling.mean_max.name else 1)
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(width, len(config.id2label or ()))
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def from_encoder(
        cls, folder: Path, labels: tuple[str, ...], model: ModelConfig
    ) -> "StanceForSequenceClassification":
        """Puts a head on the pretrained encoder in ``folder``: a new one, or that of a model that stance has trained.

        With ``model.layer`` the layers above it are not even loaded: what is not read need not be computed.
        """
        trained, encoder = _pretrained_encoder(folder, model.layer)
        config = StanceConfig(
            encoder=encoder.config.to_dict(),
            pooling=model.pooling.name,
            head_dropout=model.dropout,
            id2label=dict(enumerate(labels)),
            label2id={label: column for column, label in enumerate(labels)},
            problem_type="multi_label_classification",
        )
        network = cls(config)
        network.encoder.load_state_dict(_without_pooler(encoder).state_dict())
        if trained is not None and (trained.config.id2label, trained.config.pooling) == (
            config.id2label,
            config.pooling,
        ):
            network.classifier.load_state_dict(trained.classifier.state_dict())
        return network

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's token embeddings."""
        embeddings: nn.Module = self.encoder.get_input_embeddings()
        return embeddings

    def layers(self) -> nn.ModuleList:
        """The encoder's layers, the lowest first."""
        wanted = self.encoder.config.num_hidden_layers
        for module in self.encoder.modules():
            if isinstance(module, nn.ModuleList) and len(module) == wanted:
                return module
        raise ModelError(f"Found no list of {wanted} layers in {type(self.encoder).__name__}.")

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Logits for a batch of token ids of shape (sentences, tokens), and the loss when ``labels`` are given."""
        hidden = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, inputs_embeds=inputs_embeds, **kwargs
        ).last_hidden_state
        if attention_mask is None:
            attention_mask = torch.ones(hidden.shape[:2], device=hidden.device)
        pooled = pool(hidden, attention_mask, Pooling[self.config.pooling])
        logits = self.classifier(self.dropout(pooled))
        loss = None
        if labels is not None:
            loss = nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
        return SequenceClassifierOutput(loss=loss, logits=logits)


def pool(hidden: Tensor, attention_mask: Tensor, pooling: Pooling) -> Tensor:
    """Token vectors (sentences, tokens, width) as sentence vectors; padding (mask 0) has no part in them."""
    if pooling is Pooling.cls:
        return hidden[:, 0]
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
    if pooling is Pooling.mean:
        return mean
    highest = hidden.masked_fill(mask == 0, torch.finfo(hidden.dtype).min).amax(1)
    return torch.cat([mean, highest], dim=-1)


def _pretrained_encoder(
    folder: Path, layer: int | None
) -> tuple[StanceForSequenceClassification | None, PreTrainedModel]:
    """The encoder in a folder, cut to the layers that are read; before it the model it is in, if it is in one."""
    config: Any = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    options: dict[str, Any] = {
        "dtype": torch.float32,
        "local_files_only": True,
        "use_safetensors": True,
        "output_loading_info": True,
    }
    trained: Any = None
    if isinstance(config, StanceConfig):
        _cut(config.encoder, layer, folder)
        trained, loaded = StanceForSequenceClassification.from_pretrained(folder, config=config, **options)  # type: ignore[misc]
        encoder = trained.encoder
    else:
        _cut(config, layer, folder)
        encoder, loaded = AutoModel.from_pretrained(folder, config=config, trust_remote_code=False, **options)
    missing = sorted(name for name in loaded["missing_keys"] if "pooler" not in name)
    if missing:
        raise ModelError(f"{folder} lacks weights of the encoder that its config.json describes: {missing[0]}, ...")
    encoder.config.name_or_path = ""  # a folder of this machine says nothing elsewhere; stance.json names the base
    return trained, encoder


def _cut(config: Any, layer: int | None, folder: Path) -> None:
    if layer is None:
        return
    if not 1 <= layer <= config.num_hidden_layers:
        raise ConfigError(
            f"model.layer={layer} cannot be read: the encoder in {folder} has {config.num_hidden_layers} layers."
        )
    config.num_hidden_layers = layer
    if getattr(config, "layer_types", None):  # encoders of mixed attention list the kind of each layer
        config.layer_types = config.layer_types[:layer]


def _without_pooler(encoder: PreTrainedModel) -> PreTrainedModel:
    # BERT-like encoders carry a dense layer over [CLS] that nothing here reads: weights to store, never to train.
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # type: ignore[assignment]
    return encoder


AutoModelForSequenceClassification.register(StanceConfig, StanceForSequenceClassification, exist_ok=True)
