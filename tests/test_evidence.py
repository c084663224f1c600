"""Which words speak for a label: with models whose workings are known, and with the one that comes with stance."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT

from stance.decision import Decision
from stance.errors import ConfigError
from stance.evidence import SHOWN, explain, measure_faithfulness
from stance.inference import Logits
from stance.predict import Predictor

LABELS = ("offer", "denial")
SENTENCE = "He’s said it again — we have never, ever shelled the well-known café in the U.S. enclave of 3,000"  # noqa: RUF001


def known(logit: Callable[[str], float], max_length: int = 100) -> Predictor:
    """A predictor whose logit of denial is known, and whose logit of offer is always 0."""

    class Network:
        def logits(self, texts: Sequence[str]) -> Logits:
            values = np.array([[0.0, logit(text)] for text in texts], dtype=np.float32)
            return Logits(values, np.zeros(len(texts), dtype=np.bool_))

    return Predictor(Network(), SimpleNamespace(decision=Decision.uncalibrated(LABELS), max_length=max_length))  # type: ignore[arg-type]


def by_words(text: str) -> float:
    return 4.0 * ("never" in text) + 2.0 * ("shelled" in text) - 1.0 * ("again" in text) - 3.0


def by_hash(text: str) -> float:
    """As often far above 0 as far below, and without any sense."""
    return hashlib.sha256(text.encode()).digest()[0] / 32 - 4


def test_words_are_weighed_by_what_the_logit_loses_without_them() -> None:
    (found,) = explain(known(by_words), [SENTENCE], "denial")
    weights = {word.text: word.contribution for word in found.words if word.contribution}
    assert weights == {"never": 4, "shelled": 2, "again": -1}
    assert [word.text for word in found.shown] == ["never", "shelled"], "nothing is shown that does not speak for it"
    assert found.probability == pytest.approx(1 / (1 + np.exp(-2)))


@pytest.mark.parametrize("text", [SENTENCE, "ein cafe\u0301s cafe\u0301", "\U0001f600 yes\u200fno", "“Stop!”"])
def test_words_stand_where_they_say(text: str) -> None:
    (found,) = explain(known(by_words), [text], "offer")
    assert [text[word.start : word.end] for word in found.words] == [word.text for word in found.words]
    assert "".join(word.text for word in found.words) == "".join(
        c for n, c in enumerate(text) if any(word.start <= n < word.end for word in found.words)
    )


def test_words_are_whole() -> None:
    (found,) = explain(known(by_words), [SENTENCE], "denial")
    words = [word.text for word in found.words]
    assert words[0] == "He’s"  # noqa: RUF001
    assert words[-8:] == ["well-known", "café", "in", "the", "U.S", "enclave", "of", "3,000"]


def test_each_text_may_have_its_label_and_some_have_no_words() -> None:
    found = explain(known(by_words), ["never", "?!", "", "never"], ["denial", "denial", "offer", "offer"])
    assert [(one.label, [word.contribution for word in one.words]) for one in found] == [
        ("denial", [4]),
        ("denial", []),
        ("offer", []),
        ("offer", [0]),
    ]
    assert explain(known(by_words), [], "denial") == []


def test_mistakes_are_told() -> None:
    with pytest.raises(ConfigError, match="did you mean 'denial'"):
        explain(known(by_words), ["never"], "denail")
    with pytest.raises(ValueError, match="as many labels as texts, or one for all: found 2 and 1"):
        explain(known(by_words), ["never"], ["denial", "offer"])
    with pytest.raises(TypeError, match="list of one"):
        explain(known(by_words), "never", "denial")


def test_what_a_model_does_not_read_is_not_weighed() -> None:
    (found,) = explain(known(by_words, max_length=5), [SENTENCE], "denial")
    assert len(found.words) == 5


FILLER = ["the", "of", "a", "and", "to", "in", "on", "at", "by", "for"]


def sentences(n: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.permutation([*FILLER, "never", "shelled", "again", str(number)])) for number in range(n)]


def test_words_that_count_are_told_from_random_ones() -> None:
    model, texts = known(by_words), sentences(40)
    found = measure_faithfulness(model, explain(model, texts, "denial"), [str(n // 2) for n in range(40)])
    assert found is not None
    assert (found.n, found.documents, found.holds) == (40, 20, True)
    before, after = 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(4))
    assert found.fall.value == pytest.approx(before - after), "both words that count are gone"
    assert found.gain.value == pytest.approx(found.fall.value - found.random_fall.value)
    assert found.kept_gain.low > 0
    again = measure_faithfulness(model, explain(model, texts, "denial"), [str(n // 2) for n in range(40)])
    assert again == found


@pytest.mark.parametrize("logit", [by_hash, lambda _: 1.0, lambda text: float(len(text.split())) - 5])
def test_the_figure_does_not_hold_for_a_model_that_goes_by_no_words(logit: Callable[[str], float]) -> None:
    model, texts = known(logit), sentences(300)
    explained = explain(model, texts, "denial")
    found = measure_faithfulness(model, explained, [str(n) for n in range(len(texts))])
    assert found is not None
    assert not found.holds
    assert found.gain.value == pytest.approx(0, abs=0.05)


def test_sentences_that_are_all_shown_tell_nothing() -> None:
    model = known(by_words)
    assert measure_faithfulness(model, explain(model, ["we never did"], "denial"), ["a"]) is None
    found = measure_faithfulness(model, explain(model, ["we never did", "we have never done it"], "denial"), ["a", "b"])
    assert found is not None
    assert found.n == 1


def test_the_model_that_comes_with_stance_goes_by_the_words_that_are_shown() -> None:
    rows = [json.loads(line) for line in (Path(ROOT) / "data/written/validation.jsonl").read_text().splitlines()]
    chosen = [row for row in rows if row["labels"] and len(row["text"]) < 90][:60]
    predictor = Predictor.from_pretrained()
    explained = explain(predictor, [row["text"] for row in chosen], [row["labels"][0] for row in chosen])
    assert max(len(one.shown) for one in explained) == SHOWN
    found = measure_faithfulness(predictor, explained, [row["scenario"] for row in chosen], random_draws=3)
    assert found is not None
    assert found.holds
    (never,) = explain(predictor, ["We never shelled the town."], "denial")
    assert max(never.words, key=lambda word: word.contribution).text == "never"
