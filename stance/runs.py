"""The folder of a training run: whose it is, whether it is finished, and where an interrupted run goes on."""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stance.differences import differences
from stance.errors import ConfigError
from stance.files import write_text
from stance.model_file import NAME as MODEL_FILE
from stance.sources import clear_model

log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
"""Subfolder of an unfinished run: its checkpoints, and what run they belong to. It is gone when the model is saved."""


@dataclass(frozen=True)
class Run:
    """What makes a run this run: another with the same values gives the same weights on the same machine.

    Attributes:
        settings: the training config, less what does not bear on the weights.
        base: name and SHA-256 of the encoder, and ``<teacher>_sha256`` of each teacher.
        data: per split the number of examples and their hash.
    """

    settings: dict[str, Any]
    base: dict[str, str]
    data: dict[str, dict[str, Any]]


def claim(folder: Path, run: Run, *, overwrite: bool) -> bool:
    """Makes ``folder`` ready for the run; False if the run's model is already there.

    Raises:
        ConfigError: the folder holds another run, finished or not, and ``overwrite`` is not set.
    """
    checkpoints = folder / CHECKPOINTS
    run_file = checkpoints / "run.json"
    if overwrite:
        (folder / MODEL_FILE).unlink(missing_ok=True)
        shutil.rmtree(checkpoints, ignore_errors=True)
    if (folder / MODEL_FILE).exists():
        _refuse_another(folder / MODEL_FILE, run, f"{folder} holds a model")
        return False
    if run_file.exists():
        _refuse_another(run_file, run, f"{folder} holds an unfinished run")
    clear_model(folder)
    checkpoints.mkdir(parents=True, exist_ok=True)
    write_text(run_file, json.dumps(vars(run), indent=2))
    return True


def last_checkpoint(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end."""
    return next(reversed(complete_checkpoints(checkpoints)), None)


def complete_checkpoints(checkpoints: Path) -> list[Path]:
    """The checkpoints that were written to their end, in order: the trainer's state is the last of their files."""
    complete = []
    for state in checkpoints.glob("checkpoint-*/trainer_state.json"):
        try:
            complete.append((json.loads(state.read_text(encoding="utf-8"))["global_step"], state.parent))
        except ValueError:
            log.warning("%s was cut off while being written: passed over.", state.parent)
    return [folder for _, folder in sorted(complete)]


def _refuse_another(file: Path, run: Run, told: str) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    changes = differences({key: found.get(key) for key in vars(run)}, vars(run))
    if changes:
        raise ConfigError(
            f"{told} made with other settings ({'; '.join(changes)}). Train elsewhere with name=<another>, or replace "
            "it with overwrite=true."
        )
