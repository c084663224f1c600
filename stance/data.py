"""Labelled examples: read from files and by reference, checked, split by scenario, and hashed."""

import hashlib
import json
import logging
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.config import DataConfig
from stance.errors import ConfigError, DataError, did_you_mean
from stance.labelled_rows import ANNOTATIONS, is_annotated
from stance.labels import indicator_matrix
from stance.references import TEXTS, read_references, read_texts
from stance.tables.reading import read_rows
from stance.tables.rows import BadRow, GoodRow

log = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Example:
    """A labelled sentence.

    Attributes:
        id: unique among those that are read together; ``file:line`` where the file gives none.
        text: the sentence.
        labels: any number of label names, in the order of the label set.
        scenario: what the sentence is about; its own id where the file does not say.
        columns: what else its row says, of that which was asked for.
    """

    id: str
    text: str
    labels: tuple[str, ...]
    scenario: str
    columns: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Splits:
    """Examples to learn from and examples to choose by.

    Attributes:
        train, validation: labelled sentences.
        unlabelled: sentences to learn from as teachers label them; that their ``labels`` are empty says nothing.
    """

    train: list[Example]
    validation: list[Example]
    unlabelled: list[Example] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, list[Example]]:
        """By name, those of the three that hold anything."""
        return {name: examples for name, examples in vars(self).items() if examples}


def read_examples(
    path: Path, labels: Sequence[str] | None, columns: DataConfig | None = None, keep: Sequence[str] = ()
) -> list[Example]:
    """Reads a labelled file; the label column holds a list of names, names in one text, or a single name.

    Of a table of annotations, sentences that nobody has annotated are left out with a warning.

    Args:
        path: a .jsonl, .csv, .tsv or .parquet file.
        labels: the names allowed, in the order to give them; None does not look at the label column.
        columns: names of the columns and how labels are written; by default those of the shipped data.
        keep: other columns to keep, where there are such.

    Raises:
        DataError: the file cannot be read, or rows are wrong; every problem is listed with its ``file:line``.
    """
    columns = columns or DataConfig()
    examples: list[Example] = []
    problems: list[str] = []
    first_use: dict[str, str] = {}
    unread = 0
    for row in read_rows(path):
        if isinstance(row, BadRow):
            problems.append(f"{row.where}: {row.reason}")
            continue
        if labels is not None and ANNOTATIONS in row.values and not is_annotated(row.values[ANNOTATIONS]):
            unread += 1
            continue
        found, wrong = _example(row, labels, columns, keep)
        if found is not None and found.id in first_use:
            wrong.append(f"id '{found.id}' was used before, at {first_use[found.id]}")
        problems.extend(f"{row.where}: {problem}" for problem in wrong)
        if found is not None and not wrong:
            first_use[found.id] = row.where
            examples.append(found)
    if problems:
        raise DataError(f"{path} cannot be used as it is; correct what is listed and run again:", problems)
    if unread:
        log.warning("%d sentences of %s are left out: nobody has annotated them.", unread, path)
    if not examples:
        raise DataError(f"{path} holds no examples.")
    return examples


def read_split(split: str, labels: Sequence[str], config: DataConfig, keep: Sequence[str] = ()) -> list[Example]:
    """Reads one named split of the data config: its files, its references, or both; ``keep`` as of ``read_examples``.

    Referenced sentences whose texts have not been fetched are left out with a warning.

    Raises:
        ConfigError: there is no such split, or the config names no file for it.
        DataError: as ``read_examples``; or there is nothing but references, and none of their texts is here.
    """
    if split not in SPLITS:
        raise ConfigError(f"No split '{split}': {did_you_mean(split, SPLITS)}")
    paths = _files(config, split)
    if not paths and config.references is None:
        raise ConfigError(f"The data config names no {split} file: give data.{split}=<file>.")
    examples = _told_apart({path: read_examples(Path(path), labels, config, keep) for path in paths})
    if config.references is not None:
        repeats = config.reference_repeats if split == "train" else 1
        examples += _referenced(Path(config.references), split, labels, keep, alone=not paths) * repeats
    return examples


def _told_apart(files: Mapping[str, list[Example]]) -> list[Example]:
    """The examples of several files; where two files have an id in common, the file's name tells theirs apart."""
    uses = Counter(example.id for examples in files.values() for example in examples)

    def named(path: str, example: Example) -> Example:
        if uses[example.id] == 1:
            return example
        own = f"{path}:{example.id}"
        return replace(example, id=own, scenario=own if example.scenario == example.id else example.scenario)

    return [named(path, example) for path, examples in files.items() for example in examples]


def read_from(config: DataConfig) -> dict[str, list[str]]:
    """The files that a data config names, by setting."""
    return {f"data.{name}": _files(config, name) for name in (*SPLITS, "unlabelled", "contrast")}


def _files(config: DataConfig, name: str) -> list[str]:
    named = getattr(config, name)
    several = [] if named is None else named if isinstance(named, list) else [named]
    if not all(isinstance(path, str) and path for path in several):
        raise ConfigError(f"Expected data.{name} to be the name of a file, or [one,another]; found {named!r}.")
    if len(set(several)) < len(several):
        raise ConfigError(f"Expected the files of data.{name} to differ, found {named!r}.")
    return several


def read_splits(labels: Sequence[str], config: DataConfig, seed: int) -> Splits:
    """What to learn from and to choose by; without a validation file, scenarios of ``train`` are held out for it.

    Raises:
        ConfigError, DataError: as ``read_split``; or a label has no training example.
    """
    train = read_split("train", labels, config)
    if config.validation is None and config.references is None:
        train, validation = hold_out(train, config.validation_share, seed)
    else:
        validation = read_split("validation", labels, config)
    unseen = [label for label in labels if not any(label in example.labels for example in train)]
    if unseen:
        raise DataError(f"Nothing to learn for: {', '.join(unseen)}. Each label needs training examples.")
    return Splits(train, validation)


def with_unlabelled(splits: Splits, config: DataConfig) -> Splits:
    """Adds the sentences that teachers are to label, but for those whose labels are known: one file may hold both.

    Raises:
        DataError: as ``read_examples``.
    """
    known = {example.text for example in [*splits.train, *splits.validation]}
    paths = _files(config, "unlabelled")
    found = _told_apart({path: read_examples(Path(path), None, config) for path in paths})
    return replace(splits, unlabelled=[example for example in found if example.text not in known])


def hold_out(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Splits off about ``share`` of the scenarios, at least one and not all; returns the kept and the held out ones."""
    scenarios = sorted({example.scenario for example in examples})
    if not 0 < share < 1 or len(scenarios) < 2:  # noqa: PLR2004
        raise ConfigError(
            f"Cannot hold out {share} of {len(scenarios)} scenarios for validation: expected a share between 0 and 1 "
            "and at least two scenarios. Give data.validation=<file> instead."
        )
    random.Random(seed).shuffle(scenarios)  # noqa: S311
    held = set(scenarios[: min(math.ceil(share * len(scenarios)), len(scenarios) - 1)])
    return [e for e in examples if e.scenario not in held], [e for e in examples if e.scenario in held]


def gold_matrix(examples: Sequence[Example], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which labels the examples carry, of shape (examples, labels)."""
    return indicator_matrix([example.labels for example in examples], labels)


def hash_examples(examples: Iterable[Example]) -> str:
    """SHA-256 over texts and labels, whatever their order and ids: tells whether two models saw the same data."""
    lines = sorted(json.dumps([example.text, sorted(example.labels)]) for example in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def label_names(cell: Any, columns: DataConfig) -> list[str] | None:
    """The names in a cell of the label column, whatever way they are written there; None where it holds none such."""
    if cell is None:
        return []
    if isinstance(cell, str):
        cell = [name.strip() for name in cell.split(columns.label_separator)]
    if not isinstance(cell, list) or not all(isinstance(name, str) for name in cell):
        return None
    return [name for name in cell if name and name != columns.none_label]


def _referenced(folder: Path, split: str, labels: Sequence[str], keep: Sequence[str], *, alone: bool) -> list[Example]:
    references = read_references(folder / f"{split}.jsonl", labels)
    source = folder / TEXTS
    texts = read_texts(source) if source.exists() else {}
    found = [
        Example(reference.id, texts[reference.id], reference.labels, reference.group, _kept(vars(reference), keep))
        for reference in references
        if reference.id in texts
    ]
    if alone and not found:
        raise DataError(
            f"The texts of the {len(references)} {split} sentences in {folder} are not here: they belong to their "
            "publishers and are not shipped. Get them with: python scripts/fetch_real.py"
        )
    if len(found) < len(references):
        log.warning(
            "%d of %d real %s sentences have no text in %s and are left out; python scripts/fetch_real.py gets them.",
            *(len(references) - len(found), len(references), split, source),
        )
    return found


def _example(
    row: GoodRow, labels: Sequence[str] | None, columns: DataConfig, keep: Sequence[str]
) -> tuple[Example | None, list[str]]:
    wrong: list[str] = []
    values = row.values
    for column in (columns.text_column, *(() if labels is None else (columns.label_column,))):
        if column not in values:
            wrong.append(f"no '{column}' column; {did_you_mean(column, map(str, values))}")
    if wrong:
        return None, wrong
    text = values[columns.text_column]
    if not isinstance(text, str):
        wrong.append(f"expected '{columns.text_column}' to be text, found {_shown(text)}")
    elif not text.strip():
        wrong.append(f"'{columns.text_column}' is empty")
    carried = () if labels is None else _carried(values[columns.label_column], labels, columns, wrong)
    identifier = _identifier(values.get("id"), row.where, "id", wrong)
    scenario = _identifier(values.get(columns.scenario_column), identifier, columns.scenario_column, wrong)
    return Example(identifier, str(text), carried, scenario, _kept(values, keep)), wrong


def _carried(cell: Any, labels: Sequence[str], columns: DataConfig, wrong: list[str]) -> tuple[str, ...]:
    names = label_names(cell, columns)
    if names is None:
        wrong.append(f"expected '{columns.label_column}' to be label names, found {_shown(cell)}")
        return ()
    wrong.extend(f"unknown label '{name}'; {did_you_mean(name, labels)}" for name in names if name not in labels)
    return tuple(label for label in labels if label in names)


def _kept(values: Mapping[str, Any], keep: Sequence[str]) -> dict[str, Any]:
    return {column: values[column] for column in keep if column in values}


def _identifier(cell: Any, otherwise: str, column: str, wrong: list[str]) -> str:
    if cell is None or cell == "":
        return otherwise
    if isinstance(cell, str | int) and not isinstance(cell, bool):
        return str(cell)
    wrong.append(f"expected '{column}' to be text or a whole number, found {_shown(cell)}")
    return otherwise


def _shown(value: Any) -> str:
    shown = repr(value)
    return f"{type(value).__name__} {shown[:60]}{'...' * (len(shown) > 60)}"  # noqa: PLR2004
