"""Fine-tuning as tutorials do it: transformers' own classifier, the defaults of its trainer, batches of 32."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from stance.baselines.deciding import decide
from stance.config import ModelConfig
from stance.data import Splits, gold_matrix
from stance.decision import Decided
from stance.inference import encode
from stance.progress import quiet_transformers
from stance.torch_inference import TorchInference, tokenize_with

EPOCHS = 3
LEARNING_RATE = 5e-5
BATCH_SIZE = 32


def plain(
    splits: Splits,
    texts: Sequence[str],
    labels: tuple[str, ...],
    *,
    encoder: Path,
    seed: int,
    learning_rate: float = LEARNING_RATE,
) -> Decided:
    """What the encoder says after plain fine-tuning of all weights.

    The head reads [CLS] through the encoder's pooler, the loss is unweighted binary cross-entropy, the rate falls
    linearly without warm-up, and the last epoch counts. Thresholds are fitted as for all others: at one half, labels
    that one sentence in sixty carries would hardly ever be given.
    """
    set_seed(seed)
    max_length = ModelConfig().max_length
    tokenizer = AutoTokenizer.from_pretrained(encoder, local_files_only=True)
    ids = encode(tokenize_with(tokenizer), [example.text for example in splits.train], max_length).ids
    wanted = gold_matrix(splits.train, labels).astype(np.float32).tolist()
    with quiet_transformers(), TemporaryDirectory() as folder:
        network = AutoModelForSequenceClassification.from_pretrained(
            encoder,
            num_labels=len(labels),
            problem_type="multi_label_classification",
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
        )
        trainer = Trainer(
            model=network,
            args=TrainingArguments(
                output_dir=folder,
                num_train_epochs=EPOCHS,
                learning_rate=learning_rate,
                per_device_train_batch_size=BATCH_SIZE,
                use_cpu=not torch.cuda.is_available(),
                save_strategy="no",
                seed=seed,
                full_determinism=True,
                dataloader_pin_memory=torch.cuda.is_available(),
                disable_tqdm=True,
                report_to="none",
            ),
            train_dataset=[{"input_ids": i, "labels": w} for i, w in zip(ids, wanted, strict=True)],
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    inference = TorchInference(network, tokenizer, max_length=max_length)
    return decide(lambda some: inference.logits(some).values, splits.validation, texts, labels)
