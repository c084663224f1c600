"""The card of a model: what it is for, how good it is, and where it is not sure."""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import ModelCardData

from stance.bootstrap import Estimate
from stance.config import CardConfig
from stance.decision import Decision
from stance.evaluation import Judgement
from stance.families import find_seeds
from stance.figures import NAMES, figure, with_interval
from stance.files import write_text
from stance.labels import LABELS
from stance.markdown import table
from stance.model_file import ModelFile
from stance.quality import measure_quality, resamples_of
from stance.sources import PINNED_SHA256, find_source
from stance.study import Study, as_markdown, heading, set_side_by_side, trained_models

_THIS, _SEEDS = "this model", "single seeds of its recipe"
_USE = """\
It labels English sentences of news, diplomacy and politics, each by itself and with any number of labels. It is meant
for counting, comparing and finding in corpora, with a person who looks where it is not sure. It is not meant to decide
about persons, to tell whether a charge is true or an offer sincere, or for other languages. Sarcasm, and what only the
text around a sentence tells, are lost on it.
"""

_FIGURES = (
    *("precision", "recall", "average_precision"),
    *("calibration_error", "brier", "coverage", "passed_over", "given_wrongly"),
)
_MEASURED = """
Avg. prec.: average precision, the area under the precision-recall curve, whatever the threshold. ECE: expected
calibration error, which samples overstate; its interval allows for that. Sure: share of the sentences outside the
band. Passed over: share of those with the label that are below it. Given wrongly: share of those given the label for
sure that do not carry it. A figure that is not of all sentences tells how many it is of; a dash marks one that is of
none."""
_SIEVE = """
## What it need not read

A sieve settles {settled:,} of the {validation:,} validation sentences as without a label before the network is asked.
Of new sentences whose label the network finds, at most {loss:.1%} are expected to be lost so, whichever the label; of
those that the sieve had not learned from, these were:
"""


def write_card(config: CardConfig) -> Path:
    """Judges a model on the targets and writes its card, ``README.md`` in its folder.

    Raises:
        ConfigError: there are no seeds in the folder named for them, or they are not of the model's recipe.
        ModelError: the model cannot be had.
        DataError: data cannot be had.
    """
    folder = find_source(config.model.path, config.model.revision).folder
    families = {_THIS: [config.model]}
    if config.seeds is not None:
        families[_SEEDS] = trained_models(find_seeds(Path(config.seeds), folder))
    found = set_side_by_side(families, config)
    path = folder / "README.md"
    write_text(path, "\n".join(_lines(folder, found, config)) + "\n")
    return path


def _lines(folder: Path, found: Study, config: CardConfig) -> Iterator[str]:
    model_file = ModelFile.read(folder)
    yield from _head(folder.name, model_file)
    yield "## What it learned from\n"
    yield from table(
        ("split", "sentences", "SHA-256 of texts and labels"),
        ((name, part["n"], f"`{part['sha256'][:12]}`") for name, part in model_file.data.items()),
    )
    yield "\n## How good it is\n"
    yield from as_markdown(found)
    yield "\n## Calibration, thresholds, and where it is not sure\n"
    yield from _decision(model_file.decision)
    yield _MEASURED
    for target in found.targets:
        (said,) = next(row.runs for row in target.standings if row.system == _THIS)
        yield f"\n{heading(target)}\n"
        yield from _quality(said, config)
    if sieve := model_file.metrics.get("sieve"):
        yield _SIEVE.format(**sieve)
        yield from table(
            ("label", "found by the network", "lost"),
            ((label, f"{n:,}", sieve["lost"][label]) for label, n in sieve["found"].items()),
        )
    yield "\n## How to make it again\n"
    yield from _recipe(model_file, config)


def _head(name: str, model_file: ModelFile) -> Iterator[str]:
    """What a model hub reads, the title, and what it is for."""
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
    yield f"# {name}\n"
    yield f"Labels: {', '.join(labels)}. Base: `{base}` (SHA-256 `{model_file.base['sha256'][:12]}`).\n"
    if labels == LABELS:
        yield "## What it is for\n"
        yield _USE


def _decision(decision: Decision) -> Iterator[str]:
    yield (
        "Below the band a label is withheld for sure, from its end on it is given for sure; within it, a person\n"
        "should look. A band without end never gives the label for sure.\n"
    )
    columns = zip(decision.labels, decision.maps, decision.thresholds, decision.bands, strict=True)
    yield from table(
        ("label", "calibration", "threshold", "band"),
        (
            (label, to_probability.kind, f"{threshold:.3f}", f"{band.low:.3f} to {figure(band.high)}")
            for label, to_probability, threshold, band in columns
        ),
    )


def _quality(said: Judgement, config: CardConfig) -> Iterator[str]:
    quality = measure_quality(said, resamples_of(said, draws=config.draws, seed=config.seed))
    yield from table(
        ("label", *(NAMES[name] for name in _FIGURES)),
        (
            (label, *(_cell(getattr(figures, name), quality.n) for name in _FIGURES))
            for label, figures in quality.labels.items()
        ),
    )


def _recipe(model_file: ModelFile, config: CardConfig) -> Iterator[str]:
    """The commands that make it again, how far that gives the same, and what the figures belong to."""
    if config.commands:
        yield "```bash"
        yield from config.commands
        yield "```\n"
    if config.seeds is not None:
        yield f"Other seeds give other figures: the rows '{_SEEDS}' tell theirs and, last, how far they spread.\n"
    yield "`config.yaml` has all settings, and `stance.json` the versions and hashes that the figures belong to:"
    yield ", ".join(f"{name} {version}" for name, version in model_file.versions.items()) + "."


def _cell(estimate: Estimate | None, n: int) -> str:
    """A figure, and of how many sentences it is if not of all ``n``."""
    return with_interval(estimate) + ("" if estimate is None or estimate.n == n else f" of {estimate.n:,}")
