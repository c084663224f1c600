import random
from itertools import combinations

import pytest

from stance.agreement import agreement
from stance.duplicates import near_duplicates


def test_agreement_is_that_of_the_definitions() -> None:
    first = [["offer"], ["offer"], ["denial"], [], [], []]
    second = [["offer"], [], ["denial"], [], ["offer"], []]
    offer, denial, condition = agreement([first, second], ["offer", "denial", "condition"])
    assert (offer.n, offer.given) == (6, (2, 2))
    assert offer.f1 == pytest.approx(0.5)
    # By hand: 4 values "offer" among 12; observed disagreement 4/12, expected 2 * 4 * 8 / (12 * 11).
    assert offer.alpha == pytest.approx(1 - (4 / 12) / (64 / 132))
    assert (denial.f1, denial.alpha) == (1.0, 1.0)
    assert (condition.f1, condition.alpha) == (0.0, None)


def test_agreement_among_several_counts_only_sentences_that_two_have_read() -> None:
    readings = [
        [["offer"], ["offer"], [], None, ["offer"], []],
        [["offer"], [], [], None, None, []],
        [["offer"], ["offer"], None, ["offer"], None, []],
    ]
    (offer,) = agreement(readings, ["offer"])
    assert (offer.n, offer.given) == (4, (2, 1, 2))
    pairs = [(0, 1), (0, 2), (1, 2)]
    both = one = 0
    for a, b in pairs:
        for first, second in zip(readings[a], readings[b], strict=True):
            if first is not None and second is not None:
                both += bool(first) and bool(second)
                one += len(first) + len(second)
    assert offer.f1 == pytest.approx(2 * both / one)
    # By hand: of 11 values 5 are "offer"; the one sentence on which readers differ has 4 ordered pairs that do.
    assert offer.alpha == pytest.approx(1 - (2 * 2 / 2 / 11) / (2 * 5 * 6 / 110))
    assert agreement([[["offer"], None], [None, []]], ["offer"])[0].alpha is None
    assert agreement([], ["offer"])[0].n == 0


def test_near_duplicates_are_pairs_above_half_whatever_case_and_white_space() -> None:
    texts = [
        "The ministry invited both delegations to Geneva on Monday.",
        "the ministry  invited both delegations to Geneva on Tuesday.",
        "Nobody knows where the ship was going when the storm began.",
        "No.",
        "no.",
    ]
    found = {(one, other): similarity for one, other, similarity in near_duplicates(texts)}
    assert set(found) == {(0, 1), (3, 4)}
    assert found[3, 4] == 1.0

    def grams(text: str) -> set[str]:
        folded = " ".join(text.lower().split())
        return {folded[at : at + 5] for at in range(len(folded) - 4)}

    one, other = grams(texts[0]), grams(texts[1])
    assert found[0, 1] == pytest.approx(len(one & other) / len(one | other))
    assert list(near_duplicates(texts, limit=found[0, 1])) == [(3, 4, 1.0)]


def test_near_duplicates_are_all_found_among_many_that_share_common_words() -> None:
    chance = random.Random(0)  # noqa: S311
    words = ["the minister", "said that", "of the", "in the", *(f"{chance.random():.6f}"[2:] for _ in range(60))]
    texts = [" ".join(chance.choices(words, k=chance.randint(1, 9))) for _ in range(250)]
    texts += [f"{text} x" for text in texts[:50]]
    found = {(one, other): similarity for one, other, similarity in near_duplicates(texts, limit=0.4)}
    sets = [{text.ljust(5, "_")[at : at + 5] for at in range(max(len(text) - 4, 1))} for text in texts]
    alike = {(i, j): len(one & other) / len(one | other) for (i, one), (j, other) in combinations(enumerate(sets), 2)}
    assert found == pytest.approx({pair: similarity for pair, similarity in alike.items() if similarity > 0.4})
    assert len(found) > 50
