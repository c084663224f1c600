"""Whether the output of a corpus job was made by a certain model: a sample of its sentences labelled again."""

import json
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stance.config import VerifyConfig
from stance.errors import DataError, check_settings
from stance.labelled_rows import probabilities_of, read_labelled
from stance.output_folder import MANIFEST, SUCCESS, changed_files, read_receipts
from stance.pieces import TEXT
from stance.predict import Predictor
from stance.tables.rows import GoodRow

TOLERANCE = 1e-3
"""Largest difference of a probability that another processor or batch may cause."""


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        same_weights: the folder names the very weights of the model, and of the sieve before it.
        same_decision: the folder names the very calibration, thresholds and bands of the model.
        changed: files of the folder that are not what the job wrote.
        n: sentences labelled again; none where changed files cannot be read.
        different: of these, those with a probability that the model does not give.
        largest: the largest difference between a probability there and the model's; infinite where there is none.
        other_backend: what computed the folder, where that is not what computes here: digits may differ for it.
        shards: that the job has, and of these those that are there.
    """

    same_weights: bool
    same_decision: bool
    changed: tuple[str, ...]
    n: int
    different: int
    largest: float
    other_backend: str | None
    shards: tuple[int, int]

    @property
    def holds(self) -> bool:
        """Whether all of what is there was made by the model."""
        return self.same_weights and self.same_decision and not self.changed and not self.different


def verify(config: VerifyConfig) -> Verification:
    """Labels a random sample of the sentences in ``config.folder`` again, and looks whether its files are untouched.

    Raises:
        ConfigError: a setting is out of range.
        DataError: the folder holds no output of a corpus job.
        ModelError: the model cannot be had.
    """
    check_settings("", [("sample", config.sample, config.sample >= 1, "at least 1")])
    folder = Path(config.folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        shards, recorded = int(manifest["shards"]), manifest["model"]
        sieve, decision = recorded["sieve_sha256"], recorded["decision"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder} holds no output of a corpus job: {MANIFEST} cannot be read ({error}).") from None
    predictor = Predictor.from_config(replace(config.model, cascade=sieve is not None))
    changed = tuple(changed_files(folder))
    try:
        rows = _sample(folder, config.sample, config.seed)
    except DataError:
        if not changed and not (folder / SUCCESS).exists():  # a job of empty inputs ends without a shard
            raise
        rows = []
    answers = predictor.predict_proba([str(row.get(TEXT)) for row in rows])
    gaps = [
        _gap(there, dict(zip(predictor.labels, answer.tolist(), strict=True)))
        for there, answer in zip(map(probabilities_of, rows), answers, strict=True)
    ]
    return Verification(
        same_weights=recorded["weights_sha256"] == predictor.model_file.weights_sha256
        and sieve == (predictor.sieve and predictor.sieve.sha256),
        same_decision=decision == json.loads(json.dumps(asdict(predictor.model_file.decision))),
        changed=changed,
        n=len(rows),
        different=sum(gap > TOLERANCE for gap in gaps),
        largest=max(gaps, default=0.0),
        other_backend=None if recorded["backend"] == predictor.backend else recorded["backend"],
        shards=(shards, len(list(read_receipts(folder)))),
    )


def _gap(there: Mapping[str, Any], now: Mapping[str, float]) -> float:
    """The largest difference between probabilities of the same labels; infinite if they are not, or not all numbers."""
    if there.keys() != now.keys():
        return math.inf
    try:
        gap = max(abs(float(there[label]) - now[label]) for label in now)
    except (TypeError, ValueError):
        return math.inf
    return math.inf if math.isnan(gap) else gap


def _sentences(folder: Path) -> Iterator[Mapping[str, Any]]:
    for row in read_labelled(folder):
        if isinstance(row, GoodRow):  # a bad one is told by its file's checksum
            yield row.values


def _sample(folder: Path, size: int, seed: int) -> list[Mapping[str, Any]]:
    """Sentences drawn with equal chances, in one pass over all (reservoir sampling, Vitter 1985)."""
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    drawn: list[Mapping[str, Any]] = []
    for seen, row in enumerate(_sentences(folder)):
        if seen < size:
            drawn.append(row)
        elif (place := chance.randrange(seen + 1)) < size:
            drawn[place] = row
    return drawn
