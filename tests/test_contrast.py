from pathlib import Path

import pytest
from conftest import write_jsonl

from stance.contrast import read_contrast, score
from stance.errors import DataError
from stance.labels import LABELS

ROWS: list[dict[str, object]] = [
    {"group": "g1", "phenomenon": "negation", "text": "They offered it.", "labels": ["offer"]},
    {"group": "g1", "phenomenon": "negation", "text": "They never offered it.", "labels": []},
    {"group": "g2", "phenomenon": "case", "text": "THEY OFFERED IT.", "labels": ["offer"]},
    {"group": "g2", "phenomenon": "case", "text": "they offered it.", "labels": ["offer"]},
    {"group": "g3", "phenomenon": "negation", "text": "He blamed her.", "labels": ["accusation"]},
    {"group": "g3", "phenomenon": "negation", "text": "He blamed nobody.", "labels": []},
]


def test_a_group_counts_only_when_every_member_is_wholly_right(tmp_path: Path) -> None:
    groups = read_contrast(write_jsonl(tmp_path / "sets.jsonl", ROWS), LABELS)
    assert [(group.name, len(group.members)) for group in groups] == [("g1", 2), ("g2", 2), ("g3", 2)]
    assert all(member.scenario == group.name for group in groups for member in group.members)
    found = [["offer"], ["offer"], ["offer"], ["offer"], ["accusation"], []]
    scored = score(groups, found)
    assert list(scored.phenomena) == ["case", "negation"]
    assert [(one.n, one.value) for one in scored.phenomena.values()] == [(1, 1.0), (2, 0.5)]
    assert (scored.share.n, scored.share.value) == (3, pytest.approx(2 / 3))
    low, high = 0.20765, 0.93851  # Wilson, 2 of 3
    assert (scored.share.low, scored.share.high) == pytest.approx((low, high), abs=1e-4)
    assert score(groups, [{"offer", "denial"}, *found[1:]]).phenomena["negation"].value == 0.5
    assert score(groups, [found[0], [], ["offer"], ["offer", "condition"], *found[4:]]).phenomena["case"].value == 0


def test_what_is_no_contrast_set_is_told(tmp_path: Path) -> None:
    rows = [*ROWS[:1], ROWS[2], ROWS[3] | {"phenomenon": "typos"}, {"text": "It rained.", "labels": []}]
    with pytest.raises(DataError) as caught:
        read_contrast(write_jsonl(tmp_path / "sets.jsonl", rows), LABELS)
    assert "expected 'group' and 'phenomenon' to be names, found None and None" in caught.value.problems[0]
    assert caught.value.problems[1] == "group 'g1': expected two or more members of one phenomenon, found 1 of 1"
    assert caught.value.problems[2] == "group 'g2': expected two or more members of one phenomenon, found 2 of 2"
