"""The very sentences that a model learned from and was chosen by, read again."""

from stance.config import DataConfig
from stance.data import Example, Splits, hash_examples, read_splits
from stance.errors import DataError
from stance.model_file import ModelFile


def read_own_splits(model_file: ModelFile) -> Splits:
    """Reads the training and validation examples of a model from where its settings say they are.

    Raises:
        DataError: they cannot be had, or not all of them, or they have changed.
    """
    return _read(model_file, "train", "validation")


def read_own_validation(model_file: ModelFile) -> list[Example]:
    """Reads the validation examples of a model, whatever has become of those that it learned from.

    Raises:
        DataError: as of ``read_own_splits``.
    """
    return _read(model_file, "validation").validation


def _read(model_file: ModelFile, *wanted: str) -> Splits:
    labels, settings = model_file.decision.labels, model_file.settings
    splits = read_splits(labels, DataConfig(**settings["data"]), settings["seed"])
    for name in wanted:
        examples, own = getattr(splits, name), model_file.data[name]
        if hash_examples(examples) != own["sha256"]:
            raise DataError(
                f"These are not the {name} sentences of the model: expected {own['n']:,} of SHA-256 {own['sha256']}, "
                f"found {len(examples):,} of {hash_examples(examples)}. Restore the files that its config.yaml names; "
                "python scripts/fetch_real.py gets the texts of real sentences."
            )
    return splits
