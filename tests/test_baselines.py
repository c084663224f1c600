import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from transformers import AutoTokenizer

from stance.baselines.contrastive import check_setfit, sample, setfit
from stance.baselines.finetuning import plain
from stance.baselines.keywords import keyword_list
from stance.baselines.learned import learn
from stance.baselines.regressions import embeddings, sentence_vectors, tfidf
from stance.config import DEFAULT_ENCODER, Baseline, ModelConfig, Pooling
from stance.data import Example, Splits, read_examples
from stance.decision import Decided
from stance.errors import ConfigError
from stance.labels import LABELS, indicator_matrix
from stance.metrics import measure
from stance.network import StanceForSequenceClassification
from stance.sources import find_source

PHRASES = {"offer": "we resume talks", "accusation": "blame the", "denial": "they deny", "condition": "if ready"}


def plain_sentences(start: int, n: int) -> list[Example]:
    """One phrase of a label each, or none, among words that tell nothing: always guessing reaches an F1 of a third."""
    kinds = [*LABELS, None]
    examples = []
    for number in range(start, start + n):
        label = kinds[number % len(kinds)]
        words = ["rain fell"] * (number % 3) + ([PHRASES[label]] if label else []) + [chr(97 + number % 7)]
        examples.append(Example(str(number), " ".join(words), (label,) if label else (), str(number)))
    return examples


SPLITS = Splits(train=plain_sentences(0, 400), validation=plain_sentences(400, 60))
UNSEEN = plain_sentences(460, 60)

needs_setfit = pytest.mark.skipif("not __import__('importlib').util.find_spec('setfit')", reason="needs stance[setfit]")
Learned = Callable[..., Decided]


def macro_f1(decided: Decided, examples: list[Example]) -> float:
    return measure(decided, indicator_matrix([example.labels for example in examples], LABELS), LABELS).macro_f1


def without_encoder(*given: Any, encoder: Path) -> Decided:
    return tfidf(*given)


@pytest.mark.parametrize(
    "learned",
    [
        pytest.param(without_encoder, id="tfidf"),
        pytest.param(embeddings, id="embeddings"),
        pytest.param(partial(plain, learning_rate=3e-3, seed=0), id="plain"),
        pytest.param(partial(setfit, steps=8, seed=0), id="setfit", marks=needs_setfit),
    ],
)
def test_every_baseline_learns_what_is_plain(learned: Learned, tiny_encoder: Path) -> None:
    decided = learned(SPLITS, [example.text for example in UNSEEN], LABELS, encoder=tiny_encoder)
    assert decided.probabilities.shape == decided.carried.shape == (len(UNSEEN), len(LABELS))
    assert ((decided.probabilities >= 0) & (decided.probabilities <= 1)).all()
    assert macro_f1(decided, UNSEEN) > 0.6


@pytest.mark.parametrize(
    "learned",
    [
        pytest.param(plain, id="plain"),
        pytest.param(partial(setfit, steps=8), id="setfit", marks=needs_setfit),
    ],
)
def test_chance_hangs_on_the_seed_alone(learned: Learned, tiny_encoder: Path) -> None:
    texts = [example.text for example in UNSEEN]
    few = Splits(SPLITS.train[:80], SPLITS.validation)
    one, again, other = (
        learned(few, texts, LABELS, encoder=tiny_encoder, seed=seed).probabilities for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_sentence_vectors_are_those_of_sentence_transformers() -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    folder = find_source(DEFAULT_ENCODER).folder
    network = StanceForSequenceClassification.from_encoder(folder, LABELS, ModelConfig(pooling=Pooling.mean))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = ["They denied it.", "Ankara would lift the ban if the tests prove clean.", "It rained."]
    expected = sentence_transformers.SentenceTransformer(str(folder), device="cpu").encode(texts)
    np.testing.assert_allclose(sentence_vectors(network.train(False), tokenizer, texts), expected, atol=1e-5)


def test_a_sample_for_pairs_holds_enough_of_every_label_and_of_none() -> None:
    examples = [
        Example(str(number), "x", () if number % 10 else (("denial",) if number % 20 else ("offer", "denial")), "s")
        for number in range(200)
    ]
    taken = sample(examples, seed=0, n=12)
    have = Counter(label for example in taken for label in example.labels or ("none",))
    assert have == {"none": 12, "offer": 10, "denial": have["denial"]}  # there are ten offers, each a denial as well
    assert 12 <= have["denial"] <= 22
    assert taken == sample(examples, seed=0, n=12) != sample(examples, seed=1, n=12)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "setfit", None)
    with pytest.raises(ConfigError, match=r'needs the setfit package: pip install "setfit'):
        check_setfit()


@needs_setfit
def test_setfit_refuses_a_single_label(tiny_encoder: Path) -> None:
    with pytest.raises(ConfigError, match="needs two labels or more, found offer alone"):
        setfit(SPLITS, ["x"], ("offer",), encoder=tiny_encoder, seed=0)


def test_baselines_are_had_by_name(tiny_encoder: Path) -> None:
    texts = [example.text for example in UNSEEN]
    named = partial(learn, splits=SPLITS, texts=texts, labels=LABELS, encoder=tiny_encoder, seed=0)
    assert np.array_equal(named(Baseline.tfidf).probabilities, tfidf(SPLITS, texts, LABELS).probabilities)
    expected = embeddings(SPLITS, texts, LABELS, encoder=tiny_encoder)
    assert np.array_equal(named(Baseline.embeddings).probabilities, expected.probabilities)
    with pytest.raises(ValueError, match="learns nothing"):
        named(Baseline.keyword_list)


def test_the_keyword_list_finds_plain_cases_and_steps_back_from_other_labels() -> None:
    examples = [
        Example("1", "They offered talks.", ("offer",), "s"),
        Example("2", "He denied it unless asked.", ("denial", "condition"), "s"),
        Example("3", "She accused the firm.", ("accusation",), "s"),
        Example("4", "It rained.", (), "s"),
    ]
    texts = [example.text for example in examples]
    decided = keyword_list(texts, LABELS)
    assert decided is not None
    assert decided.carried.tolist() == [[label in example.labels for label in LABELS] for example in examples]
    assert keyword_list(texts, ("offer", "threat")) is None


def test_tfidf_learns_from_train_alone() -> None:
    words = ROOT / "data" / "written"
    splits = Splits(
        train=read_examples(words / "test.jsonl", LABELS), validation=read_examples(words / "validation.jsonl", LABELS)
    )

    def reached(examples: list[Example]) -> float:
        return macro_f1(tfidf(splits, [example.text for example in examples], LABELS), examples)

    seen, unseen = reached(splits.train), reached(splits.validation)
    assert seen > 0.95
    assert 0.4 < unseen < seen - 0.1
