"""A study: models trained alike on different data, several seeds each, judged side by side with their baselines."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stance.baselines.contrastive import check_setfit
from stance.baselines.keywords import keyword_list
from stance.baselines.learned import learn
from stance.bootstrap import Estimate, check_draws, estimate_f1, estimate_share
from stance.config import Baseline, ComparisonConfig, DataConfig, StudyConfig, TrainedModelConfig
from stance.contrast import ContrastGroup, read_contrast, right_groups
from stance.data import Example, gold_matrix, read_split, read_splits
from stance.decision import Decided
from stance.design import FEW_DOCUMENTS
from stance.evaluate import decide
from stance.evaluation import Judgement
from stance.families import find_families
from stance.figures import figure, with_interval
from stance.files import write_text
from stance.labels import label_sets
from stance.leakage import warn_of_overlaps
from stance.markdown import table
from stance.metrics import measure
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.progress import progress
from stance.sources import find_source

MACRO = "macro"

Answers = Mapping[str, Sequence[Judgement]]
"""By system, what each of its runs says about the same sentences."""


@dataclass(frozen=True)
class Standing:
    """How one system did on one set of sentences.

    Attributes:
        system: what models of several seeds share in their folders' names, or a baseline and what it learned from.
        runs: what the model of each seed says; the estimates are means over them.
        f1: by label, and ``macro``.
        deviation: standard deviation of macro F1 between seeds; None of a single run.
    """

    system: str
    runs: tuple[Judgement, ...]
    f1: Mapping[str, Estimate]
    deviation: float | None


@dataclass(frozen=True)
class Target:
    """Sentences that systems were judged on; ``positives`` counts those that carry each label."""

    name: str
    n: int
    documents: int
    positives: Mapping[str, int]
    standings: tuple[Standing, ...]


@dataclass(frozen=True)
class Contrasted:
    """How one system did on the contrast sets: the share of groups wholly right, in all and by phenomenon."""

    system: str
    share: Estimate
    phenomena: Mapping[str, float]


@dataclass(frozen=True)
class Study:
    """All that a study found.

    Attributes:
        targets: sets of sentences.
        groups: contrast groups by phenomenon.
        contrasted: results on them; empty where no contrast sets were given.
    """

    targets: tuple[Target, ...]
    groups: Mapping[str, int]
    contrasted: tuple[Contrasted, ...]


def study(config: StudyConfig) -> Study:
    """Judges all models in ``config.folder`` and the baselines, which learn from the data of each.

    Writes ``config.output`` as Markdown.

    Raises:
        ConfigError: there are no models, or they differ in their labels; or a package that a baseline needs is missing.
        DataError: data cannot be had.
    """
    families = find_families(Path(config.folder))
    done = set_side_by_side({name: trained_models(folders) for name, folders in families.items()}, config)
    write_text(Path(config.output), "\n".join(as_markdown(done)) + "\n")
    return done


def trained_models(folders: Sequence[Path]) -> list[TrainedModelConfig]:
    """The models in folders, to run as they run by default."""
    return [TrainedModelConfig(path=str(folder)) for folder in folders]


def set_side_by_side(families: Mapping[str, Sequence[TrainedModelConfig]], config: ComparisonConfig) -> Study:
    """Judges models, several seeds of each recipe, and the baselines; as ``study``, of the models that are named.

    Each reads each sentence once.

    Args:
        families: by the name of the recipe, its models; all of the same labels.
        config: what to judge on, and beside what.
    """
    check_draws(config.draws, config.seed)
    if Baseline.setfit in config.baselines:
        check_setfit()  # now, not after hours of other work
    labels = _model_file(next(iter(families.values()))[0]).decision.labels
    targets = {name: read_split("test", labels, data) for name, data in config.targets.items()}
    groups = [] if config.contrast is None else read_contrast(Path(config.contrast), labels)
    members = [member for group in groups for member in group.members]
    parts = [*targets.values(), members]
    together = [example for part in parts for example in part]
    gold = gold_matrix(together, labels)
    answers = {
        system: [Judgement(labels, together, gold, decided) for decided in runs]
        for system, runs in _answers(families, together, labels, config)
    }
    where = np.repeat(range(len(parts)), [len(part) for part in parts])
    *asked, contrasted = (
        {system: [run.among(where == part) for run in runs] for system, runs in answers.items()}
        for part in range(len(parts))
    )
    return Study(
        targets=tuple(
            _judge(name.replace("_", " "), about, config) for name, about in zip(targets, asked, strict=True)
        ),
        groups=Counter(group.phenomenon for group in groups),
        contrasted=tuple(_contrast(groups, contrasted, config)) if groups else (),
    )


def as_markdown(found: Study) -> Iterator[str]:
    """The lines of its tables."""
    yield (
        "Intervals are of 95 %, drawn by document or scenario; * marks those from fewer than "
        f"{FEW_DOCUMENTS}, which are too\nnarrow. Thresholds of all but the keyword list are fitted on validation.\n"
    )
    for target in found.targets:
        heads = [f"{label} ({n:,})" for label, n in target.positives.items()]
        yield heading(target)
        yield ""
        yield from table(
            ("F1 [95 %]", "seeds", *heads, MACRO, "SD of seeds"),
            (
                (
                    row.system,
                    len(row.runs),
                    *(with_interval(row.f1[name], ends=2) for name in (*target.positives, MACRO)),
                    figure(row.deviation),
                )
                for row in target.standings
            ),
        )
        yield ""
    if found.contrasted:
        yield f"**contrast sets** ({sum(found.groups.values())} groups; share with every label of every member right)"
        yield ""
        yield from table(
            ("", *(row.system for row in found.contrasted)),
            (
                ("all [95 %]", *(with_interval(row.share, ends=2) for row in found.contrasted)),
                *(
                    (f"{name} ({found.groups[name]})", *(f"{row.phenomena[name]:.2f}" for row in found.contrasted))
                    for name in sorted(found.groups)
                ),
            ),
        )


def heading(target: Target) -> str:
    """What stands above a table about it."""
    return f"**{target.name}** (n = {target.n:,}, {target.documents:,} documents or scenarios)"


def _answers(
    families: Mapping[str, Sequence[TrainedModelConfig]],
    examples: Sequence[Example],
    labels: tuple[str, ...],
    config: ComparisonConfig,
) -> Iterator[tuple[str, list[Decided]]]:
    texts = [example.text for example in examples]
    keywords = keyword_list(texts, labels) if Baseline.keyword_list in config.baselines else None
    if keywords is not None:
        yield Baseline.keyword_list.value, [keywords]
    learning = [baseline for baseline in config.baselines if baseline is not Baseline.keyword_list]
    encoder = find_source(config.encoder).folder
    recipes = {name: _model_file(models[0]).settings for name, models in families.items()}
    alike = all(recipe["data"] == next(iter(recipes.values()))["data"] for recipe in recipes.values())
    seen: list[object] = []
    with progress("judging") as counter:
        counter.set(0, total=sum(map(len, families.values())))
        for name, models in families.items():
            data, seed = recipes[name]["data"], recipes[name]["seed"]
            if data not in seen:
                seen.append(data)
                splits = read_splits(labels, DataConfig(**data), seed)
                for baseline in learning:
                    counter.advance(0, note=f"{baseline.value} learns")
                    decided = learn(baseline, splits, texts, labels, encoder=encoder, seed=config.seed)
                    yield baseline.value if alike else f"{baseline.value}, {name}", [decided]
            found = []
            for model in models:
                predictor = Predictor.from_config(model)
                warn_of_overlaps(predictor, examples, model.path)
                found.append(decide(predictor, examples))
                counter.advance(1)
            yield name, found


def _model_file(model: TrainedModelConfig) -> ModelFile:
    return ModelFile.read(find_source(model.path, model.revision).folder)


def _judge(name: str, answers: Answers, config: ComparisonConfig) -> Target:
    first = next(iter(answers.values()))[0]  # all are about the same sentences
    labels, gold = first.labels, first.gold
    documents = [example.scenario for example in first.examples]
    standings = []
    for system, runs in answers.items():
        carried = [run.decided.carried for run in runs]
        estimates = estimate_f1(carried, gold, documents, draws=config.draws, seed=config.seed)
        macro = [measure(run.decided, gold, labels).macro_f1 for run in runs]
        standings.append(
            Standing(
                system=system,
                runs=tuple(runs),
                f1=dict(zip((*labels, MACRO), estimates, strict=True)),
                deviation=float(np.std(macro, ddof=1)) if len(runs) > 1 else None,
            )
        )
    positives = dict(zip(labels, map(int, gold.sum(axis=0)), strict=True))
    return Target(name, len(documents), len(set(documents)), positives, tuple(standings))


def _contrast(groups: Sequence[ContrastGroup], answers: Answers, config: ComparisonConfig) -> Iterator[Contrasted]:
    phenomena = np.array([group.phenomenon for group in groups])
    for system, runs in answers.items():
        right = [np.array(right_groups(groups, label_sets(run.decided.carried, run.labels))) for run in runs]
        mean = np.mean(right, axis=0)
        yield Contrasted(
            system=system,
            share=estimate_share(right, draws=config.draws, seed=config.seed),
            phenomena={name: float(mean[phenomena == name].mean()) for name in sorted(set(phenomena.tolist()))},
        )
