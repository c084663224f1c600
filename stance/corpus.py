"""Labelling: articles, tables and whole corpora in, labelled sentences out, in one pass and bounded memory.

To a file, a terminal or a pipe in one go; or to a folder of shards, where a job that was killed goes on.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from stance.config import PredictConfig
from stance.errors import ConfigError
from stance.files import is_same, replacing
from stance.inputs import columns_of, find_inputs
from stance.job import label_folder
from stance.labelling import Counts, ErrorLimit, Labeller, Reject, Take
from stance.output_folder import REJECTED
from stance.pieces import Cutter, flat_row, nested_row, output_schema
from stance.predict import Prediction, Predictor
from stance.progress import progress
from stance.tables.columns import common_columns
from stance.tables.json_lines import json_line
from stance.tables.writing import check_writable, rejected_beside, rejected_line, writing

log = logging.getLogger(__name__)

STDOUT = "-"


Show = Callable[[Prediction], None]


def label(config: PredictConfig, show: Show | None = None) -> Counts:
    """Labels ``config.input`` into ``config.output``: a name without an ending is that of a folder.

    Rows that cannot be labelled are set aside, with where they stand, why, and what was found there: in
    ``<output>.rejected.jsonl``, in ``<folder>/rejected/``, or in warnings where the output is no file.

    Args:
        config: what to label, with which model, to where.
        show: called with each prediction instead of writing it, when ``config.output`` is None.

    Raises:
        ConfigError, DataError, ModelError: nothing was written; or, with ``on_error=fail`` or too many bad rows, a job
            ends early.
    """
    if not _is_folder(config):
        return _label_file(config, show)
    return label_folder(config, Path(str(config.output)))


def rejects_of(config: PredictConfig) -> Path | None:
    """Where rows go that cannot be labelled, a file or a folder; None where warnings tell them."""
    if config.output in (None, STDOUT):
        return None
    output = Path(str(config.output))
    return output / REJECTED if _is_folder(config) else rejected_beside(output)


def _is_folder(config: PredictConfig) -> bool:
    return config.output not in (None, STDOUT) and not Path(str(config.output)).suffix


def _check_for_file(config: PredictConfig) -> None:
    """What only a folder of shards can have is not passed over in silence."""
    usual = PredictConfig()
    for name in ("shard", "shard_rows", "format", "engine", "workers", "worker_cpus"):
        if getattr(config, name) != getattr(usual, name):
            raise ConfigError(f"{name} is for an output folder: expected output=<a name without an ending>.")


def _label_file(config: PredictConfig, show: Show | None) -> Counts:
    _check_for_file(config)
    inputs = find_inputs(config.input)
    output, rejected = None if config.output in (None, STDOUT) else Path(str(config.output)), rejects_of(config)
    if output is not None:
        check_writable(output)
    for path in filter(None, (output, rejected)):
        if any(is_same(path, Path(source.name)) for source in inputs):
            raise ConfigError(f"{path} is an input, and would be written over: give the output another name.")
    cutter = Cutter(config.text_column, split=config.split, located=False)
    columns = common_columns(cutter.columns(source, columns_of(source)) for source in inputs)
    predictor = Predictor.from_config(config.model)
    labeller = Labeller(predictor, cutter, config.thresholds, ErrorLimit(config.on_error, config.max_errors))
    with (
        _setting_aside(rejected) as set_aside,
        _writing(config, columns, predictor.labels, show) as write,
        progress("labelling", hidden=config.output is None) as counter,
    ):
        rows = ((source, row) for source in inputs for row in source.rows())
        counts = Counts.of(predictor.labels)
        for sentences in labeller.label(rows, counts, write, set_aside):
            counter.advance(sentences, f"{counts.set_aside} set aside, {counts.carried}")
    return counts


@contextmanager
def _setting_aside(path: Path | None) -> Iterator[Reject]:
    """Gives what takes bad rows: to a file that, when all is done, is there only if there are any; or to warnings."""
    if path is None:
        yield lambda row: log.warning("set aside: %s: %s", row.where, row.reason)
        return
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        yield lambda row: file.write(rejected_line(row))
    if not path.stat().st_size:
        path.unlink()


@contextmanager
def _writing(config: PredictConfig, columns: pa.Schema, labels: Sequence[str], show: Show | None) -> Iterator[Take]:
    """Gives what takes labelled pieces to where the config wants them."""
    if config.output is None and show is not None:
        yield lambda _, predictions: _each(show, predictions)
    elif config.output in (None, STDOUT):
        yield lambda pieces, predictions: sys.stdout.writelines(
            json_line(nested_row(piece, prediction)) for piece, prediction in zip(pieces, predictions, strict=True)
        )
    else:
        path = Path(str(config.output))
        as_row = nested_row if path.suffix.lower() == ".jsonl" else flat_row
        with writing(path, output_schema(columns, labels)) as write:
            yield lambda pieces, predictions: write(
                [as_row(piece, prediction) for piece, prediction in zip(pieces, predictions, strict=True)]
            )


def _each(show: Show, predictions: Sequence[Prediction]) -> None:
    for prediction in predictions:
        show(prediction)
