"""The very sentences that a model learned from and was chosen by, read again."""

from stance.config import DataConfig
from stance.data import Splits, hash_examples, read_splits
from stance.errors import DataError
from stance.model_file import ModelFile


def read_own_splits(model_file: ModelFile) -> Splits:
    """Reads the training and validation examples of a model from where its settings say they are.

    Raises:
        DataError: they cannot be had, or not all of them, or they have changed.
    """
    labels, settings = model_file.decision.labels, model_file.settings
    splits = read_splits(labels, DataConfig(**settings["data"]), settings["seed"])
    for name, examples in vars(splits).items():
        own = model_file.data[name]
        if hash_examples(examples) != own["sha256"]:
            raise DataError(
                f"These are not the {name} sentences of the model: expected {own['n']:,} of SHA-256 {own['sha256']}, "
                f"found {len(examples):,} of {hash_examples(examples)}. Restore the files that its config.yaml names; "
                "python scripts/fetch_real.py gets the texts of real sentences."
            )
    return splits
