"""Samples to hand-code: who is drawn, how likely that was, how wide intervals will be, and what the coder sees."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import Run, write_jsonl

from stance.config import EstimateConfig, SampleConfig
from stance.errors import ConfigError, DataError, StanceError
from stance.estimate import estimate
from stance.labelled import read_coded, read_corpus
from stance.sample import Drawn, sample
from stance.strata import allocate, expected_widths, lower_bounds, stratify

N = 2000


def corpus_rows(n: int = N, bias: float = 1.0) -> list[dict[str, object]]:
    """Sentences with a rare label, whose probability is true if ``bias`` is 1 and too high if it is more."""
    rng = np.random.default_rng(0)
    rates = rng.beta(0.3, 4, n)
    return [
        {
            "text": f"Sentence {number}.",
            "gold": ["denial"] if rng.random() < rate else [],
            "labels": ["denial"] if rate >= 0.5 else [],
            "uncertain": ["denial"],
            "probabilities": {"denial": round(min(float(rate) * bias, 1.0), 6), "offer": 0.5},
            "truncated": False,
            "document": f"d{number // 10}",
            "start": number % 10 * 100,
        }
        for number, rate in enumerate(rates)
    ]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "corpus.jsonl", corpus_rows())


def draw(corpus: Path, output: str = "to_code.jsonl", **settings: object) -> Drawn:
    return sample(SampleConfig(corpus=str(corpus), output=str(corpus.parent / output), **settings))


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_strata_hold_as_much_of_the_standard_deviation_and_equal_probabilities_stay_together() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.beta(0.3, 4, 20_000)
    strata = stratify(probabilities, lower_bounds(probabilities, 4))
    shares = np.bincount(strata, np.sqrt(probabilities * (1 - probabilities)))
    assert shares / shares.sum() == pytest.approx([0.25] * 4, abs=0.001)
    tied = np.repeat([0.1, 0.9], [100, 60])
    assert stratify(tied, lower_bounds(tied, 4)).tolist() == [0] * 100 + [1] * 60


def test_allocation_by_hand() -> None:
    """Sizes 100, 100, 10 of deviation .1, .3, .5: in proportion to 10, 30, 5, but 10 at least and all of the last."""
    probabilities = np.repeat([(1 - np.sqrt(1 - 4 * d**2)) / 2 for d in (0.1, 0.3, 0.5)], [100, 100, 10])
    strata = np.repeat([0, 1, 2], [100, 100, 10])
    assert allocate(probabilities, strata, 45, 2).tolist() == [10, 30, 5]
    assert allocate(probabilities, strata, 50, 10).tolist() == [10, 30, 10]
    assert allocate(probabilities, strata, 210, 10).tolist() == [100, 100, 10]
    assert allocate(np.zeros(210), strata, 30, 5).sum() == 30, "a model sure of all"
    with pytest.raises(ConfigError, match="expected n from 30 to 210"):
        allocate(probabilities, strata, 29, 10)
    with pytest.raises(ConfigError, match="floor to be at least 2"):
        allocate(probabilities, strata, 45, 1)


def test_expected_width_is_what_coding_then_gives(corpus: Path) -> None:
    drawn = draw(corpus, n=500, label="denial")
    found = estimate(
        EstimateConfig(
            corpus=str(corpus), coded=str(corpus.parent / "to_code.jsonl"), label_column="gold", document_column="text"
        )
    )
    for method, width in (("PPI++", drawn.widths["denial"].ppi), ("hand-coding alone", drawn.widths["denial"].hand)):
        (row,) = (row for row in found.shares if (row.label, row.method) == ("denial", method))
        assert row.high - row.low == pytest.approx(width, rel=0.25)
    simple = expected_widths(np.full(1000, 0.5), np.zeros(1000, int), np.array([100]), np.arange(1000))
    assert simple.hand == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 100), rel=0.001)


def test_a_wanted_width_tells_how_many(corpus: Path) -> None:
    drawn = draw(corpus, width=0.03, label="denial")
    assert drawn.widths["denial"].ppi <= 0.03
    assert draw(corpus, n=drawn.n - 1, label="denial").widths["denial"].ppi > 0.03
    assert max(width.ppi for width in draw(corpus, width=0.08).widths.values()) <= 0.08, "of every label"
    with pytest.raises(ConfigError, match=r"No sample of this corpus gives an interval of width 0\.001"):
        draw(corpus, width=0.001, label="denial")


def test_each_sentence_is_drawn_as_often_as_its_column_says(corpus: Path) -> None:
    drawn = draw(corpus, n=300, label="denial")
    rows = read(corpus.parent / "to_code.jsonl")
    assert len(rows) == len({row["id"] for row in rows}) == drawn.n == 300
    for stratum in drawn.strata:
        (chance,) = {row["inclusion_probability"] for row in rows if row["stratum"] == stratum.name}
        assert chance == stratum.drawn / stratum.n
        assert stratum.drawn >= 20
    often = 0
    for seed in range(5):
        draw(corpus, n=1000, seed=seed)
        often += sum(row["document"] < "d2" for row in read(corpus.parent / "to_code.jsonl"))
    assert often / 5 == pytest.approx(sum(str(row["document"]) < "d2" for row in corpus_rows()) / 2, rel=0.05)


def test_the_same_seed_draws_the_same_and_the_order_is_random(corpus: Path) -> None:
    draw(corpus, "one.jsonl", n=100)
    draw(corpus, "two.jsonl", n=100)
    draw(corpus, "three.jsonl", n=100, seed=1)
    one, two, three = (read(corpus.parent / f"{name}.jsonl") for name in ("one", "two", "three"))
    assert one == two != three
    assert one != sorted(one, key=lambda row: row["id"])


def test_the_order_does_not_tell_the_strata(corpus: Path) -> None:
    draw(corpus, n=300, label="denial")
    strata = [row["stratum"] for row in read(corpus.parent / "to_code.jsonl")]
    assert sum(one != other for one, other in pairwise(strata)) > 100


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_the_coder_sees_the_sentence_and_not_the_model(corpus: Path, ending: str) -> None:
    draw(corpus, f"to_code.{ending}", n=100, label="denial")
    path = corpus.parent / f"to_code.{ending}"
    if ending == "csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = read(path) if ending == "jsonl" else pq.read_table(path).to_pylist()
    assert list(rows[0]) == [
        *("id", "text", "gold", "document", "start", "stratum", "inclusion_probability", "label_set", "labels")
    ]
    assert rows[0]["label_set"] == ("denial,offer" if ending == "csv" else ["denial", "offer"])
    assert {row["labels"] or None for row in rows} == {None}


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_sample_filled_in_estimates_the_corpus(corpus: Path, ending: str) -> None:
    draw(corpus, f"to_code.{ending}", n=400, label="denial")
    path = corpus.parent / f"to_code.{ending}"
    gold = {f"{row['document']}:{row['start']}": row["gold"] for row in corpus_rows()}
    if ending == "jsonl":
        write_jsonl(path, [row | {"labels": gold[row["id"]]} for row in read(path)])
    elif ending == "csv":
        with path.open(newline="") as file:
            rows = [row | {"labels": ",".join(gold[row["id"]]) or "none"} for row in csv.DictReader(file)]
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    else:
        table = pq.read_table(path)
        column = [gold[identifier] for identifier in table["id"].to_pylist()]
        pq.write_table(table.set_column(table.schema.get_field_index("labels"), "labels", [column]), path)
    found = estimate(EstimateConfig(corpus=str(corpus), coded=str(path)))
    truth = sum(map(bool, gold.values())) / N
    for row in found.shares:
        if row.label == "denial" and row.method in ("PPI++", "hand-coding alone"):
            assert row.low < truth < row.high
    assert not found.uncoded


def test_those_coded_stand_for_all_of_their_stratum(corpus: Path) -> None:
    draw(corpus, n=400, label="denial")
    path = corpus.parent / "to_code.jsonl"
    rows = read(path)
    halved = [number for number, row in enumerate(rows) if row["stratum"] == rows[0]["stratum"]][::2]
    write_jsonl(path, [row | {"labels": None if n in halved else row["gold"]} for n, row in enumerate(rows)])
    design = read_coded(path, read_corpus(corpus), "labels").design
    assert len(design.coded) == 400 - len(halved)
    assert np.bincount(design.strata[design.coded], design.weights) == pytest.approx(np.bincount(design.strata))


def test_a_pilot_corrects_what_the_model_claims(tmp_path: Path) -> None:
    biased = write_jsonl(tmp_path / "corpus.jsonl", corpus_rows(bias=3.0))
    claimed = draw(biased, "pilot.jsonl", n=400)
    rows = [row | {"labels": row["gold"]} for row in read(tmp_path / "pilot.jsonl")]
    write_jsonl(tmp_path / "pilot.jsonl", rows)
    corrected = draw(biased, n=400, pilot=str(tmp_path / "pilot.jsonl"))
    assert corrected.widths["denial"].ppi < 0.8 * claimed.widths["denial"].ppi
    draw(biased, n=400, pilot=str(tmp_path / "pilot.jsonl"), label="denial")
    # Its strata are those of the corpus's own probabilities, or this would be refused.
    coded = EstimateConfig(corpus=str(biased), coded=str(tmp_path / "to_code.jsonl"), label_column="gold")
    assert estimate(coded).coded == 400


@pytest.mark.parametrize("with_label", [slice(-1, -161, -40), slice(0, 200, 2)], ids=["few", "the unlikely"])
def test_a_pilot_that_says_too_little_is_told_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, with_label: slice
) -> None:
    rows = corpus_rows(bias=3.0)
    corpus = write_jsonl(tmp_path / "corpus.jsonl", rows)
    claimed = draw(corpus, "pilot.jsonl", n=400)
    likely = {f"{row['document']}:{row['start']}": row["probabilities"]["denial"] for row in rows}
    pilot = sorted(read(tmp_path / "pilot.jsonl"), key=lambda row: likely[row["id"]])
    carry = {row["id"] for row in pilot[with_label]}
    write_jsonl(tmp_path / "pilot.jsonl", [row | {"labels": ["denial"] * (row["id"] in carry)} for row in pilot])
    found = draw(corpus, n=400, pilot=str(tmp_path / "pilot.jsonl"))
    assert "The pilot says too little about 'denial'" in caplog.text
    assert found.widths["denial"] == claimed.widths["denial"]


MISTAKES = {
    "neither": ({}, "Give either n=<sentences> or width="),
    "both": ({"n": 10, "width": 0.1}, "Give either n=<sentences> or width="),
    "too many": ({"n": 5000}, "Cannot draw 5000 of 2000"),
    "fewer than the floors": ({"n": 10, "label": "denial"}, "expected n from 80 to 2000. Change n, strata or floor"),
    "no such label": ({"n": 10, "label": "denail"}, "no label 'denail'; did you mean 'denial'"),
    "a column that is taken": ({"n": 10, "label_column": "gold"}, "The sample has a column 'gold' already"),
    "a column of the sample": ({"n": 10, "label_column": "id"}, "The sample has a column 'id' already"),
    "no width": ({"width": float("nan")}, "width=nan is out of range"),
    "no seed": ({"n": 10, "seed": -1}, "seed=-1 is out of range"),
    "itself": ({"n": 10, "output": "corpus.jsonl"}, "corpus and output are both"),
    "an unknown ending": ({"n": 10, "output": "x.xlsx"}, "expected a name ending in"),
}


@pytest.mark.parametrize(("settings", "told"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_and_nothing_is_written(corpus: Path, settings: dict, told: str) -> None:
    with pytest.raises(StanceError, match=told):
        draw(corpus, **settings)
    assert [path.name for path in corpus.parent.iterdir()] == ["corpus.jsonl"]


def test_what_a_person_has_coded_is_never_replaced(corpus: Path) -> None:
    draw(corpus, "to_code.csv", n=20)
    draw(corpus, "to_code.csv", n=20)  # nobody has filled it in
    table = corpus.parent / "to_code.csv"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[4]["labels"] = "denial"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    before = table.read_bytes()
    with pytest.raises(ConfigError, match=r"somebody has filled in 'labels' at .*to_code\.csv:6"):
        draw(corpus, "to_code.csv", n=20)
    with pytest.raises(ConfigError, match="pilot and output are both"):
        draw(corpus, "to_code.csv", n=20, pilot=str(table))
    with pytest.raises(ConfigError, match="coded and output are both"):
        estimate(EstimateConfig(corpus=str(corpus), coded=str(table), output=str(table)))
    assert table.read_bytes() == before


def test_a_sample_of_another_corpus_or_labelling_is_refused(corpus: Path, tmp_path: Path) -> None:
    draw(corpus, n=200, label="denial")
    other = write_jsonl(tmp_path / "other.jsonl", corpus_rows(bias=2.0))
    config = EstimateConfig(corpus=str(other), coded=str(tmp_path / "to_code.jsonl"), label_column="gold")
    with pytest.raises(DataError, match=r"was not drawn from .* If the corpus has been labelled anew, remove"):
        estimate(config)
    rows = read(tmp_path / "to_code.jsonl")
    for row in rows:
        row["stratum"] = "north"
    write_jsonl(tmp_path / "to_code.jsonl", rows)
    with pytest.raises(DataError, match=r"expected 'stratum' to be as scripts/sample.py writes it.*found north"):
        estimate(config)
    write_jsonl(tmp_path / "to_code.jsonl", [{k: v for k, v in row.items() if k != "stratum"} for row in rows])
    assert estimate(config).coded == 200, "inclusion probabilities still hold"


def test_a_simple_sample_of_a_corpus_that_has_grown_is_refused(corpus: Path) -> None:
    draw(corpus, n=100)
    rows = [json.loads(line) for line in corpus.read_text().splitlines()]
    write_jsonl(corpus, [*rows, *({**row, "document": f"new {row['document']}"} for row in rows)])
    config = EstimateConfig(corpus=str(corpus), coded=str(corpus.parent / "to_code.jsonl"), label_column="gold")
    with pytest.raises(DataError, match="was not drawn from"):
        estimate(config)


def test_a_stratum_of_which_one_sentence_is_coded_is_refused(corpus: Path) -> None:
    drawn = draw(corpus, n=200, label="denial")
    rows = read(corpus.parent / "to_code.jsonl")
    first = next(row for row in rows if row["stratum"] == drawn.strata[0].name)
    others = [row for row in rows if row["stratum"] != drawn.strata[0].name]
    done = [row | {"labels": []} for row in (first, *others)]
    left = [row | {"labels": None} for row in rows if row not in (first, *others)]
    write_jsonl(corpus.parent / "to_code.jsonl", done + left)
    with pytest.raises(DataError, match="nothing or a single sentence is coded in 1 of 4 strata"):
        estimate(EstimateConfig(corpus=str(corpus), coded=str(corpus.parent / "to_code.jsonl")))


def test_a_stratum_that_nobody_coded_is_refused(corpus: Path) -> None:
    drawn = draw(corpus, n=200, label="denial")
    rows = read(corpus.parent / "to_code.jsonl")
    done = [row | {"labels": None if row["stratum"] == drawn.strata[0].name else []} for row in rows]
    write_jsonl(corpus.parent / "to_code.jsonl", done)
    with pytest.raises(DataError, match="nothing or a single sentence is coded in 1 of 4 strata"):
        estimate(EstimateConfig(corpus=str(corpus), coded=str(corpus.parent / "to_code.jsonl")))


def test_the_script_says_what_it_drew_and_what_to_expect(run_script: Run, corpus: Path) -> None:
    done = run_script("sample.py", f"corpus={corpus}", f"output={corpus.parent}/to_code.csv", "n=100", "label=denial")
    assert done.returncode == 0, done.stderr
    for told in ("100 sentences to code", "denial>=", "Expected width of the 95 % interval", "fill in 'labels'"):
        assert told in done.stdout
