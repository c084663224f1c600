"""SetFit (Tunstall et al. 2022, arXiv:2209.11055), by its own library.

Pairs of sentences teach the encoder what is alike; then one logistic regression per label reads its vectors.
"""

import importlib.util
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from transformers import PrinterCallback

from stance.baselines.deciding import decide
from stance.data import Example, Splits, gold_matrix
from stance.decision import Decided
from stance.errors import ConfigError, install_extra
from stance.progress import quiet_transformers

STEPS = 600
"""Of sixteen pairs each: an hour on one slow core. All pairs of 15,000 sentences would take months."""

SENTENCES_PER_LABEL = 400
"""Sentences of each label, and of none, that pairs are drawn from, so that the rarest label has its part in them."""


def check_setfit() -> None:
    """Raises ConfigError unless the setfit package is there."""
    if importlib.util.find_spec("setfit") is None:
        raise ConfigError(f"The baseline setfit needs the setfit package: {install_extra('setfit')}")


def setfit(
    splits: Splits, texts: Sequence[str], labels: tuple[str, ...], *, encoder: Path, seed: int, steps: int = STEPS
) -> Decided:
    """What SetFit says, with its defaults but for two things.

    Pairs are drawn from a sample of the training sentences and are ``steps`` times sixteen, half of them alike; the
    regressions learn from all sentences, positive ones weighing as much as negative ones in all. Alike are two
    sentences that share a label; SetFit takes two that carry none for unlike.

    Raises:
        ConfigError: the setfit package is missing, or there is but one label, which its multi-label head refuses.
    """
    check_setfit()
    if len(labels) == 1:
        raise ConfigError(f"The baseline setfit needs two labels or more, found {labels[0]} alone: leave it out.")
    # An optional package, and one that takes seconds to load.
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from setfit.logging import set_verbosity_error

    set_verbosity_error()
    with quiet_transformers(), TemporaryDirectory() as folder:
        # Not SetFitModel.from_pretrained: it would ask the hub about the encoder.
        model = SetFitModel(
            SentenceTransformer(str(encoder), local_files_only=True),
            OneVsRestClassifier(LogisticRegression(class_weight="balanced", max_iter=1000)),
            multi_target_strategy="one-vs-rest",
        )
        trainer = Trainer(
            model,
            TrainingArguments(
                output_dir=folder,
                max_steps=steps,
                save_strategy="no",
                logging_strategy="no",
                show_progress_bar=False,
                report_to="none",
                seed=seed,
            ),
        )
        trainer.st_trainer.args.dataloader_pin_memory = torch.cuda.is_available()
        trainer.remove_callback(PrinterCallback)
        for learn, examples in (
            (trainer.train_embeddings, sample(splits.train, seed)),
            (trainer.train_classifier, splits.train),
        ):
            learn([example.text for example in examples], gold_matrix(examples, labels).astype(int).tolist())

    return decide(
        lambda some: model.model_head.decision_function(model.encode(list(some))), splits.validation, texts, labels
    )


def sample(examples: Sequence[Example], seed: int, n: int = SENTENCES_PER_LABEL) -> list[Example]:
    """Examples in a random order, as far as one of their labels, or having none, is still wanted; ``n`` of each."""
    shuffled = random.Random(seed).sample(examples, len(examples))  # noqa: S311
    taken: list[Example] = []
    have: Counter[str] = Counter()
    for example in shuffled:
        kinds = example.labels or ("",)
        if any(have[kind] < n for kind in kinds):
            taken.append(example)
            have.update(kinds)
    return taken
