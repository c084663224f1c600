"""Models of a folder that were trained alike but for the seed."""

import json
from collections import defaultdict
from pathlib import Path

from stance.differences import differences
from stance.errors import ConfigError
from stance.model_file import NAME, ModelFile

_OWN = {"seed": None, "mean_of": None}
"""Settings in which models of one recipe may differ: the second is that of a mean."""


def find_families(folder: Path) -> dict[str, list[Path]]:
    """The models in a folder by name; those whose settings differ in the seed alone stand together.

    A sweep names folders ``data=real,training.epochs=4,seed=0``. Of that, what all families share tells nothing.

    Raises:
        ConfigError: there are no models, they differ in their labels, or two of one recipe have the same seed.
    """
    alike: dict[str, list[Path]] = defaultdict(list)
    seeds: dict[str, set[int]] = defaultdict(set)
    parts: dict[str, list[str]] = {}
    labels = set()
    for path in sorted(found.parent for found in folder.glob(f"*/{NAME}")):
        model_file = ModelFile.read(path)
        settings = json.dumps({**model_file.settings, "seed": None}, sort_keys=True)
        alike[settings].append(path)
        seeds[settings].add(model_file.settings["seed"])
        parts[settings] = [part for part in path.name.split(",") if not part.startswith("seed=")]
        labels.add(model_file.decision.labels)
    if not alike:
        raise ConfigError(f"There are no models in {folder}: expected folders with a {NAME} in it, as a sweep makes.")
    if len(labels) > 1:
        raise ConfigError(f"The models in {folder} differ in their labels, so they cannot be set side by side.")
    shared = set.intersection(*map(set, parts.values())) if len(parts) > 1 else set()
    families: dict[str, list[Path]] = {}
    for settings, paths in alike.items():
        if len(seeds[settings]) < len(paths):
            names = ", ".join(path.name for path in paths)
            raise ConfigError(f"Of the models {names} in {folder}, which have one recipe, some have the same seed.")
        name = ",".join(part for part in parts[settings] if part not in shared) or folder.name
        if name in families:
            raise ConfigError(f"Models named {name} in {folder} differ in more than the seed: rename their folders.")
        families[name] = paths
    return families


def find_seeds(folder: Path, model: Path | None = None) -> list[Path]:
    """The models in a folder, which differ in the seed alone.

    Args:
        folder: that holds them.
        model: another model, which is to be of their recipe, or the mean of such.

    Raises:
        ConfigError: there are none, or they differ in more.
    """
    families = find_families(folder)
    if len(families) > 1:
        raise ConfigError(f"Expected seeds of one recipe in {folder}, found several recipes: {', '.join(families)}.")
    (seeds,) = families.values()
    if model is not None:
        theirs, own = ({**ModelFile.read(path).settings, **_OWN} for path in (seeds[0], model))
        if apart := differences(theirs, own):
            raise ConfigError(f"Expected seeds of the recipe of {model} in {folder}, found others: {'; '.join(apart)}.")
    return seeds
