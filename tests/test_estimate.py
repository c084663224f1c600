"""Shares and regressions from a hand-coded sample: small cases by hand, another library's figures, and coverage."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from conftest import Run, write_jsonl

from stance.config import EstimateConfig, Period, Regression, SimulateConfig
from stance.design import Design, Influence
from stance.errors import DataError, StanceError
from stance.estimate import Estimates, Prevalence, estimate
from stance.maps import sigmoid
from stance.prevalence import Coding, Method, Share, confuse, measure, power
from stance.regression import fit, regress
from stance.simulation import PROFILES, Sampling, cover, simulate


def simple_design(sentences: int, coded: np.ndarray, documents: np.ndarray | None = None) -> Design:
    documents = np.arange(sentences) if documents is None else documents
    return Design(documents, np.zeros(sentences, int), coded, np.full(len(coded), sentences / len(coded)))


def test_small_case_by_hand() -> None:
    """Eight sentences, the first four coded: naive 3/8; hand 2/4; hits 1/2, false alarms 1/2 of two each."""
    given = np.array([1, 0, 1, 0, 1, 0, 0, 0], bool)
    coding = Coding(given, given * 0.8, np.array([1, 1, 0, 0], bool))
    design = simple_design(8, np.arange(4))
    shares = measure(design, coding, 1.0, np.ones(8, bool), confuse(design, coding))
    assert shares[Method.naive].value == 3 / 8
    assert shares[Method.hand].value == 1 / 2
    assert shares[Method.adjusted].value is None, "a model that hits no oftener than it errs cannot be solved for"
    # The mean probability .3 of all and .4 of the coded: the sample has .1 too much, as far as the model can tell.
    assert shares[Method.ppi].value == pytest.approx(0.4)
    part = measure(design, coding, 1.0, np.arange(8) < 2, confuse(design, coding))
    assert (part[Method.naive].value, part[Method.hand].value) == (1 / 2, 1)
    assert measure(design, coding, 1.0, np.arange(8) > 5, confuse(design, coding))[Method.hand].value is None


def test_of_one_document_sentences_count_as_if_each_came_from_another() -> None:
    given = np.arange(60) % 4 == 0
    coding = Coding(given, given * 0.8, given[:30])
    together, apart = simple_design(60, np.arange(30), np.zeros(60, int)), simple_design(60, np.arange(30))
    everything = np.ones(60, bool)
    one, other = (measure(design, coding, 0.5, everything, confuse(design, coding)) for design in (together, apart))
    assert one == other
    assert one[Method.naive].low == pytest.approx(0.158, abs=5e-3)  # Wilson's interval of 15 of 60
    assert one[Method.naive].high == pytest.approx(0.372, abs=5e-3)
    # And so in a group that is one document of several.
    several = simple_design(60, np.arange(30), np.arange(60) // 20)
    group = np.arange(60) < 20
    one, other = (measure(design, coding, 0.5, group, confuse(design, coding)) for design in (several, apart))
    assert one[Method.naive] == other[Method.naive]
    assert one[Method.hand] == other[Method.hand]


@pytest.mark.parametrize("k", [2, 3, 5, 10])
def test_intervals_hold_the_truth_of_few_documents_too(k: int) -> None:
    """Documents differ from one another; of few, standard errors alone are far too narrow."""
    rng = np.random.default_rng(k)
    held = widths = 0
    for _ in range(400):
        documents = np.repeat(np.arange(k), 100)
        rates = rng.beta(4, 16, k)  # .2 on average; sentences of one document correlate by .05
        gold = rng.random(len(documents)) < rates[documents]
        design = simple_design(len(gold), np.arange(len(gold)), documents)
        coding = Coding(gold, gold.astype(float), gold)
        share = measure(design, coding, 0.0, np.ones(len(gold), bool), confuse(design, coding))[Method.hand]
        held += share.low <= 0.2 <= share.high
        widths += share.high - share.low > 0.05
    assert held / 400 > 0.91  # .62, .77, .86 and .90 by standard errors alone
    assert widths == 400, "two documents that happen to agree tell no more than as many sentences"


def test_the_adjusted_count_undoes_the_errors() -> None:
    """Of 100 coded, 20 carry it and 15 of them are hit; of 80 others 8 are false alarms. The model gives 30 %."""
    gold = np.arange(100) < 20
    given = np.zeros(1000, bool)
    given[:15] = given[20:28] = True
    given[100:377] = True
    coding = Coding(given, given.astype(float), gold)
    design = simple_design(1000, np.arange(100))
    share = measure(design, coding, 1.0, np.ones(1000, bool), confuse(design, coding))[Method.adjusted]
    assert share.value == pytest.approx((0.3 - 0.1) / (0.75 - 0.1))


def of_everything(design: Design, coding: Coding, trust: float) -> Mapping[Method, Share]:
    return measure(design, coding, trust, np.ones(len(coding.given), bool), confuse(design, coding))


def test_of_few_with_or_without_the_label_the_interval_is_as_wide_as_with_no_model() -> None:
    """Wilson's of 2 of 100: the model is right about all of them, but two do not tell how often."""
    gold = np.arange(1000) % 50 == 0
    design = simple_design(1000, np.arange(100))
    few = of_everything(design, Coding(gold, gold.astype(float), gold[:100]), 1.0)[Method.ppi]
    assert (few.low, few.high) == (pytest.approx(0.0055, abs=1e-3), pytest.approx(0.0700, abs=1e-3))
    many = of_everything(design, Coding(~gold, (~gold).astype(float), ~gold[:100]), 1.0)[Method.ppi]
    assert (many.low, many.high) == (pytest.approx(1 - few.high), pytest.approx(1 - few.low))


def test_sentences_of_unequal_weight_are_worth_fewer() -> None:
    """Kish's effective size, where nothing is found and no variance tells."""
    none = np.zeros(1000, bool)
    weights = np.repeat([1.0, 9.0], 50)
    design = Design(np.arange(1000), np.zeros(1000, int), np.arange(100), weights)
    share = of_everything(design, Coding(none, none.astype(float), none[:100]), 0.0)[Method.hand]
    n = weights.sum() ** 2 / np.square(weights).sum()
    assert n < 61
    assert share.high == pytest.approx(1.96**2 / (n + 1.96**2), rel=0.01)


def test_no_share_lies_below_nothing() -> None:
    """A third of the coded are false alarms, and of the others the model gives hardly any the label."""
    given = np.zeros(1000, bool)
    given[:9] = given[10:40] = True
    coding = Coding(given, given.astype(float), np.arange(100) < 10)
    shares = of_everything(simple_design(1000, np.arange(100)), coding, 1.0)
    assert (shares[Method.adjusted].value, shares[Method.adjusted].low) == (0, 0)
    assert (shares[Method.ppi].value, shares[Method.ppi].low) == (0, pytest.approx(0))
    for share in (shares[Method.adjusted], shares[Method.ppi]):
        assert 0 < share.high < 1


def test_figures_are_those_of_another_library() -> None:
    """ppi_py 0.2.3 (Angelopoulos et al.), of the same numbers, which takes coded sentences as apart from the rest."""
    rng = np.random.default_rng(7)
    probabilities = rng.beta(0.4, 4, 5000)
    gold = rng.random(5000) < probabilities**1.3
    coding = Coding(probabilities >= 0.5, probabilities, gold[:400])
    design = simple_design(5000, np.arange(400))
    shares = measure(design, coding, power(design, coding), np.ones(5000, bool), confuse(design, coding))
    powered = shares[Method.ppi]
    assert powered.value == pytest.approx(0.04952449, abs=2e-5)
    assert powered.high - powered.low == pytest.approx(0.06892498 - 0.03012401, rel=0.02)
    whole = measure(design, coding, 5000 / 4600, np.ones(5000, bool), confuse(design, coding))
    assert whole[Method.ppi].value == pytest.approx(0.04931715, abs=1e-8), "lam=1"
    weights = 1 / (0.05 + 0.9 * probabilities[:400])
    unequal = Design(design.documents, design.strata, design.coded, weights)
    # Its mean is over the other 4,600 sentences, ours over all: the same but for these two numbers.
    rest, everything = probabilities[400:].mean(), probabilities.mean()
    half = measure(unequal, coding, 0.5, np.ones(5000, bool), confuse(unequal, coding))[Method.ppi]
    assert half.value == pytest.approx(0.04119948 + 0.5 * (everything - rest), abs=1e-8)


def test_a_census_leaves_nothing_to_the_model() -> None:
    rng = np.random.default_rng(0)
    gold = rng.random(300) < 0.3
    coding = Coding(rng.random(300) < 0.5, rng.random(300), gold)
    design = simple_design(300, np.arange(300))
    shares = measure(design, coding, power(design, coding), np.ones(300, bool), confuse(design, coding))
    assert shares[Method.ppi].value == pytest.approx(gold.mean())
    covariates = {"1": np.ones(300), "x": rng.normal(size=300)}
    found = regress(design, coding, covariates, Regression.logistic)
    for one, other in zip(found[Method.ppi], found[Method.hand], strict=True):
        assert one.value == pytest.approx(other.value)


def test_variance_of_a_stratified_sample_is_the_textbook_s() -> None:
    """Cochran 1977, section 5.3, and between the strata what a corpus of this size cannot tell."""
    rng = np.random.default_rng(1)
    strata = np.repeat([0, 1], [9000, 1000])
    coded = np.concatenate([rng.choice(9000, 200, replace=False), 9000 + rng.choice(1000, 200, replace=False)])
    design = Design(np.arange(10000), strata, coded, np.repeat([45.0, 5.0], 200))
    gold = rng.random(400) < np.repeat([0.02, 0.5], 200)
    rates = gold[:200].mean(), gold[200:].mean()
    share = design.weights @ gold / 10000
    influence = Influence(np.zeros(10000), (gold - share) / 10000)
    inside = [0.9**2 * rates[0] * (1 - rates[0]) / 200, 0.1**2 * rates[1] * (1 - rates[1]) / 200]
    between = (0.9 * (rates[0] - share) ** 2 + 0.1 * (rates[1] - share) ** 2) / 10000
    assert design.covariance([influence])[0, 0] == pytest.approx(sum(inside) + between, rel=0.01)


def test_sentences_of_one_document_that_are_alike_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    documents = np.repeat(np.arange(100), 10)
    gold = np.repeat(rng.random(100) < 0.2, 10)
    coding = Coding(gold, gold.astype(float), gold)
    widths = []
    for clusters in (documents, np.arange(1000)):
        design = simple_design(1000, np.arange(1000), clusters)
        share = measure(design, coding, 0.0, np.ones(1000, bool), confuse(design, coding))[Method.hand]
        widths.append(share.high - share.low)
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(10), rel=0.1)


SIMULATED = SimulateConfig(draws=500, sentences=4000, coded=600, output="")


@pytest.mark.parametrize("sampling", Sampling)
def test_corrected_intervals_hold_the_truth_as_often_as_they_say_and_naive_ones_do_not(sampling: Sampling) -> None:
    rows = {row.method: row for row in cover(PROFILES[1], sampling, SIMULATED, seed=5)}
    assert rows[Method.naive].held < 0.2
    assert 0.93 <= rows[Method.ppi].held <= 0.97
    assert 0.93 <= rows[Method.hand].held <= 0.97
    assert 0.92 <= rows[Method.adjusted].held <= 0.98
    assert (
        rows[Method.ppi].width < rows[Method.hand].width / {Sampling.simple: 1.15, Sampling.stratified: 1.02}[sampling]
    )


def test_the_page_of_the_simulation_has_every_label_sampling_and_method(tmp_path: Path) -> None:
    config = SimulateConfig(draws=3, sentences=1000, coded=200, output=str(tmp_path / "page.md"))
    found = simulate(config)
    assert len(found) == len(PROFILES) * 2 * 4
    page = (tmp_path / "page.md").read_text()
    assert sum(line.startswith("| denial | stratified |") for line in page.splitlines()) == 4


@pytest.mark.parametrize("kind", Regression)
def test_regression_is_right_where_errors_go_with_the_covariate(kind: Regression) -> None:
    """The model sees the label twice as often where x is 1, but there is no difference: naive says there is."""
    held, widths = dict.fromkeys(Method, 0), {method: [] for method in Method}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        gold = rng.random(2000) < 0.2
        x = (rng.random(2000) < 0.5).astype(float)
        probabilities = sigmoid(4 * gold - 3 + 1.5 * x + rng.normal(size=2000))
        coded = rng.choice(2000, 400, replace=False)
        coding = Coding(probabilities >= 0.5, probabilities, gold[coded])
        found = regress(simple_design(2000, coded), coding, {"1": np.ones(2000), "x": x}, kind)
        for method, (_, effect) in found.items():
            held[method] += effect.low <= 0 <= effect.high
            widths[method].append(effect.high - effect.low)
    assert held[Method.naive] / 150 < 0.1
    assert 0.91 <= held[Method.ppi] / 150 <= 0.99
    assert np.mean(widths[Method.ppi]) < np.mean(widths[Method.hand]) / 1.2


@pytest.mark.parametrize("kind", Regression)
def test_probabilities_that_tell_nothing_widen_no_interval_of_a_regression(kind: Regression) -> None:
    rng = np.random.default_rng(0)
    gold, x, probabilities = rng.random(3000) < 0.2, (rng.random(3000) < 0.5).astype(float), rng.random(3000)
    coded = rng.choice(3000, 400, replace=False)
    coding = Coding(probabilities >= 0.5, probabilities, gold[coded])
    found = regress(simple_design(3000, coded), coding, {"1": np.ones(3000), "x": x}, kind)
    for one, other in zip(found[Method.ppi], found[Method.hand], strict=True):
        assert one.high - one.low < 1.001 * (other.high - other.low)


def test_a_model_that_never_gives_a_label_ends_no_regression() -> None:
    rng = np.random.default_rng(1)
    gold, x = rng.random(2000) < 0.2, (rng.random(2000) < 0.5).astype(float)
    coded = rng.choice(2000, 400, replace=False)
    coding = Coding(np.zeros(2000, dtype=np.bool_), np.clip(gold * 0.3 + rng.random(2000) / 10, 0, 1), gold[coded])
    found = regress(simple_design(2000, coded), coding, {"1": np.ones(2000), "x": x}, Regression.logistic)
    assert set(found) == {Method.ppi, Method.hand}


def test_logistic_regression_finds_the_highest_likelihood_and_says_where_there_is_none() -> None:
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(2000), 2000 + rng.integers(0, 20, 2000)])
    gold = rng.random(2000) < sigmoid(0.2 * (x[:, 1] - 2010))
    found = fit(x, np.ones(2000), gold, Regression.logistic)
    assert x.T @ (gold - sigmoid(x @ found.values)) == pytest.approx([0, 0], abs=1e-4)
    with pytest.raises(DataError, match="does not settle"):
        fit(x, np.ones(2000), x[:, 1] > 2010, Regression.logistic)
    with pytest.raises(DataError, match="no one solution"):
        fit(np.column_stack([x, x[:, 1]]), np.ones(2000), gold, Regression.linear)


# The job, on files.


def corpus_rows(n: int = 400) -> list[dict[str, object]]:
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for number in range(n):
        gold = [label for label, rate in (("offer", 0.3), ("denial", 0.2)) if rng.random() < rate]
        p = {label: round(float(sigmoid(4 * (label in gold) - 2 + rng.normal())), 6) for label in ("offer", "denial")}
        rows.append(
            {
                "id": f"s{number}",
                "text": f"Sentence {number}.",
                "gold": gold,
                "source": ["wire", "radio"][number % 2],
                "date": f"2024-0{1 + number % 3}-11",
                "length": number % 7,
                "document": f"d{number // 5}",
                "labels": [label for label in p if p[label] >= 0.5],
                "uncertain": [],
                "probabilities": p,
                "truncated": False,
            }
        )
    return rows


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    rows = corpus_rows()
    coded = [{"id": row["id"], "text": row["text"], "labels": row["gold"]} for row in rows[::2]]
    return write_jsonl(tmp_path / "corpus.jsonl", rows), write_jsonl(tmp_path / "coded.jsonl", coded)


def run(files: tuple[Path, Path], **settings: object) -> Estimates:
    return estimate(EstimateConfig(corpus=str(files[0]), coded=str(files[1]), **settings))


def only(found: Estimates, label: str, group: str | None, method: Method) -> Prevalence:
    (row,) = (row for row in found.shares if (row.label, row.group, row.method) == (label, group, method.value))
    return row


def test_shares_of_the_whole_of_groups_and_of_months(files: tuple[Path, Path], tmp_path: Path) -> None:
    found = run(files, by=["source"], time="date", output=str(tmp_path / "out.json"))
    rows = corpus_rows()
    given = [row for row in rows if "offer" in row["labels"]]
    assert only(found, "offer", None, Method.naive).value == pytest.approx(len(given) / 400)
    coded = [row["gold"] for row in rows[::2]]
    hand = only(found, "offer", None, Method.hand)
    assert hand.value == pytest.approx(sum("offer" in gold for gold in coded) / 200)
    assert (hand.n, hand.coded, hand.positives) == (400, 200, sum("offer" in gold for gold in coded))
    powered = only(found, "offer", None, Method.ppi)
    assert powered.high - powered.low < hand.high - hand.low
    assert 0 < found.trust["offer"] <= 1
    assert [row.group for row in found.shares if row.label == "offer"][4::4] == [
        *("radio", "wire", "2024-01", "2024-02", "2024-03")
    ]
    radio = only(found, "offer", "radio", Method.ppi)
    assert (radio.n, radio.coded, radio.value, radio.small) == (200, 0, None, True), "only every other one was coded"
    assert not only(found, "offer", "wire", Method.ppi).small
    assert found.documents == 80
    assert json.loads((tmp_path / "out.json").read_text())["shares"][0]["method"] == "naive count"


@pytest.mark.parametrize("date", ["2024 May 31", "2024", "2024-13", "2024-13-01", "2024-01-32", "2024-00"])
def test_what_is_no_date_or_too_short_for_the_period_is_told(files: tuple[Path, Path], date: str) -> None:
    corpus, _ = files
    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    write_jsonl(corpus, [row | {"date": date} for row in rows])
    with pytest.raises(DataError, match=r"expected 'date' to hold dates such as 2024-05, found"):
        run(files, time="date")


@pytest.mark.parametrize(("period", "groups"), [(Period.year, ["2024"]), (Period.day, ["2024-01-11", "2024-02-11"])])
def test_periods(files: tuple[Path, Path], period: Period, groups: list[str]) -> None:
    found = run(files, time="date", period=period)
    assert list(dict.fromkeys(row.group for row in found.shares if row.group))[:2] == groups


def test_sentences_without_a_date_or_a_number(files: tuple[Path, Path]) -> None:
    rows = corpus_rows()
    rows[0] |= {"date": None, "length": None}
    write_jsonl(files[0], rows)
    assert only(run(files, time="date"), "offer", "(none)", Method.naive).n == 1
    with pytest.raises(DataError, match="to be a number in every sentence, found none in 1"):
        run(files, covariates=["length"])


def test_covariates_are_numbers_or_groups(files: tuple[Path, Path]) -> None:
    found = run(files, covariates=["length", "date"])
    names = list(dict.fromkeys(row.covariate for row in found.effects))
    assert names == ["(intercept)", "length", "date=2024-02-11", "date=2024-03-11"]
    assert {row.method for row in found.effects} == {"naive count", "PPI++", "hand-coding alone"}
    assert {(row.n, row.coded) for row in found.effects if "=" not in row.covariate} == {(400, 200)}
    february = next(row for row in found.effects if row.covariate == "date=2024-02-11")
    assert (february.n, february.coded) == (133, 66)


def test_effects_of_groups_in_which_little_is_coded_are_marked(files: tuple[Path, Path]) -> None:
    rows = corpus_rows()
    for number, row in enumerate(rows):
        row["source"] = "wire" if number < 300 else "paper" if number < 340 else "radio"
        row["document"] = number
    write_jsonl(files[0], rows)
    effects = {
        row.covariate: row for row in run(files, covariates=["source", "length"]).effects if row.label == "offer"
    }
    assert {name: row.small for name, row in effects.items()} == {
        "(intercept)": False,
        "source=radio": False,
        "source=paper": True,
        "length": False,
    }
    paper = effects["source=paper"]
    assert (paper.n, paper.coded) == (40, 20)
    assert paper.positives == sum("offer" in row["gold"] for row in rows[300:340:2])
    write_jsonl(files[1], [{"id": row["id"], "labels": row["gold"]} for row in [*rows[:40:2], *rows[301:]]])
    radio = next(row for row in run(files, covariates=["source"]).effects if row.covariate == "source=radio")
    assert radio.small, "so little is coded of the group with which it is compared"


LITTLE = {
    "enough of everything": (200, 5, 60, False),
    "29 sentences": (29, 1, 10, True),
    "30 sentences": (30, 1, 10, False),
    "16 documents": (400, 25, 60, True),
    "20 documents": (400, 20, 60, False),
    "10 of 40 documents": (100, 10, 30, True),
    "4 with the label": (200, 5, 4, True),
    "5 with the label": (200, 5, 5, False),
    "4 without the label": (200, 5, 196, True),
}


@pytest.mark.parametrize(("coded", "to_a_document", "positives", "small"), LITTLE.values(), ids=LITTLE)
def test_an_estimate_from_little_is_marked(
    files: tuple[Path, Path], coded: int, to_a_document: int, positives: int, small: bool
) -> None:
    write_jsonl(files[0], [row | {"document": n // to_a_document} for n, row in enumerate(corpus_rows())])
    write_jsonl(files[1], [{"id": f"s{n}", "labels": ["offer"] * (n < positives)} for n in range(coded)])
    assert only(run(files), "offer", None, Method.ppi).small is small


def test_a_column_of_too_many_groups_is_refused(files: tuple[Path, Path]) -> None:
    write_jsonl(files[0], corpus_rows(600))
    with pytest.raises(DataError, match="'text' has 600 values; expected at most 500 groups"):
        run(files, by=["text"])


def test_regression_on_a_group_alone_gives_its_share_by_hand(files: tuple[Path, Path]) -> None:
    found = run(files, by=["length"], covariates=["length"])
    assert found.regression == "linear"
    months = run(files, time="date", covariates=["date"])
    (first,) = (
        row.value
        for row in months.effects
        if (row.label, row.covariate, row.method) == ("offer", "(intercept)", Method.hand.value)
    )
    assert first == pytest.approx(only(months, "offer", "2024-01", Method.hand).value)


def test_sentences_left_empty_are_told_and_the_others_stand_for_them(files: tuple[Path, Path]) -> None:
    coded = [json.loads(line) for line in files[1].read_text().splitlines()]
    before = run(files)
    for row in coded[100:]:
        row["labels"] = None
    write_jsonl(files[1], coded)
    found = run(files)
    assert (len(found.uncoded), found.coded, before.uncoded) == (100, 100, ())
    assert found.uncoded[0] == coded[100]["id"]
    assert only(found, "offer", None, Method.hand).value == pytest.approx(
        sum("offer" in row["labels"] for row in coded[:100]) / 100
    )


def test_a_table_filled_in_by_hand(files: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "hand.csv"
    table.write_text('id,labels\ns0,none\ns1,offer\ns2,"offer, denial"\ns3,\ns4,None\ns5, \ns6,","\ns7," , ,"\n')
    found = run((files[0], table))
    assert (found.coded, found.uncoded) == (4, ("s3", "s5", "s6", "s7"))
    assert only(found, "offer", None, Method.hand).positives == 2


MISTAKES = {
    "another corpus's id": ({"id": "x1", "labels": []}, {}, "no sentence of .* has the id 'x1'"),
    "twice": ({"id": "s0", "labels": []}, {}, "id 's0' was used before"),
    "another text": ({"id": "s1", "labels": [], "text": "Other."}, {}, "the text of id 's1' is another"),
    "misspelt label": ({"id": "s1", "labels": ["ofer"]}, {}, "unknown label 'ofer'; did you mean 'offer'"),
    "no probability": ({"id": "s1", "labels": [], "inclusion_probability": 2}, {}, "above 0 and at most 1, found 2"),
    "a probability for one": (
        {"id": "s1", "labels": [], "inclusion_probability": 0.5},
        {},
        "some sentences have an 'inclusion_probability' and some have none",
    ),
    "no such column": ({"id": "s1", "labels": []}, {"by": ["sorce"]}, "no column 'sorce'; did you mean 'source'"),
    "no such label column": ({"id": "s1", "labels": []}, {"label_column": "label"}, "did you mean 'labels'"),
    "no dates": ({"id": "s1", "labels": []}, {"time": "source"}, "expected 'source' to hold dates such as 2024-05"),
    "no document": ({"id": "s1", "labels": []}, {"document_column": "doc"}, "no column 'doc'"),
}


@pytest.mark.parametrize(("row", "settings", "told"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told(files: tuple[Path, Path], row: dict, settings: dict, told: str) -> None:
    rows = [json.loads(line) for line in files[1].read_text().splitlines()]
    write_jsonl(files[1], [*rows, row])
    with pytest.raises(StanceError, match=told):
        run(files, **settings)


def test_rows_may_lack_columns_that_others_have(files: tuple[Path, Path]) -> None:
    """As where a table and an article, whose sentences have a document, were labelled into one file."""
    rows, coded = corpus_rows(), [json.loads(line) for line in files[1].read_text().splitlines()]
    for row in rows[:200]:
        del row["document"], row["source"]
    del coded[0]["labels"]
    write_jsonl(files[0], rows)
    write_jsonl(files[1], coded)
    found = run(files, by=["source"])
    assert found.documents == 200 + 40
    assert only(found, "offer", "(none)", Method.naive).n == 200
    assert found.uncoded == ("s0",)


def test_what_is_no_labelled_file_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is no labelled file.*python scripts/predict.py"):
        run((files[1], files[1]))
    empty = write_jsonl(tmp_path / "empty.jsonl", [{"id": "s0", "labels": None}])
    with pytest.raises(DataError, match=r"Nothing is coded in .* or 'none'"):
        run((files[0], empty))
    with pytest.raises(DataError, match=r"correct what is listed and run again:\n.*id 's0' was used before"):
        run((write_jsonl(tmp_path / "twice.jsonl", corpus_rows(3) * 2), files[1]))


def test_the_script_shows_all_methods_and_tells_of_what_is_not_coded(
    run_script: Run, files: tuple[Path, Path], tmp_path: Path
) -> None:
    with files[1].open("a") as file:
        file.write('{"id": "s1", "labels": null}\n')
    done = run_script("estimate.py", f"corpus={files[0]}", f"coded={files[1]}", "by=[source]", "covariates=[length]")
    assert done.returncode == 2, done.stderr
    assert "Not coded: 1 sentence of" in done.stderr
    for told in (*(method.value for method in Method), "radio", "linear regression", "200 hand-coded"):
        assert told in done.stdout
