"""Runs a network in PyTorch."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from stance.config import Precision
from stance.delta import read_delta
from stance.errors import ModelError
from stance.inference import BATCH_TOKENS, Batch, Logits, Tokenize, infer
from stance.network import StanceForSequenceClassification
from stance.network_config import StanceConfig
from stance.progress import quiet_transformers
from stance.sieve import Sieve
from stance.sources import WEIGHTS

_GPU_BATCH_TOKENS = 64 * BATCH_TOKENS
"""Tokens a batch on a GPU, which needs many at once to be busy."""


class TorchInference:
    """A network on the CPU or on a CUDA device.

    On a device that has bf16, products are in it, while weights, sums and normalisations stay in fp32.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_length: int,
        device: str | None = None,
        precision: Precision | None = None,
        sieve: Sieve | None = None,
    ) -> None:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self.network = network.train(False).to(device)
        except (RuntimeError, AssertionError) as error:  # by what torch was built without, or does not know
            raise ModelError(f"Cannot run on device={device}: {str(error).splitlines()[0]}. Leave it out.") from None
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.sieve = sieve
        on_gpu = self.network.device.type == "cuda"
        has_bf16 = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
        self.precision = precision or (Precision.bf16 if has_bf16 else Precision.fp32)
        self.backend = f"PyTorch on {self.network.device.type}, {self.precision.name}"

    @classmethod
    def from_pretrained(
        cls,
        folder: Path,
        *,
        max_length: int,
        base: Path | None = None,
        device: str | None = None,
        precision: Precision | None = None,
        sieve: Sieve | None = None,
    ) -> "TorchInference":
        """Loads a saved network and its tokenizer from a local folder; a delta together with the base in another.

        A sieve, if one is given, keeps from the network what it settles.
        """
        with quiet_transformers():
            if base is None:
                network = StanceForSequenceClassification.from_pretrained(
                    folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
                )
            else:
                network = StanceForSequenceClassification(StanceConfig.from_pretrained(folder, local_files_only=True))
                network.load_state_dict({name: torch.from_numpy(a) for name, a in read_delta(folder, base).items()})
            tokenizer = AutoTokenizer.from_pretrained(base or folder, local_files_only=True)
        return cls(network, tokenizer, max_length=max_length, device=device, precision=precision, sieve=sieve)

    def save_pretrained(self, folder: Path) -> None:
        """Writes weights, config and tokenizer."""
        with quiet_transformers():
            self.network.save_pretrained(folder)
        (folder / WEIGHTS).chmod((folder / "config.json").stat().st_mode)  # else its owner alone may read it
        self.tokenizer.save_pretrained(folder)

    def logits(self, texts: Sequence[str]) -> Logits:
        """Logits for each text, independent of the other texts beside it."""
        return infer(
            texts,
            tokenize_with(self.tokenizer),
            self._run,
            width=self.network.config.num_labels,
            pad=self.tokenizer.pad_token_id or 0,
            max_length=self.max_length,
            sieve=self.sieve,
            batch_tokens=BATCH_TOKENS if self.network.device.type == "cpu" else _GPU_BATCH_TOKENS,
        )

    @torch.inference_mode()
    def _run(self, batches: Sequence[Batch]) -> Iterator[NDArray[np.float32]]:
        for batch in batches:
            inputs = (torch.from_numpy(array).to(self.network.device) for array in batch)
            with torch.autocast(self.network.device.type, torch.bfloat16, enabled=self.precision is Precision.bf16):
                yield self.network(*inputs).logits.float().cpu().numpy()


def tokenize_with(tokenizer: PreTrainedTokenizerBase) -> Tokenize:
    """The function by which one of transformers' tokenizers turns texts into token ids."""

    def tokenize(texts: list[str], max_length: int) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
        return ids

    return tokenize
