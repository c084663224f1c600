"""One model from several that differ in their seed: the mean of their weights.

Wortsman et al. 2022, "Model soups": it is often better than each of them, and costs no more than one.
"""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from safetensors.numpy import load_file

from stance.arrays import write_arrays
from stance.config import Precision, SoupConfig
from stance.errors import ConfigError
from stance.families import find_seeds
from stance.fitting import check_decision, decide_on
from stance.model_file import ModelFile, check_vacant
from stance.own_data import read_own_validation
from stance.predict import Predictor
from stance.sources import LEARNED, SETTINGS, WEIGHTS, check_whole, clear_model, find_source, hash_file
from stance.torch_inference import TorchInference


def soup(config: SoupConfig, folder: Path) -> Predictor:
    """Makes the soup of all models in ``config.folder``; calibration and thresholds are fitted on their validation.

    Raises:
        ConfigError: settings do not fit, the models are not seeds of one recipe on one set of data, or ``folder`` holds
            a model already.
        DataError: the sentences that they were chosen by cannot be had, or have changed.
    """
    check_decision(config.decision)
    members = find_seeds(Path(config.folder))
    model_files = [ModelFile.read(member) for member in members]
    first = model_files[0]
    if any((other.data, other.base) != (first.data, first.base) for other in model_files):
        raise ConfigError(f"The models in {config.folder} did not learn from the same data and base.")
    for member in members:
        check_whole(find_source(str(member)))
    check_vacant(folder, overwrite=config.overwrite)
    validation = read_own_validation(first)
    folder.mkdir(parents=True, exist_ok=True)
    clear_model(folder)
    for name in ("config.json", SETTINGS, "tokenizer.json", "tokenizer_config.json", LEARNED):
        if (members[0] / name).exists():
            shutil.copyfile(members[0] / name, folder / name)
    weights = [load_file(member / WEIGHTS) for member in members]
    mean = {name: np.stack([each[name] for each in weights]).mean(0, dtype=np.float64) for name in weights[0]}
    write_arrays(folder / WEIGHTS, {name: a.astype(np.float32) for name, a in mean.items()}, {"format": "pt"})
    inference = TorchInference.from_pretrained(folder, max_length=first.max_length, precision=Precision.fp32)
    logits = inference.logits([example.text for example in validation]).values
    decision, metrics = decide_on(logits, validation, first.decision.labels, config.decision)
    settings = OmegaConf.to_container(OmegaConf.structured(config.decision), enum_to_str=True)
    replace(
        first,
        decision=decision,
        weights_sha256=hash_file(folder / WEIGHTS),
        settings=first.settings | {"decision": settings, "mean_of": [file.weights_sha256 for file in model_files]},
        metrics={"validation": asdict(metrics), "history": []},
    ).write(folder)
    return Predictor.from_pretrained(folder)
