import numpy as np
import pytest
from sklearn.metrics import f1_score

from stance.bootstrap import estimate_f1, estimate_share


def decisions(
    rng: np.random.Generator, documents: int, size: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:  # carried, gold, documents
    """One label; in each document either all errors or none, as when a text has a voice of its own."""
    gold = rng.random((documents * size, 1)) < 0.4
    wrong = np.repeat(rng.random(documents) < 0.3, size)[:, None]
    return gold ^ wrong, gold, [str(n // size) for n in range(documents * size)]


def test_values_are_the_plain_figures_and_means_over_runs() -> None:
    rng = np.random.default_rng(1)
    gold, one, other = rng.random((3, 300, 2)) < 0.5
    estimates = estimate_f1([one, other], gold, [str(n) for n in range(300)], draws=100, seed=0)
    wanted = [(f1_score(gold[:, c], one[:, c]) + f1_score(gold[:, c], other[:, c])) / 2 for c in (0, 1)]
    assert [estimate.value for estimate in estimates] == pytest.approx([*wanted, np.mean(wanted)])
    assert all(estimate.low < estimate.value < estimate.high for estimate in estimates)


def test_intervals_cover_the_truth_as_often_as_they_say_and_only_when_drawn_by_document() -> None:
    rng = np.random.default_rng(2)
    carried, gold, _ = decisions(rng, documents=40_000, size=8)
    truth = f1_score(gold[:, 0], carried[:, 0])

    def coverage(*, by_document: bool) -> float:
        hits = 0
        for seed in range(200):
            carried, gold, documents = decisions(rng, documents=60, size=8)
            clusters = documents if by_document else [str(n) for n in range(len(documents))]
            estimate = estimate_f1([carried], gold, clusters, draws=300, seed=seed)[0]
            hits += estimate.low <= truth <= estimate.high
        return hits / 200

    assert 0.90 <= coverage(by_document=True) <= 0.98
    assert coverage(by_document=False) < 0.75


def test_a_share_of_whole_groups() -> None:
    runs = [np.arange(100) < 70, np.arange(100) < 50]
    estimate = estimate_share(runs, draws=500, seed=0)
    assert estimate.value == pytest.approx(0.6)
    assert 0.5 < estimate.low < 0.55
    assert 0.65 < estimate.high < 0.7
