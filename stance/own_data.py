"""The very sentences that a model learned from and was chosen by, read again."""

from stance.config import DataConfig
from stance.data import Example, Splits, hash_examples, read_split, read_splits
from stance.errors import DataError
from stance.model_file import ModelFile


def read_own_splits(model_file: ModelFile) -> Splits:
    """Reads the training and validation examples of a model from where its settings say they are.

    Raises:
        DataError: they cannot be had, or not all of them, or they have changed.
    """
    settings = model_file.settings
    splits = read_splits(model_file.decision.labels, DataConfig(**settings["data"]), settings["seed"])
    _check(splits.train, "train", model_file)
    _check(splits.validation, "validation", model_file)
    return splits


def read_own_validation(model_file: ModelFile) -> list[Example]:
    """Reads the validation examples of a model, whatever has become of those that it learned from.

    Raises:
        DataError: as of ``read_own_splits``.
    """
    labels, data = model_file.decision.labels, DataConfig(**model_file.settings["data"])
    if data.validation is None and data.references is None:  # it was held out of what the model learned from
        examples = read_splits(labels, data, model_file.settings["seed"]).validation
    else:
        examples = read_split("validation", labels, data)
    _check(examples, "validation", model_file)
    return examples


def _check(examples: list[Example], name: str, model_file: ModelFile) -> None:
    own = model_file.data[name]
    if hash_examples(examples) != own["sha256"]:
        raise DataError(
            f"These are not the {name} sentences of the model: expected {own['n']:,} of SHA-256 {own['sha256']}, "
            f"found {len(examples):,} of {hash_examples(examples)}. Restore the files that its config.yaml names; "
            "python scripts/fetch_real.py gets the texts of real sentences."
        )
