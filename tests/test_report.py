"""Reports: what they tell, that they stand alone, and that no text of a corpus can do anything in them."""

import html
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Run, write_jsonl
from rich.console import Console

from stance.bootstrap import Estimate
from stance.config import DataConfig, EvaluateConfig, ReportConfig, TrainedModelConfig
from stance.errors import ConfigError
from stance.evaluate import evaluate_in_full
from stance.evaluation import Evaluation
from stance.evaluation_tables import evaluation_tables
from stance.evidence import Faithfulness
from stance.labels import LABELS
from stance.report.corpus_report import report_corpus
from stance.report.evaluation_report import report_evaluation, report_path
from stance.report.mistakes import Mistakes
from stance.report.page import LONGEST, excerpt, visible
from stance.report.sweep import sweep
from stance.report.words import Words

HOSTILE = [
    "</script><script>document.title='owned'</script> deny",
    "<img src=x onerror=\"document.title='owned'\"> blame the",
    "=cmd|' /C calc'!A0 we resume talks",
    "invoice \u202etxt.exe and \u2066isolated",
    "a null \x00 and a bell \x07",
    "\U0001f600 \U0001f469\u200d\U0001f469\u200d\U0001f467 they deny",
    "long " * 2000,
    "x" * 10_000,
    "&lt;b&gt; &amp; &#60;i&#62;",
    "{{ 7 * 7 }} {% for x in y %} ${7*7}",
    "שלום עולם (abc) 123",
]
WIDTHS = (360, 820, 1400)


@dataclass(frozen=True)
class Evaluated:
    page: Path
    evaluation: Evaluation
    again: Callable[[Path], Path]


@pytest.fixture(scope="module")
def evaluated(tiny_model: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The report of a model that was judged on hostile sentences."""
    folder = tmp_path_factory.mktemp("evaluated")
    rows = [
        {"id": f"<i>{n}</i>", "text": text, "labels": [LABELS[n % 4]], "scenario": f"s{n % 7}", "genre": text[:60]}
        for n, text in enumerate(HOSTILE * 2)
    ]
    for n, row in enumerate(rows):
        row["text"] = f"{row['text']} {n}"
    learned = json.loads(tiny_data.read_text().splitlines()[0])["text"]
    contrast: list[dict[str, object]] = [
        {"id": text[:60], "text": text, "labels": [], "group": f"<u>{n // 2}</u>", "phenomenon": HOSTILE[0]}
        for n, text in enumerate([learned, *HOSTILE[:3]])
    ]
    data = DataConfig(
        test=str(write_jsonl(folder / "hostile.jsonl", rows)),
        contrast=str(write_jsonl(folder / "contrast.jsonl", contrast)),
    )
    config = EvaluateConfig(
        model=TrainedModelConfig(path=str(tiny_model)), data=data, by=["genre"], draws=50, output=str(folder / "e.json")
    )
    evaluation, judged, predictor = evaluate_in_full(config)
    return Evaluated(
        report_evaluation(config, evaluation, judged, predictor),
        evaluation,
        lambda page: report_evaluation(replace(config, report=str(page)), evaluation, judged, predictor),
    )


def labelled(n: int, text: str) -> dict[str, Any]:
    probabilities = {label: 0.97 - 0.01 * (n % 50) if label == LABELS[n % 4] else 0.05 for label in LABELS}
    return {
        "id": f"s{n}<u>",
        "text": text,
        "source": text[:50] if n < len(HOSTILE) else ("radio", "wire")[n % 2],
        "date": f"2024-{1 + n % 6:02d}-03",
        "labels": [label for label, value in probabilities.items() if value > 0.5],
        "uncertain": [LABELS[n % 4]] if n % 3 == 0 else [],
        "truncated": False,
        "probabilities": probabilities,
    }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled file with hostile texts, and rows that were set aside."""
    path = tmp_path_factory.mktemp("corpus") / "labelled.jsonl"
    texts = [*HOSTILE, *(f"They deny it, for the {n}th time." for n in range(200))]
    write_jsonl(path, [labelled(n, text) for n, text in enumerate(texts)])
    aside = {"where": "a.csv:3", "reason": "not valid <b>UTF-8</b>", "raw": "<script>document.title='owned'</script>"}
    write_jsonl(path.with_name(f"{path.name}.rejected.jsonl"), [aside])
    return path


@pytest.fixture(scope="module")
def counted(corpus: Path) -> Path:
    output = corpus.with_name("report.html")
    report_corpus(ReportConfig(corpus=str(corpus), output=str(output), time="date", by=["source"], sentences=12))
    return output


def told(page: Path) -> str:
    """What a reader sees, more or less."""
    without = re.sub(r"<(style|script)\b.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", without)).split())


def test_the_headline_stands_there_with_n_and_interval(evaluated: Evaluated) -> None:
    page, evaluation = evaluated.page, evaluated.evaluation
    text, headline = told(page), evaluation.quality.macro.f1
    assert headline is not None
    assert f"{headline.value:.2f} macro F1 , 95 % interval {headline.low:.2f} to {headline.high:.2f}" in text
    assert f"n = {evaluation.quality.n}" in text
    for section in ("Label by label", "At a few thresholds", "In parts of the sentences", "The most telling errors"):
        assert section in text


def test_contrast_sentences_seen_before_are_told(evaluated: Evaluated) -> None:
    text = told(evaluated.page)
    assert "of the contrast sets, from 1 and near-duplicates of 0." in text
    assert "Of the 4 sentences there it has learned from 1, and from near-duplicates of 0 others." in text
    assert "of 1 are wholly right" in text


def test_number_and_noun_agree_where_there_is_one_of_each(tiny_model: Path, corpus: Path, tmp_path: Path) -> None:
    rows = corpus.read_text(encoding="utf-8").splitlines()[-1:]
    write_jsonl(tmp_path / "one.jsonl", [{**json.loads(row), "document": "d"} for row in rows])
    report_corpus(ReportConfig(corpus=str(tmp_path / "one.jsonl"), output=str(tmp_path / "corpus.html")))
    config = EvaluateConfig(
        model=TrainedModelConfig(path=str(tiny_model)),
        data=DataConfig(test=str(tmp_path / "one.jsonl")),
        draws=1,
        output=str(tmp_path / "evaluation.json"),
    )
    evaluation, judged, predictor = evaluate_in_full(config)
    report_evaluation(config, evaluation, judged, predictor)
    console = Console(record=True, file=io.StringIO())
    console.print(*evaluation_tables(evaluation))
    pages = [told(tmp_path / f"{name}.html") for name in ("corpus", "evaluation")]
    for text in (*pages, console.export_text()):
        assert re.findall(r"(?<![\w.,])1 [a-z]+s\b.*", text) == []
    assert "1 sentence, none coded" in pages[0]
    assert "n = 1 sentence of 1 document" in pages[1]


def test_the_figures_for_other_thresholds_are_right(evaluated: Evaluated) -> None:
    page, evaluation = evaluated.page, evaluated.evaluation
    (data,) = re.findall(r'<script type="application/json" id="sweeps">(.*?)</script>', page.read_text(), re.DOTALL)
    for one, figures in zip(json.loads(data), evaluation.quality.labels.values(), strict=True):
        given, right = one["given"][one["own"]], one["right"][one["own"]]
        assert right / one["positives"] == pytest.approx(figures.recall.value)
        assert (right / given if given else None) == (figures.precision and pytest.approx(figures.precision.value))
        assert one["given"][0] == evaluation.quality.n
        assert one["given"] == sorted(one["given"], reverse=True)


@pytest.mark.parametrize("counts", [True, False])
def test_words_are_shown_only_if_they_are_measured_to_count(
    evaluated: Evaluated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: bool
) -> None:
    gain = Estimate(0.2, 0.1 if counts else -0.1, 0.3, 40, 30, False)

    def find(_: object, __: object, mistakes: Sequence[Mistakes], *, seed: int) -> Words:
        alarms = [(mistake.example.text, one.label) for one in mistakes for mistake in one.false_alarms]
        return Words(Faithfulness(40, 30, gain, gain, gain, gain), {key: [(0, 3)] for key in alarms} if counts else {})

    monkeypatch.setattr("stance.report.evaluation_report.find_words", find)
    page = evaluated.again(tmp_path / "again.html")
    assert ("Words are not shown." in told(page)) is not counts
    assert ("Are these the words that count?" in told(page)) is counts
    assert ("<mark>" in page.read_text()) is (counts and evaluated.evaluation.quality.micro.precision is not None)


def test_a_sweep_counts_what_reaches_a_threshold() -> None:
    found = sweep("offer", np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, True, False, True]), own=0.4321)
    own = found.at(found.own)
    assert (own.threshold, own.given, own.precision, own.recall) == (0.4321, 3, 2 / 3, 1)
    half = found.at(found.thresholds.index(0.5))
    assert (half.given, half.f1) == (3, 0.8)
    assert [point.own for point in found.few] == [False, False, True, False, False, False]


def test_without_a_sample_the_count_comes_with_a_warning(counted: Path) -> None:
    text = told(counted)
    assert "counts by the model alone, its errors included" in text
    assert "1 row of the input could not be labelled" in text
    assert "not told by a single file" in text


def test_sentences_without_a_date_are_not_drawn_over_time(tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    for months, drawn in ((3, len(LABELS)), (2, 0)):
        rows = [labelled(n, f"They deny it, for the {n}th time.") for n in range(40)]
        for n, row in enumerate(rows):
            row["date"] = f"2024-{1 + n % months:02d}-03" if n % 4 else None
        corpus = write_jsonl(tmp_path / "labelled.jsonl", rows)
        report_corpus(ReportConfig(corpus=str(corpus), output=str(output), time="date"))
        assert "(none)" in told(output), "the table tells of them"
        plots = re.findall(r"<svg\b.*?</svg>", output.read_text(encoding="utf-8"), re.DOTALL)
        assert len([plot for plot in plots if "2024-01" in plot]) == drawn
        assert not [plot for plot in plots if "(none)" in plot]


def test_with_a_sample_the_shares_are_those_of_estimate(corpus: Path, tmp_path: Path) -> None:
    coded = write_jsonl(
        tmp_path / "coded.jsonl", [{"id": f"s{n}<u>:", "labels": [LABELS[n % 4]]} for n in range(20, 120)]
    )
    rows = [json.loads(line) for line in coded.read_text().splitlines()]
    write_jsonl(coded, [{**row, "id": row["id"].removesuffix(":")} for row in rows])
    output = tmp_path / "report.html"
    estimates = report_corpus(ReportConfig(corpus=str(corpus), coded=str(coded), output=str(output)))
    share = next(row for row in estimates.shares if (row.label, row.method, row.column) == ("offer", "PPI++", None))
    text = told(output)
    assert f"{100 * share.value:.1f} % {100 * share.low:.1f} % to {100 * share.high:.1f} %" in text
    assert "by the model alone" not in text
    assert "100 coded by hand" in text


def test_the_folder_of_a_job_tells_what_made_it_and_whether_it_is_finished(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "job"
    (folder / "sentences").mkdir(parents=True)
    (folder / "rejected").mkdir()
    shutil.copy(corpus, folder / "sentences" / "00000.jsonl")
    (folder / "rejected" / "00000.jsonl").write_text('{"where": "b.csv:9", "reason": "empty", "raw": ""}\n')
    manifest = {
        "inputs": [{"name": "news.csv", "fingerprint": "f"}],
        "rows": 300,
        "model": {
            "name": "large",
            "weights_sha256": "ab" * 32,
            "backend": "torch",
            "decision": {"labels": LABELS, "thresholds": [0.5] * 4},
        },
        "settings": {"thresholds": {"denial": 0.25}},
        "versions": {"stance": "9.9"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    report_corpus(ReportConfig(corpus=str(folder), output=str(tmp_path / "r.html")))
    text = told(tmp_path / "r.html")
    assert "The corpus job is not finished." in text
    assert "large , weights SHA-256 " + "ab" * 32 in text
    assert "denial 0.250" in text
    assert "b.csv:9" in text


def test_hostile_text_is_escaped_shown_and_cut(evaluated: Evaluated, counted: Path) -> None:
    for page in (evaluated.page, counted):
        source, text = page.read_text(encoding="utf-8"), told(page)
        assert not re.findall(r"<(img|iframe|object|embed|link|base|form)\b", source)
        assert "document.title='owned'" not in source.replace("&#39;", "")
        assert not set("\x00\x07\u202e\u2066") & set(source)
        assert "[U+202E]" in text
        assert "{{ 7 * 7 }}" in text
        assert f"[the first {LONGEST} of 10,00" in text
        assert len(source) < 220_000
        assert re.search(r'(src|href)="(?!#)', source) is None
        assert "default-src 'none'" in source
    assert "&amp;lt;b&amp;gt;" in counted.read_text()


def test_excerpts_mark_places_and_leave_out_those_beyond_the_end() -> None:
    assert excerpt("They deny it.", [(5, 9)]).parts == (("They ", False), ("deny", True), (" it.", False))
    long = excerpt("a" * 1000, [(2, 3), (LONGEST - 1, LONGEST + 5)])
    assert (long.shown, long.length) == (LONGEST, 1000)
    assert "".join(part for part, _ in long.parts) == "a" * LONGEST
    assert [part for part, marked in long.parts if marked] == ["a"]


def test_hidden_characters_are_made_visible() -> None:
    assert visible("a\u202eb\x00c\ud800") == "a[U+202E]b[U+0000]c\ufffd"
    assert visible("שלום\n") == "שלום\n"
    assert visible(7) == 7


def test_a_page_needs_a_name_of_a_page(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a name ending in \.html"):
        report_corpus(ReportConfig(corpus=str(corpus), output=str(tmp_path / "report.pdf")))
    with pytest.raises(ConfigError, match=r"output and report are both"):
        report_path(EvaluateConfig(output="evaluation.html"))
    assert report_path(EvaluateConfig(output="a/evaluation.json")) == Path("a/evaluation.html")


def test_the_same_gives_the_same_page(corpus: Path, counted: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.html"
    report_corpus(ReportConfig(corpus=str(corpus), output=str(again), time="date", by=["source"], sentences=12))
    assert again.read_bytes() == counted.read_bytes()


def test_the_script_writes_the_report(run_script: Run, corpus: Path, tmp_path: Path) -> None:
    done = run_script("report.py", f"corpus={corpus}", f"output={tmp_path / 'r.html'}")
    assert done.returncode == 0, done.stderr
    assert "know nothing of its errors" in done.stderr
    assert (tmp_path / "r.html").exists()


# In a browser.


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no chromium and chromedriver here: apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


def requests_of(browser: Any) -> list[str]:
    """Addresses that the browser has asked for since the last call."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    sent = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith(("file:", "data:", "about:", "chrome:"))]


def test_in_a_browser_pages_fit_ask_nothing_and_run_nothing_of_the_texts(
    browser: Any, evaluated: Evaluated, counted: Path
) -> None:
    for page in (evaluated.page, counted):
        for width in WIDTHS:
            metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == min(WIDTHS)}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.get(page.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, (page, width)
        assert "owned" not in browser.title
        assert browser.get_log("browser") == []
        assert requests_of(browser) == []


def test_in_a_browser_the_slider_changes_the_figures(browser: Any, evaluated: Evaluated) -> None:
    browser.get(evaluated.page.as_uri())
    figure, slider = (browser.find_element("css selector", f"[data-sweep='0']{part}") for part in ("", " input"))
    move = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"

    def shown() -> tuple[str, ...]:
        dot = figure.find_element("css selector", ".chosen")
        cells = [cell.text for cell in figure.find_elements("css selector", "dd")]
        return (*cells, figure.find_element("css selector", "output").text, dot.get_attribute("cx"))

    own = shown()
    browser.execute_script(move, slider, "0")
    lowest = shown()
    assert lowest[1] == "1.00", "at a threshold of 0 all are found"
    assert lowest[3:5] == (str(evaluated.evaluation.quality.n), "0.00")
    assert lowest != own
    browser.find_element("id", "reset").click()
    assert shown() == own
