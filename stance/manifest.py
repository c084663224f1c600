"""What makes a corpus job this job and no other: what its folder's manifest says, and refuses others by."""

import json
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from stance.config import PredictConfig
from stance.predict import Predictor
from stance.shards import Plan
from stance.version import __version__

_PACKAGES = ("numpy", "onnxruntime", "pyarrow", "sentencex", "tokenizers", "torch", "transformers")
_OPTIONAL = ("openvino", "trafilatura")
"""What has a say in the output where it is installed."""


def describe_job(config: PredictConfig, plan: Plan, predictor: Predictor) -> dict[str, Any]:
    """What makes the job this job, as JSON holds it: with the same values the output is the same to the byte."""
    model_file = predictor.model_file
    packages = [*_PACKAGES, *filter(_is_installed, _OPTIONAL)]
    described = {
        "inputs": [
            {"name": source.name, "fingerprint": fingerprint}
            for source, fingerprint in zip(plan.inputs, plan.fingerprints, strict=True)
        ],
        "rows": plan.rows,
        "shards": len(plan.shards),
        "model": {
            "name": config.model.path,
            "weights_sha256": model_file.weights_sha256,
            "backend": predictor.backend,
            "max_length": model_file.max_length,
            "sieve_sha256": predictor.sieve and predictor.sieve.sha256,
            "decision": asdict(model_file.decision),
        },
        "settings": {
            "text_column": config.text_column,
            "split": config.split,
            "thresholds": config.thresholds,
            "format": config.format.name,
            "shard_rows": config.shard_rows,
        },
        "versions": {"stance": __version__, **{package: version(package) for package in packages}},
    }
    plain: dict[str, Any] = json.loads(json.dumps(described))
    return plain


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
