"""What the systems are timed on: sentences as long as real ones are, and news of which most carry no label."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stance.config import BenchmarkConfig, DataConfig
from stance.data import read_split
from stance.errors import DataError
from stance.tables.reading import read_rows
from stance.tables.rows import GoodRow

WORDS = (7, 9, 11, 12, 14, 15, 16, 18, 19, 20, 22, 23, 24, 26, 28, 30, 32, 35, 39, 45, 74)
"""Words of a sentence at each twentieth of the 18,186 real sentences that the project labels."""
UNLABELLED = 0.8
"""Share of the sentences without a label in the news that a cascade is timed on."""


def make_sentences(count: int, source: str) -> list[str]:
    """Strings of words from the sentences in a table, as long as real sentences are; the same at each call."""
    words = [
        word for row in read_rows(Path(source)) if isinstance(row, GoodRow) for word in str(row.values["text"]).split()
    ]
    chance = np.random.default_rng(0)
    lengths = np.interp(chance.random(count), np.linspace(0, 1, len(WORDS)), WORDS).astype(int)
    starts = chance.integers(0, len(words) - max(WORDS), count)
    return [" ".join(words[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def draw_news(config: BenchmarkConfig, labels: Sequence[str]) -> tuple[str, list[str]]:
    """Sentences of a test split, most of them without a label: real ones where their texts are here."""
    real = DataConfig(references=config.references)
    try:
        told, examples = "real test sentences", read_split("test", labels, real)
    except DataError:
        told, examples = "written test sentences", read_split("test", labels, DataConfig(test=config.source))
    chance = np.random.default_rng(0)
    without = round(UNLABELLED * config.sentences)
    drawn = []
    for carried, wanted in ((False, without), (True, config.sentences - without)):
        there = [example.text for example in examples if bool(example.labels) == carried]
        drawn += chance.choice(np.array(there, dtype=object), wanted, replace=wanted > len(there)).tolist()
    return told, [drawn[index] for index in chance.permutation(len(drawn))]
