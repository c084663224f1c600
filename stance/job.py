"""The corpus job: inputs labelled into a folder of shards, where a job that was killed goes on."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from stance.config import Engine, PredictConfig
from stance.errors import ConfigError, DataError, check_settings
from stance.files import is_same
from stance.inputs import Input, find_inputs
from stance.labelling import Counts, ErrorLimit
from stance.manifest import describe_job
from stance.output_folder import REJECTED, OutputFolder, Portion, check_free
from stance.predict import Predictor
from stance.progress import progress
from stance.shard_labelling import ShardLabeller, cutter_of
from stance.shards import Plan, Shard, make_plan


def label_folder(config: PredictConfig, path: Path) -> Counts:
    """Labels all inputs into the folder ``path``, or goes on where an earlier run of the same job was stopped.

    Returns:
        Counts of the whole portion, what an earlier run has done included.

    Raises:
        ConfigError: a setting does not fit, the folder holds something else, or another process is writing there.
        DataError: an input cannot be read or has changed meanwhile, or too many rows are bad.
    """
    # What can be wrong at once is looked at before the inputs are, which may take long.
    part = Portion.parse(config.shard)
    check_settings("", [("shard_rows", config.shard_rows, config.shard_rows >= 1, "at least 1")])
    limit = ErrorLimit(config.on_error, config.max_errors)
    if config.engine is not Engine.ray and (config.workers, config.worker_cpus) != (None, 1):
        raise ConfigError("workers and worker_cpus are for a cluster: expected engine=ray beside them.")
    check_free(path)
    predictor = Predictor.from_config(config.model)
    predictor.model_file.decision.with_thresholds(config.thresholds)
    plan = make_plan(_inputs(config, path), cutter_of(config), config.shard_rows)
    folder = OutputFolder(path, describe_job(config, plan, predictor), f".{config.format.name}")
    total = Counts.of(predictor.labels)
    with folder.claimed(part), progress("labelling") as counter:
        wanted = [shard for shard in plan.shards if shard in part]
        counter.set(0, total=sum(shard.rows for shard in wanted))
        for shard, counts in _outcomes(wanted, config, plan, folder, predictor):
            total.add(counts)
            limit.check(total.set_aside, f"Rows could not be labelled, see {path / REJECTED}")
            counter.advance(shard.rows, f"{total.set_aside} set aside, {total.carried}")
        plan.check_unchanged()
        _finish(folder, plan)
    return total


def _inputs(config: PredictConfig, output: Path) -> list[Input]:
    """The inputs, less what the job itself has written: its folder may lie in one of theirs."""
    found = find_inputs(config.input, output)
    above = [Path(source.name).resolve().parents for source in found]
    own = {folder for folder in set(chain.from_iterable(above)) if is_same(folder, output)}
    others = [source for source, folders in zip(found, above, strict=True) if own.isdisjoint(folders)]
    if not others:
        raise ConfigError(f"All inputs lie in the output, {output}: give another output.")
    return others


def _outcomes(
    shards: Sequence[Shard], config: PredictConfig, plan: Plan, folder: OutputFolder, predictor: Predictor
) -> Iterator[tuple[Shard, Counts]]:
    """What has become of each shard: first of those that are there, then of the others, as they are labelled."""
    left = []
    for shard in shards:
        receipt = folder.receipt(shard)
        if receipt is None:
            left.append(shard)
        else:
            yield shard, Counts.from_dict(receipt.counts)
    yield from _label(left, config, plan, folder, predictor)


def _label(
    shards: Sequence[Shard], config: PredictConfig, plan: Plan, folder: OutputFolder, predictor: Predictor
) -> Iterator[tuple[Shard, Counts]]:
    if config.engine is Engine.ray:
        from stance.ray_engine import label_on_ray  # an extra

        return label_on_ray(shards, config, plan, folder)
    labeller = ShardLabeller(config, plan, folder, predictor)
    return ((shard, labeller(shard)) for shard in shards)


def _finish(folder: OutputFolder, plan: Plan) -> None:
    """Marks the folder as complete when all shards, those of other portions too, are there and nothing is missing."""
    total = Counts()
    for shard in plan.shards:
        # Not hashed: those of this portion were when written or found, those of others when written.
        receipt = folder.receipt(shard, hashed=False)
        if receipt is None:
            return
        total.add(Counts.from_dict(receipt.counts))
    if total.inputs + total.set_aside != plan.rows:
        raise DataError(
            f"The shards in {folder.path} do not add up: {plan.rows} rows were read, {total.inputs} labelled and "
            f"{total.set_aside} set aside. Delete the folder and start again; please report this."
        )
    folder.succeed({"rows": plan.rows, "shards": len(plan.shards), **total.to_dict()})
