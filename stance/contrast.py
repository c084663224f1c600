"""Contrast sets: small groups of sentences that differ in the one thing that decides, scored group by group.

A model that has learned a topic or a keyword gets some members right and others wrong; only one that has learned the
distinction gets whole groups right (Gardner et al., 2020, "Evaluating Models' Local Decision Boundaries via Contrast
Sets").
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import binomtest

from stance.bootstrap import LEVEL, Estimate
from stance.config import DataConfig
from stance.data import Example, read_examples
from stance.errors import DataError
from stance.evaluation import Scorecard

_GROUP, _PHENOMENON = "group", "phenomenon"


@dataclass(frozen=True)
class ContrastGroup:
    """Sentences that belong together.

    Attributes:
        name: of the group.
        phenomenon: what its members differ in.
        members: two or more labelled sentences, whose scenario is the group.
    """

    name: str
    phenomenon: str
    members: tuple[Example, ...]


def read_contrast(path: Path, labels: Sequence[str]) -> list[ContrastGroup]:
    """Reads contrast sets: rows as of ``read_examples`` with ``group`` and ``phenomenon``, grouped in their order.

    Raises:
        DataError: as ``read_examples``; or a row lacks group or phenomenon, or a group has one member or two phenomena.
    """
    groups: Mapping[str, list[Example]] = defaultdict(list)
    problems: list[str] = []
    for example in read_examples(path, labels, DataConfig(scenario_column=_GROUP), keep=(_GROUP, _PHENOMENON)):
        group, phenomenon = (example.columns.get(column) for column in (_GROUP, _PHENOMENON))
        if isinstance(group, str) and isinstance(phenomenon, str):
            groups[group].append(example)
        else:
            problems.append(
                f"sentence '{example.id}': expected '{_GROUP}' and '{_PHENOMENON}' to be names, found {group!r} and "
                f"{phenomenon!r}"
            )
    found = []
    for name, members in groups.items():
        phenomena = [*{member.columns[_PHENOMENON] for member in members}]
        if len(members) == 1 or len(phenomena) > 1:
            problems.append(
                f"group '{name}': expected two or more members of one phenomenon, found {len(members)} of "
                f"{len(phenomena)}"
            )
        found.append(ContrastGroup(name, phenomena[0], tuple(members)))
    if problems:
        raise DataError(f"{path} does not hold contrast sets as expected:", problems)
    return found


def right_groups(groups: Sequence[ContrastGroup], found: Sequence[Collection[str]]) -> list[bool]:
    """Whether every label of every member is right, group by group.

    Args:
        groups: the contrast sets.
        found: the labels that a model gives to all members, in the order of the groups and of the members in them.
    """
    given = iter(found)
    answers = [[set(next(given)) for _ in group.members] for group in groups]
    return [
        answer == [set(member.labels) for member in group.members]
        for group, answer in zip(groups, answers, strict=True)
    ]


def score(groups: Sequence[ContrastGroup], found: Sequence[Collection[str]]) -> Scorecard:
    """The share of groups that are right, in all and by phenomenon in order of name; arguments as of ``right_groups``.

    Groups are independent of each other, so the intervals are Wilson's (1927), which hold of few groups too.
    """
    answers = right_groups(groups, found)
    by_phenomenon: Mapping[str, list[bool]] = defaultdict(list)
    for group, answer in zip(groups, answers, strict=True):
        by_phenomenon[group.phenomenon].append(answer)
    return Scorecard(_share(answers), {name: _share(by_phenomenon[name]) for name in sorted(by_phenomenon)})


def _share(answers: Sequence[bool]) -> Estimate:
    n = len(answers)
    interval = binomtest(sum(answers), n).proportion_ci(LEVEL, method="wilson")
    return Estimate(sum(answers) / n, float(interval.low), float(interval.high), n, n, small=False)
