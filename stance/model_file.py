"""``stance.json``: what a trained model is, how it decides, and where it comes from. Training writes it last."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stance.decision import Decision
from stance.errors import ConfigError, ModelError
from stance.files import write_text
from stance.sources import DELTA, Source, check_whole, find_source

NAME = "stance.json"
FORMAT = 2
RECALIBRATION = "recalibration"
"""What ``data`` calls the sentences that a model was fitted to anew, if it was."""


@dataclass(frozen=True)
class ModelFile:
    """The contents of ``stance.json``.

    Attributes:
        decision: label order, calibration maps, thresholds and bands.
        max_length: longest sentence in tokens.
        weights_sha256: of the weights beside it, ``model.safetensors`` or ``delta.safetensors``.
        base: name and SHA-256 of the encoder that training started from, and ``<teacher>_sha256`` of each teacher; of a
            delta, of the encoder that the first training started from, and ``<model>_sha256`` of each trained model
            that a later one went on from.
        data: per split the number of examples and their hash.
        settings: the training config, resolved.
        versions: of stance and the packages that matter for the figures.
        metrics: on validation, with the decision above; and the history of training.
    """

    decision: Decision
    max_length: int
    weights_sha256: str
    base: dict[str, str]
    data: dict[str, dict[str, Any]]
    settings: dict[str, Any]
    versions: dict[str, str]
    metrics: dict[str, Any]

    def find_base(self) -> Source:
        """The encoder that training started from.

        Raises:
            ModelError: it cannot be had.
        """
        model = self.settings["model"]
        # A delta may name another place for its base than training did, of which that revision says nothing.
        return find_source(self.base["name"], model["revision"] if self.base["name"] == model["encoder"] else None)

    def find_delta_base(self, source: Source, elsewhere: str | Path | None = None) -> Path | None:
        """The folder of the base that the model in ``source`` is kept as the difference from; None of a whole model.

        Args:
            source: where the model lies.
            elsewhere: where its base lies, if not where the model says.

        Raises:
            ModelError: the base cannot be had.
        """
        if source.weights.name != DELTA:
            return None
        base = self.find_base() if elsewhere is None else find_source(str(elsewhere))
        check_whole(base)
        return base.folder

    def write(self, folder: Path) -> None:
        """Writes ``stance.json`` into ``folder``, all or nothing."""
        content = {"format": FORMAT, **asdict(self)}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_text(folder / NAME, text)

    @classmethod
    def read(cls, folder: Path) -> "ModelFile":
        """Reads ``stance.json`` from ``folder``.

        Raises:
            ModelError: there is none, or it is not one that this version understands.
        """
        path = folder / NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(
                f"{folder} holds no {NAME}: expected a model trained by stance. If its training was interrupted, run "
                "the same command again and it goes on."
            ) from None
        except (OSError, ValueError) as error:
            raise ModelError(f"Cannot read {path}: {error}") from None
        try:
            found = content.pop("format")
            if found != FORMAT:
                raise ModelError(
                    f"{path} was written by another version of stance: expected format {FORMAT}, found {found}. Train "
                    "the model again, or use it with the version that made it."
                )
            return cls(decision=Decision.from_dict(content.pop("decision")), **content)
        except (AttributeError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is not a stance model file: {error}") from None


def check_vacant(folder: Path, *, overwrite: bool) -> None:
    """Raises ConfigError if a folder holds a model that is not to be replaced."""
    if (folder / NAME).exists() and not overwrite:
        raise ConfigError(f"{folder} holds a model. Name another with name=<another>, or replace it: overwrite=true.")
