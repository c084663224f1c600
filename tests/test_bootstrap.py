from dataclasses import asdict

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from stance.bootstrap import Cases, Resamples, Statistic, estimate_f1, estimate_means, estimate_share, ratios
from stance.config import EvaluateConfig, TrainedModelConfig
from stance.errors import ConfigError
from stance.evaluate import evaluate
from stance.metrics import calibration_error
from stance.ranking import Ranking


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
    assert [estimate.n for estimate in estimates] == [*gold.sum(axis=0), gold.sum(axis=0).min()]


@pytest.mark.parametrize(("draws", "seed"), [(0, 0), (100, -1)])
def test_draws_that_cannot_be_are_refused_before_anything_is_labelled(draws: int, seed: int) -> None:
    with pytest.raises(ConfigError, match="is out of range"):
        Resamples(["a"], draws=draws, seed=seed)
    with pytest.raises(ConfigError, match="is out of range"):
        evaluate(EvaluateConfig(model=TrainedModelConfig(path="nowhere"), draws=draws, seed=seed))


def test_intervals_cover_the_truth_as_often_as_they_say_and_only_when_drawn_by_document() -> None:
    rng = np.random.default_rng(2)
    carried, gold, _ = decisions(rng, documents=40_000, size=8)
    f1 = f1_score(gold[:, 0], carried[:, 0])
    precision = gold[carried].mean()

    def coverage(*, by_document: bool, samples: int) -> list[float]:
        hits = np.zeros(2)
        for seed in range(samples):
            carried, gold, documents = decisions(rng, documents=100, size=8)
            clusters = documents if by_document else [str(n) for n in range(len(documents))]
            (found_f1, *_) = estimate_f1([carried], gold, clusters, draws=300, seed=seed)
            resamples = Resamples(clusters, draws=300, seed=seed)
            (found_precision,) = resamples.estimate(ratios(resamples, carried & gold, carried))
            assert found_precision is not None
            for place, (truth, found) in enumerate(((f1, found_f1), (precision, found_precision))):
                hits[place] += found.low <= truth <= found.high
        return [float(hit) / samples for hit in hits]

    assert all(0.92 <= covered <= 0.97 for covered in coverage(by_document=True, samples=300))
    assert all(covered < 0.75 for covered in coverage(by_document=False, samples=30))


@pytest.mark.parametrize("error", [0, 0.1])
def test_intervals_of_a_calibration_error_cover_the_truth_though_samples_overstate_it(error: float) -> None:
    rng = np.random.default_rng(8)
    hits, values = 0, []
    for seed in range(100):
        probabilities = rng.uniform(0, 0.8, size=400)
        gold = rng.random(400) < probabilities + error
        ranking = Ranking(probabilities, gold)
        resamples = Resamples([str(n) for n in range(400)], draws=100, seed=seed)
        order = resamples.where[ranking.order]
        statistic = Statistic(
            lambda times, ranking=ranking, order=order: ranking.calibration_error(times[:, order])[:, None],
            Cases(np.array([400]), np.array([400])),
            width=400,
            biased=np.array([True]),
        )
        (found,) = resamples.estimate(statistic)
        assert found is not None
        values.append(found.value)
        hits += found.low <= error <= found.high
    assert np.mean(values) > error + 0.005
    assert hits >= 90


def test_figures_that_hang_on_order_are_those_of_the_sample_written_out() -> None:
    rng = np.random.default_rng(3)
    for sentences in (5, 40):
        probabilities, gold = rng.random(sentences).round(1), rng.random(sentences) < 0.4
        times = rng.integers(0, 4, size=(20, sentences))
        ranking = Ranking(probabilities, gold)
        precisions, errors = (
            figure(times[:, ranking.order]) for figure in (ranking.average_precision, ranking.calibration_error)
        )
        for row, precision, error in zip(times[:, ranking.order], precisions, errors, strict=True):
            # In the order of the ranking, which tells which of those with the same probability come first.
            drawn, drawn_gold = (np.repeat(array[ranking.order], row) for array in (probabilities, gold))
            assert error == pytest.approx(calibration_error(drawn, drawn_gold))
            if drawn_gold.any():
                assert precision == pytest.approx(average_precision_score(drawn_gold, drawn))
            else:
                assert np.isnan(precision)


def test_the_bins_are_those_that_the_calibration_error_is_made_of() -> None:
    rng = np.random.default_rng(6)
    for sentences in (7, 40, 103):
        probabilities, gold = rng.random(sentences), rng.random(sentences) < 0.4
        bins = Ranking(probabilities, gold).bins
        parts = [bins == number for number in np.unique(bins)]
        assert {part.sum() for part in parts} <= {sentences // 10, sentences // 10 + 1}
        gaps = [abs(probabilities[part].mean() - gold[part].mean()) * part.sum() for part in parts]
        assert sum(gaps) / sentences == pytest.approx(calibration_error(probabilities, gold))


def test_a_calibration_error_does_not_hang_on_the_order_of_sentences_alike() -> None:
    rng = np.random.default_rng(7)
    probabilities, gold = np.full(1000, 0.1), np.arange(1000) < 100
    assert calibration_error(probabilities, gold) == pytest.approx(0)
    probabilities = rng.random(1000).round(1)
    shuffled = rng.permutation(1000)
    assert calibration_error(probabilities[shuffled], gold[shuffled]) == pytest.approx(
        calibration_error(probabilities, gold)
    )


def test_one_document_tells_nothing_of_others() -> None:
    alone = Resamples(["a"] * 60, draws=50, seed=0)
    half, whole = np.arange(60)[:, None] % 2, np.ones((60, 1))
    some, all_of_it = alone.estimate(ratios(alone, np.hstack([half, whole]), np.hstack([whole, whole])))
    assert some is not None
    assert (some.value, some.low, some.high) == (0.5, 0, 1)
    assert all_of_it is not None
    assert (all_of_it.low, all_of_it.high) == (pytest.approx(0.025), 1)


def test_a_share_that_every_draw_leaves_undefined_may_be_any() -> None:
    """As the mean over many labels of which each stands in one document: no draw has them all."""
    documents = [str(n) for n in range(40)]

    def figures(times: np.ndarray) -> np.ndarray:
        complete = (times > 0).all(axis=1)
        return np.where(complete, 0.5, np.nan)[:, None]

    statistic = Statistic(figures, Cases(np.array([40]), np.array([40])))
    (found,) = Resamples(documents, draws=200, seed=0).estimate(statistic)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.5, 0, 1)


def test_what_is_undefined_is_none_and_what_is_always_right_has_the_interval_of_its_documents() -> None:
    documents = [str(n // 2) for n in range(60)]
    resamples = Resamples(documents, draws=200, seed=0)
    right, none = np.ones((60, 1)), np.zeros((60, 1))
    always, never, undefined = resamples.estimate(
        ratios(resamples, np.hstack([right, none, none]), np.hstack([right, right, none]))
    )
    assert undefined is None
    assert always is not None
    assert never is not None
    assert (always.value, always.high, always.n, always.clusters) == (1, 1, 60, 30)
    assert always.low == pytest.approx(0.8843, abs=1e-4)  # Clopper and Pearson, 30 of 30
    assert (never.low, never.high) == (0, pytest.approx(1 - always.low))
    assert not always.small
    few = Resamples(documents[:20], draws=50, seed=0)
    assert all(one is not None and one.small for one in few.estimate(ratios(few, right[:20], right[:20])))


def test_draws_are_the_same_whether_few_or_all_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    values, documents = rng.normal(size=(90, 2)), [str(n // 3) for n in range(90)]
    wanted = estimate_means(values, documents, draws=100, seed=5)
    for limit, cells in (("_CELLS", 64), ("_KEPT", 0)):
        monkeypatch.setattr(f"stance.bootstrap.{limit}", cells)
        found = estimate_means(values, documents, draws=100, seed=5)
        for one, other in zip(found, wanted, strict=True):  # equal but for the order in which a processor sums
            assert asdict(one) == pytest.approx(asdict(other), rel=1e-12)


def test_a_share_of_whole_groups() -> None:
    runs = [np.arange(100) < 70, np.arange(100) < 50]
    estimate = estimate_share(runs, draws=500, seed=0)
    assert estimate.value == pytest.approx(0.6)
    assert 0.5 < estimate.low < 0.55
    assert 0.65 < estimate.high < 0.7
