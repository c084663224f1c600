"""A study: models trained alike on different data, several seeds each, judged side by side with their baselines."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

from stance.baselines.contrastive import check_setfit
from stance.baselines.keywords import keyword_list
from stance.baselines.learned import learn
from stance.bootstrap import Estimate, estimate_f1, estimate_share
from stance.config import Baseline, ComparisonConfig, DataConfig, StudyConfig
from stance.contrast import ContrastGroup, read_contrast, right_groups
from stance.data import Example, gold_matrix, read_split, read_splits
from stance.decision import BoolArray
from stance.evaluate import decide
from stance.families import find_families
from stance.labels import label_sets
from stance.markdown import table
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.progress import progress
from stance.sources import find_source
from stance.tables import replacing

MACRO = "macro"

Answers = Mapping[str, Sequence[BoolArray]]
"""By system, what each of its runs carries, of shape (sentences, labels)."""


@dataclass(frozen=True)
class Judged:
    """How one system did on one set of sentences.

    Attributes:
        system: what models of several seeds share in their folders' names, or a baseline and what it learned from.
        runs: seeds, over which the estimates are means.
        f1: by label, and ``macro``.
        deviation: standard deviation of macro F1 between seeds; None of a single run.
    """

    system: str
    runs: int
    f1: Mapping[str, Estimate]
    deviation: float | None


@dataclass(frozen=True)
class Target:
    """Sentences that systems were judged on; ``positives`` counts those that carry each label."""

    name: str
    n: int
    documents: int
    positives: Mapping[str, int]
    judged: tuple[Judged, ...]


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
    done = set_side_by_side(families, config)
    with replacing(Path(config.output)) as temporary:
        temporary.write_text("\n".join(as_markdown(done)) + "\n", encoding="utf-8")
    return done


def set_side_by_side(families: Mapping[str, Sequence[Path]], config: ComparisonConfig) -> Study:
    """Judges models, several seeds of each recipe, and the baselines; as ``study``, of the folders that are named.

    Args:
        families: by the name of the recipe, the folders of its models; all of the same labels.
        config: what to judge on, and beside what.
    """
    if Baseline.setfit in config.baselines:
        check_setfit()  # now, not after hours of other work
    labels = ModelFile.read(next(iter(families.values()))[0]).decision.labels
    targets = {name: read_split("test", labels, data) for name, data in config.targets.items()}
    groups = [] if config.contrast is None else read_contrast(Path(config.contrast), labels)
    members = [member for group in groups for member in group.members]
    together = [*(example for examples in targets.values() for example in examples), *members]
    answers = dict(_answers(families, together, labels, config))
    judged, start = [], 0
    for name, examples in targets.items():
        judged.append(_judge(name, examples, _part(answers, start, len(examples)), labels, config))
        start += len(examples)
    return Study(
        targets=tuple(judged),
        groups=Counter(group.phenomenon for group in groups),
        contrasted=tuple(_contrast(groups, _part(answers, start, len(members)), labels, config)) if groups else (),
    )


def as_markdown(found: Study) -> Iterator[str]:
    """The lines of its tables."""
    for target in found.targets:
        heads = [f"{label} ({n:,})" for label, n in target.positives.items()]
        yield f"**{target.name}** (n = {target.n:,}, {target.documents:,} documents or scenarios)"
        yield ""
        yield from table(
            ("F1 [95 %]", "seeds", *heads, MACRO, "SD of seeds"),
            (
                (
                    row.system,
                    row.runs,
                    *(_cell(row.f1[name]) for name in (*target.positives, MACRO)),
                    "-" if row.deviation is None else f"{row.deviation:.3f}",
                )
                for row in target.judged
            ),
        )
        yield ""
    if found.contrasted:
        yield f"**contrast sets** ({sum(found.groups.values())} groups; share with every label of every member right)"
        yield ""
        yield from table(
            ("", *(row.system for row in found.contrasted)),
            (
                ("all [95 %]", *(_cell(row.share) for row in found.contrasted)),
                *(
                    (f"{name} ({found.groups[name]})", *(f"{row.phenomena[name]:.2f}" for row in found.contrasted))
                    for name in sorted(found.groups)
                ),
            ),
        )


def _answers(
    families: Mapping[str, Sequence[Path]],
    examples: Sequence[Example],
    labels: tuple[str, ...],
    config: ComparisonConfig,
) -> Iterator[tuple[str, list[BoolArray]]]:
    texts = [example.text for example in examples]
    keywords = keyword_list(texts, labels) if Baseline.keyword_list in config.baselines else None
    if keywords is not None:
        yield Baseline.keyword_list.value, [keywords.carried]
    learning = [baseline for baseline in config.baselines if baseline is not Baseline.keyword_list]
    encoder = find_source(config.encoder).folder
    recipes = {name: ModelFile.read(folders[0]).settings for name, folders in families.items()}
    alike = all(recipe["data"] == next(iter(recipes.values()))["data"] for recipe in recipes.values())
    seen: list[object] = []
    with progress("judging") as counter:
        counter.set(0, total=sum(map(len, families.values())))
        for name, folders in families.items():
            data, seed = recipes[name]["data"], recipes[name]["seed"]
            if data not in seen:
                seen.append(data)
                splits = read_splits(labels, DataConfig(**data), seed)
                for baseline in learning:
                    counter.advance(0, note=f"{baseline.value} learns")
                    decided = learn(baseline, splits, texts, labels, encoder=encoder, seed=config.seed)
                    yield baseline.value if alike else f"{baseline.value}, {name}", [decided.carried]
            found = []
            for folder in folders:
                found.append(decide(Predictor.from_pretrained(folder), examples).carried)
                counter.advance(1)
            yield name, found


def _part(answers: Answers, start: int, n: int) -> Answers:
    return {system: [run[start : start + n] for run in runs] for system, runs in answers.items()}


def _judge(
    name: str, examples: Sequence[Example], answers: Answers, labels: tuple[str, ...], config: ComparisonConfig
) -> Target:
    gold = gold_matrix(examples, labels)
    documents = [example.scenario for example in examples]
    judged = []
    for system, runs in answers.items():
        estimates = estimate_f1(runs, gold, documents, draws=config.draws, seed=config.seed)
        macro = [f1_score(gold, run, average="macro", zero_division=0) for run in runs]
        judged.append(
            Judged(
                system=system,
                runs=len(runs),
                f1=dict(zip((*labels, MACRO), estimates, strict=True)),
                deviation=float(np.std(macro, ddof=1)) if len(runs) > 1 else None,
            )
        )
    positives = dict(zip(labels, map(int, gold.sum(axis=0)), strict=True))
    return Target(name, len(examples), len(set(documents)), positives, tuple(judged))


def _contrast(
    groups: Sequence[ContrastGroup], answers: Answers, labels: tuple[str, ...], config: ComparisonConfig
) -> Iterator[Contrasted]:
    phenomena = np.array([group.phenomenon for group in groups])
    for system, runs in answers.items():
        right = [np.array(right_groups(groups, label_sets(run, labels))) for run in runs]
        mean = np.mean(right, axis=0)
        yield Contrasted(
            system=system,
            share=estimate_share(right, draws=config.draws, seed=config.seed),
            phenomena={name: float(mean[phenomena == name].mean()) for name in sorted(set(phenomena.tolist()))},
        )


def _cell(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.2f}, {estimate.high:.2f}]"
