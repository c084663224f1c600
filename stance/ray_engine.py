"""Shards labelled by actors of a Ray cluster, each of which holds the model. The output is that of a single machine.

The folder must be on a file system that all nodes share, as the inputs must. What a lost node had not finished is done
again by another; what it had finished has its receipt, and is not.
"""

import logging
import os
import platform
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from stance.config import PredictConfig
from stance.differences import differences
from stance.errors import ConfigError, DataError, ModelError, install_extra
from stance.labelling import Counts
from stance.manifest import describe_job
from stance.output_folder import OutputFolder
from stance.predict import Predictor
from stance.shard_labelling import ShardLabeller
from stance.shards import Plan, Shard


def label_on_ray(
    shards: Sequence[Shard], config: PredictConfig, plan: Plan, folder: OutputFolder
) -> Iterator[tuple[Shard, Counts]]:
    """Labels shards on the cluster that ``RAY_ADDRESS`` names, or on this machine; yields each when it is done.

    Raises:
        ConfigError: Ray is not installed, or a node cannot run the model as it is wanted, or as this one does.
        DataError: too many rows of a shard are bad, or an input has changed.
        ModelError: a node cannot load the model.
    """
    try:
        import ray
        from ray.data import ActorPoolStrategy
    except ImportError:
        raise ConfigError(f"engine=ray needs the ray package: {install_extra('ray')}") from None
    if not shards:
        return
    if not ray.is_initialized():
        ray.init(log_to_driver=False, logging_level=logging.WARNING)
    ray.data.DataContext.get_current().enable_progress_bars = False  # the job has its own
    queue = ray.data.from_items([{"index": shard.index} for shard in shards], override_num_blocks=len(shards))
    # Within an actor the model may use every core that the actor was given.
    actor: Any = _Actor
    labelled = queue.map(
        actor,
        fn_constructor_args=(config, plan, folder, Path.cwd()),
        compute=ActorPoolStrategy(size=config.workers) if config.workers else ActorPoolStrategy(min_size=1),
        num_cpus=config.worker_cpus,
    )
    for row in labelled.iter_rows():
        if row["error"]:
            raise _KINDS[row["kind"]](row["error"])
        yield plan.shards[row["index"]], Counts.from_dict(row["counts"])


_KINDS = {kind.__name__: kind for kind in (ConfigError, DataError, ModelError)}
"""Of errors that people can act on: by name, as rows of the queue hold no classes."""


class _Actor:
    """A process of the cluster that holds the model, which it loads where an error can be handed back."""

    def __init__(self, config: PredictConfig, plan: Plan, folder: OutputFolder, here: Path) -> None:
        os.environ["OMP_NUM_THREADS"] = str(config.worker_cpus)
        self.here = here
        self.plan = plan
        self.folder = folder
        self.config = config

    @cached_property
    def label(self) -> ShardLabeller:
        predictor = Predictor.from_config(self.config.model)
        if apart := differences(self.folder.job, describe_job(self.config, self.plan, predictor)):
            raise ConfigError(
                f"The node {platform.node()} would label otherwise than the one that began the job "
                f"({'; '.join(apart)}). Give all nodes the same model and packages, and name model.backend and "
                "model.precision."
            )
        return ShardLabeller(self.config, self.plan, self.folder, predictor)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Labels the shard of a row; an error that people can act on is handed back, since Ray would wrap it."""
        shard = self.plan.shards[row["index"]]
        try:
            os.chdir(self.here)  # paths are relative to where the job was started, not the cluster
            receipt = self.folder.receipt(shard)
            counts = self.label(shard) if receipt is None else Counts.from_dict(receipt.counts)
        except (*_KINDS.values(), OSError) as error:
            kind = type(error) if type(error).__name__ in _KINDS else DataError
            told = {"error": str(error), "kind": kind.__name__}
            return {"index": shard.index, **told, "counts": Counts().to_dict()}
        return {"index": shard.index, "error": "", "kind": "", "counts": counts.to_dict()}
