"""One shard of a corpus job, from its rows to its files."""

from stance.config import PredictConfig
from stance.labelling import Counts, ErrorLimit, Labeller
from stance.output_folder import OutputFolder
from stance.pieces import Cutter, flat_row, nested_row, output_schema
from stance.predict import Predictor
from stance.shards import Plan, Reader, Shard


def cutter_of(config: PredictConfig) -> Cutter:
    """How a corpus job cuts rows into sentences."""
    return Cutter(config.text_column, split=config.split, located=True)


class ShardLabeller:
    """Labels shards of a job into its folder, with one model that it holds."""

    def __init__(self, config: PredictConfig, plan: Plan, folder: OutputFolder, predictor: Predictor) -> None:
        self.plan = plan
        self.folder = folder
        self.reader = Reader(plan.inputs, plan.shards)
        self.labeller = Labeller(
            predictor, cutter_of(config), config.thresholds, ErrorLimit(config.on_error, config.max_errors)
        )

    def __call__(self, shard: Shard) -> Counts:
        """Labels a shard; returns what has become of its rows.

        Raises:
            DataError: too many of its rows are bad, or an input has changed since it was looked through.
        """
        labels = self.labeller.predictor.labels
        counts = Counts.of(labels)
        as_row = nested_row if self.folder.format == ".jsonl" else flat_row
        with self.folder.writing(shard, output_schema(self.plan.columns, labels)) as writer:
            for _ in self.labeller.label(
                self.reader.read(shard),
                counts,
                lambda pieces, predictions: writer.write(list(map(as_row, pieces, predictions))),
                writer.rejected.append,
            ):
                pass
            self.plan.check_unchanged(shard)  # before what was read of it is vouched for
            writer.counts = counts.to_dict()
        return counts
