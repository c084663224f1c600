"""The card of a model: what it is for, how good it is, and where it is not sure."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from huggingface_hub import ModelCardData

from stance.config import CardConfig
from stance.data import read_split
from stance.evaluate import judge
from stance.families import find_seeds
from stance.figures import figure
from stance.labels import LABELS
from stance.markdown import table
from stance.metrics import Metrics
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.sources import PINNED_SHA256, find_source
from stance.study import as_markdown, set_side_by_side
from stance.tables import replacing

_THIS, _SEEDS = "this model", "single seeds of its recipe"
_USE = """\
It labels English sentences of news, diplomacy and politics, each by itself and with any number of labels. It is meant
for counting, comparing and finding in corpora, with a person who looks where it is not sure. It is not meant to decide
about persons, to tell whether a charge is true or an offer sincere, or for other languages. Sarcasm, and what only the
text around a sentence tells, are lost on it.
"""


def write_card(config: CardConfig) -> Path:
    """Judges a model on the targets and writes its card, ``README.md`` in its folder.

    Raises:
        ModelError: the model cannot be had.
        DataError: data cannot be had.
    """
    predictor = Predictor.from_config(config.model)
    folder = find_source(config.model.path, config.model.revision).folder
    measured = {
        name: judge(predictor, read_split("test", predictor.labels, data)) for name, data in config.targets.items()
    }
    families = {_THIS: [folder]}
    if config.seeds is not None:
        families[_SEEDS] = find_seeds(Path(config.seeds))
    tables = as_markdown(set_side_by_side(families, config))
    path = folder / "README.md"
    with replacing(path) as temporary:
        temporary.write_text(
            "\n".join(_lines(folder, predictor.model_file, measured, list(tables), config)) + "\n", encoding="utf-8"
        )
    return path


def _lines(
    folder: Path, model_file: ModelFile, measured: dict[str, Metrics], tables: Sequence[str], config: CardConfig
) -> Iterator[str]:
    labels = model_file.decision.labels
    base = model_file.base["name"]
    data = ModelCardData(
        language="en",
        library_name="transformers",
        pipeline_tag="text-classification",
        base_model="sentence-transformers/all-MiniLM-L6-v2" if base in PINNED_SHA256 else base,
        tags=["multi-label", *labels],
    )
    yield f"---\n{data.to_yaml()}\n---\n"
    yield f"# {folder.name}\n"
    yield f"Labels: {', '.join(labels)}. Base: `{base}` (SHA-256 `{model_file.base['sha256'][:12]}`).\n"
    if labels == LABELS:
        yield "## What it is for\n"
        yield _USE
    yield "## What it learned from\n"
    yield from table(
        ("split", "sentences", "SHA-256 of texts and labels"),
        ((name, part["n"], f"`{part['sha256'][:12]}`") for name, part in model_file.data.items()),
    )
    yield "\n## How good it is\n"
    yield (
        "Intervals are of 95 %, drawn by document or scenario. Thresholds of all but the keyword list are fitted on\n"
        "validation.\n"
    )
    yield from tables
    yield "\n## Calibration, thresholds, and where it is not sure\n"
    yield (
        "Below the band a label is withheld for sure, from its end on it is given for sure; within it, a person\n"
        "should look. A band without end never gives the label for sure. ECE: expected calibration error.\n"
    )
    decision = model_file.decision
    yield from table(
        ("label", "calibration", "threshold", "band"),
        (
            (label, to_probability.kind, f"{threshold:.3f}", f"{band.low:.3f} to {figure(band.high)}")
            for label, to_probability, threshold, band in zip(
                labels, decision.maps, decision.thresholds, decision.bands, strict=True
            )
        ),
    )
    for name, metrics in measured.items():
        yield f"\n**{name}**\n"
        yield from table(
            ("label", "average precision", "ECE", "Brier", "sure", "passed over", "given wrongly"),
            (
                (
                    row.label,
                    figure(row.average_precision),
                    figure(row.calibration_error),
                    figure(row.brier),
                    f"{band.coverage:.3f}",
                    f"{figure(band.passed_over_rate)} of {band.positives:,}",
                    f"{figure(band.wrong_rate)} of {band.given:,}",
                )
                for row, band in zip(metrics.labels, metrics.bands, strict=True)
            ),
        )
    yield "\n## How to make it again\n"
    if config.commands:
        yield "```bash"
        yield from config.commands
        yield "```\n"
    if config.seeds is not None:
        yield f"Other seeds give other figures: the rows '{_SEEDS}' tell theirs and, last, how far they spread.\n"
    yield "`config.yaml` has all settings, and `stance.json` the versions and hashes that the figures belong to:"
    yield ", ".join(f"{name} {version}" for name, version in model_file.versions.items()) + "."
