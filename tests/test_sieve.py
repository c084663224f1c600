import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, Run, write_jsonl

from stance.config import DataConfig, PredictConfig, SieveConfig, TrainedModelConfig, VerifyConfig
from stance.corpus import label
from stance.data import gold_matrix, hold_out, read_examples, read_splits
from stance.delta import save_delta
from stance.errors import ConfigError, DataError, ModelError
from stance.inference import Batch, infer
from stance.labels import LABELS
from stance.model_file import ModelFile
from stance.own_data import read_own_splits
from stance.predict import Predictor
from stance.sieve import Sieve, write_sieve
from stance.sieve_learning import _margin, _padded, _silent, _Student, learn_sieve
from stance.sources import SIEVE
from stance.variants import vary
from stance.verify import verify

LOSS = 0.2


def small_sieve(path: Path, below: float, seed: int = 0) -> tuple[Sieve, _Student]:
    torch.manual_seed(seed)
    student = _Student(torch.randn(50, 6), 8, 4)
    student.train(False)
    write_sieve(path, student.arrays() | {"below": np.full(4, below)})
    return Sieve.read(path), student


def some_ids(lengths: list[int]) -> list[list[int]]:
    chance = np.random.default_rng(0)
    return [chance.integers(0, 50, length).tolist() for length in lengths]


def test_it_computes_what_was_learned(tmp_path: Path) -> None:
    sieve, student = small_sieve(tmp_path / SIEVE, 0)
    ids = some_ids([1, 2, 3, 30, 300, 7])
    with torch.inference_mode():
        learned = student(*_padded(ids)).numpy() - np.log(3)
    assert sieve.logits(ids) == pytest.approx(learned, abs=5e-3)  # its word vectors are in half precision


def test_an_answer_does_not_hang_on_the_texts_beside_it(tmp_path: Path) -> None:
    sieve, _ = small_sieve(tmp_path / SIEVE, 0)
    ids = some_ids([5, 900, 1, 4000, 5000, 12] * 3)
    assert sieve.logits(ids) == pytest.approx(np.concatenate([sieve.logits([text]) for text in ids]), abs=1e-5)
    assert sieve.logits([]).shape == (0, 4)


def test_the_network_reads_only_what_is_not_settled(tmp_path: Path) -> None:
    sieve, _ = small_sieve(tmp_path / SIEVE, -0.9)
    ids = some_ids(list(range(2, 42)))
    texts = [" ".join(map(str, text)) for text in ids]
    read: list[int] = []

    def run(batches: Sequence[Batch]) -> Iterator[np.ndarray]:
        for input_ids, attention_mask in batches:
            read.extend(attention_mask.sum(axis=1).tolist())
            yield np.full((len(input_ids), 4), 7, np.float32)

    def tokenize(texts: list[str], _: int) -> list[list[int]]:
        return [list(map(int, text.split())) for text in texts]

    found = infer(texts, tokenize, run, width=4, pad=0, max_length=64, sieve=sieve).values
    settled = sieve.settles(sieve.logits(ids))
    assert 0 < settled.sum() < len(ids)
    assert sorted(read) == [len(text) for text, done in zip(ids, settled, strict=True) if not done]
    assert found[settled] == pytest.approx(sieve.logits(ids)[settled])
    assert (found[~settled] == 7).all()


@pytest.mark.parametrize("n", [20, 99, 250])
def test_a_label_is_lost_as_seldom_as_was_promised(n: int) -> None:
    """Over many draws of n sentences of either label, the share of new ones that lie below; b is the easier one."""
    chance, loss = np.random.default_rng(0), 0.05
    is_a = np.arange(2 * n) < n
    lost = []
    for _ in range(2000):
        highest = chance.standard_t(3, 2 * n) + np.where(is_a, 0, 9)
        above = np.column_stack([highest, highest - chance.random(2 * n)])
        margin = _margin(above, np.column_stack([is_a, ~is_a]), ("a", "b"), loss)
        lost.append([chance.standard_t(3, 50) < margin, chance.standard_t(3, 50) + 9 < margin])
    promised = np.floor(loss * (n + 1)) / (n + 1)
    assert promised <= loss
    a, b = np.mean(lost, axis=(0, 2))
    assert a == pytest.approx(promised, abs=0.005)
    assert b < promised


def test_too_few_sentences_promise_nothing() -> None:
    with pytest.raises(DataError, match=r"takes 199 sentences of each label .* there are b 198"):
        _margin(np.zeros((300, 2)), np.arange(300)[:, None] < [300, 198], ("a", "b"), 0.005)


@pytest.fixture(scope="module")
def sieved(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The tiny model with a sieve."""
    folder = shutil.copytree(tiny_model, tmp_path_factory.mktemp("sieved") / "model")
    model_file = ModelFile.read(folder)
    # It gives no label to hardly any sentence; with thresholds in their midst it gives each to half of them.
    data = model_file.settings["data"]
    texts = [example.text for example in read_examples(Path(data["train"]), LABELS)]
    middle = np.median(Predictor.from_pretrained(folder).predict_proba(texts), axis=0)
    decision = model_file.decision.with_thresholds(dict(zip(LABELS, middle.tolist(), strict=True)))
    ModelFile(**{**vars(model_file), "decision": decision}).write(folder)
    learn_sieve(settings(folder))
    return folder


def settings(folder: Path) -> SieveConfig:
    model = TrainedModelConfig(path=str(folder))
    return SieveConfig(model=model, loss=LOSS, variants=4, passes=20, held_out=0.5, width=8, channels=16)


def test_what_it_may_lose_is_told_in_the_model_file(sieved: Path) -> None:
    facts = ModelFile.read(sieved).metrics["sieve"]
    assert facts["loss"] == LOSS
    assert facts["sha256"] == Predictor.from_pretrained(sieved).sieve.sha256
    for name in LABELS:
        assert facts["lost"][name] / facts["found"][name] <= LOSS
        assert facts["found"][name] > 4
    assert 0 <= facts["settled"] <= facts["validation"]


def test_labels_that_the_model_gives_wrongly_do_not_count_as_found(sieved: Path) -> None:
    model_file = ModelFile.read(sieved)
    splits = read_splits(LABELS, DataConfig(**model_file.settings["data"]), model_file.settings["seed"])
    _, held_out = hold_out(splits.train, 0.5, 0)
    judged = [*held_out, *splits.validation]
    texts, gold = [one.text for one in judged], gold_matrix(judged, LABELS)
    assert len(set(texts)) == len(texts)
    network = Predictor.from_pretrained(sieved, cascade=False)
    given = network.model_file.decision.decide(network.predict_proba(texts)).carried
    assert (given & ~gold).any()
    found = ModelFile.read(sieved).metrics["sieve"]["found"]
    assert found == dict(zip(LABELS, (given & gold).sum(axis=0).tolist(), strict=True))


def test_it_is_judged_by_sentences_that_it_has_not_learned_from(
    sieved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(sieved, tmp_path / "model")
    taught: list[str] = []
    asked: list[list[str]] = []
    logits = Predictor.logits

    def varying(texts: Sequence[str], *how: Any) -> list[str]:
        taught.extend(texts)
        return vary(texts, *how)

    def asking(self: Predictor, texts: Sequence[str]) -> np.ndarray:
        asked.append(list(texts))
        return logits(self, texts)

    monkeypatch.setattr("stance.sieve_learning.vary", varying)
    monkeypatch.setattr(Predictor, "logits", asking)
    learn_sieve(settings(folder))
    assert taught
    assert asked[-1]
    assert set(taught).isdisjoint(asked[-1])


def test_sentences_that_the_model_has_not_seen_tell_better_than_those_it_learned_from(
    sieved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(sieved, tmp_path / "model")
    splits = read_own_splits(ModelFile.read(folder))
    learned = splits.train
    rows = [{"text": f"In new talks, {one.text}", "labels": list(one.labels)} for one in learned]
    unseen = write_jsonl(tmp_path / "unseen.jsonl", [*rows, rows[0]])
    config = replace(settings(folder), unseen=[str(unseen)])
    taught: list[str] = []

    def varying(texts: Sequence[str], *how: Any) -> list[str]:
        taught.extend(texts)
        return vary(texts, *how)

    monkeypatch.setattr("stance.sieve_learning.vary", varying)
    found = learn_sieve(config).found
    assert taught == [one.text for one in learned], "all of them: none need be held out"
    judged = [*rows, *({"text": one.text, "labels": list(one.labels)} for one in splits.validation)]
    given = Predictor.from_pretrained(folder, cascade=False).predict([row["text"] for row in judged])
    pairs = list(zip(judged, given, strict=True))
    assert found == {name: sum(name in row["labels"] and name in one.labels for row, one in pairs) for name in LABELS}
    write_jsonl(unseen, [*rows, {"text": learned[0].text, "labels": []}])
    with pytest.raises(DataError, match=r"has seen 1 of the \d+ sentences of unseen=\[.*unseen\.jsonl\], such as"):
        learn_sieve(config)


def test_nothing_is_settled_that_could_carry_a_label(sieved: Path, tmp_path: Path) -> None:
    """However much it is allowed to lose."""
    folder = shutil.copytree(sieved, tmp_path / "model")
    learn_sieve(replace(settings(folder), loss=0.9))
    sieve = Predictor.from_pretrained(folder).sieve
    assert sieve is not None
    assert (sieve.arrays["below"] <= _silent(ModelFile.read(folder).decision) + 1e-6).all()


def test_bands_are_those_of_the_cascade(sieved: Path) -> None:
    model_file = ModelFile.read(sieved)
    validation = read_splits(LABELS, DataConfig(**model_file.settings["data"]), model_file.settings["seed"]).validation
    predictor = Predictor.from_pretrained(sieved)
    decided = predictor.model_file.decision.decide(predictor.predict_proba([one.text for one in validation]))
    gold = gold_matrix(validation, LABELS)
    passed_over = (gold & ~decided.carried & ~decided.uncertain).sum(axis=0)
    assert (passed_over <= np.floor(0.05 * (gold.sum(axis=0) + 1))).all()
    told = [row["sure"] for row in model_file.metrics["validation"]["bands"]]
    assert told == (~decided.uncertain).sum(axis=0).tolist(), "the figures told are those with these bands"


def test_a_cascade_gives_no_label_to_what_is_settled_and_the_network_s_to_the_rest(sieved: Path) -> None:
    cascade, network = Predictor.from_pretrained(sieved), Predictor.from_pretrained(sieved, cascade=False)
    assert network.sieve is None
    assert cascade.backend == f"{network.backend}, cascade"
    texts = [f"{'they deny ' * (n % 3)}the rain fell {'rain ' * (n % 5)}if we resume"[: 9 + n] for n in range(60)]
    one, other = cascade.predict(texts), network.predict(texts)
    settled = [a.probabilities != pytest.approx(b.probabilities, abs=1e-4) for a, b in zip(one, other, strict=True)]
    assert any(settled)
    assert all(a.labels == (() if done else b.labels) for a, b, done in zip(one, other, settled, strict=True))


def test_it_goes_with_a_model_that_is_saved_elsewhere_and_not_with_a_changed_file(sieved: Path, tmp_path: Path) -> None:
    Predictor.from_pretrained(sieved).save_pretrained(tmp_path)
    assert Predictor.from_pretrained(tmp_path).sieve is not None
    small_sieve(tmp_path / SIEVE, 0)
    with pytest.raises(ModelError, match=r"sieve\.safetensors is not the file .* cascade=off"):
        Predictor.from_pretrained(tmp_path)
    assert Predictor.from_pretrained(tmp_path, cascade=False).sieve is None
    (tmp_path / SIEVE).write_bytes(b"torn")
    with pytest.raises(ModelError, match=r"sieve\.safetensors is not the file"):
        Predictor.from_pretrained(tmp_path)
    (tmp_path / SIEVE).unlink()
    with pytest.raises(ModelError, match=r"found no file"):
        Predictor.from_pretrained(tmp_path)


def test_a_delta_keeps_it(sieved: Path, tmp_path: Path) -> None:
    save_delta(sieved, tmp_path / "delta")
    delta, whole = Predictor.from_pretrained(tmp_path / "delta").sieve, Predictor.from_pretrained(sieved).sieve
    assert delta is not None
    assert whole is not None
    assert delta.sha256 == whole.sha256


def test_a_file_that_was_another_model_s_has_no_say(tiny_model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    small_sieve(folder / SIEVE, 100)  # settles everything
    assert Predictor.from_pretrained(folder).sieve is None


def test_a_corpus_job_names_the_sieve_and_is_another_job_without_it(
    sieved: Path, tmp_path: Path, run_script: Run
) -> None:
    source = tmp_path / "in.txt"
    source.write_text("They deny it. Rain fell. We resume talks if they do.\n" * 3)
    model = TrainedModelConfig(path=str(sieved))
    output = tmp_path / "out"
    label(PredictConfig(model=model, input=[str(source)], output=str(output)))
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["model"]["sieve_sha256"] == Predictor.from_pretrained(sieved).sieve.sha256
    assert verify(VerifyConfig(model=model, folder=str(output))).holds
    done = run_script("predict.py", f"input={source}", f"output={output}", f"model.path={sieved}", "model.cascade=off")
    assert done.returncode == 1
    assert "sieve_sha256" in done.stderr


def test_the_script_tells_what_it_settles(sieved: Path, tmp_path: Path, run_script: Run) -> None:
    folder = shutil.copytree(sieved, tmp_path / "model")
    before = (folder / SIEVE).read_bytes()
    given = [f"{name}={value}" for name, value in vars(settings(folder)).items() if name not in ("model", "unseen")]
    done = run_script("sieve.py", f"model.path={folder}", *given)
    assert done.returncode == 0, done.stderr
    assert "validation sentences" in done.stdout
    assert all(name in done.stdout for name in LABELS)
    assert (folder / SIEVE).read_bytes() == before  # the same settings and seed


@pytest.mark.parametrize(
    ("name", "value"),
    [("loss", 0.0), ("variants", -1), ("passes", 0), ("width", 0), ("width", 33), ("held_out", 0.0)],
)
def test_settings_out_of_range_are_refused(name: str, value: float, tiny_model: Path) -> None:
    config = settings(tiny_model)
    setattr(config, name, value)
    with pytest.raises(ConfigError, match=f"{name}={value} is out of range"):
        learn_sieve(config)


def test_what_is_settled_by_the_highest_silent_logit_carries_no_label(sieved: Path) -> None:
    decision = ModelFile.read(sieved).decision
    silent = _silent(decision)
    assert np.isfinite(silent).any()
    low = np.where(np.isfinite(silent), silent, 0.0)[None]
    assert not decision.decide(decision.probabilities(low)).carried[np.isfinite(silent)[None]].any()


def test_variants_are_made_of_the_sentences_words_and_the_same_at_each_call() -> None:
    texts = ["They denied it all again.", "Rain.", "We are ready to resume if they are."]
    varied = vary(texts, 30, seed=1)
    assert varied == vary(texts, 30, seed=1) != vary(texts, 30, seed=2)
    assert len(varied) == 90
    assert all(text.strip() for text in varied)
    assert {word for text in varied for word in text.split()} <= {word for text in texts for word in text.split()}
    assert len(set(varied[:30])) > 10
    twice = vary([*texts, texts[0]], 30, seed=1)
    assert twice[:90] == varied
    assert twice[90:] != varied[:30]


def test_added_sentences_leave_most_variants_as_they_are() -> None:
    texts = [example.text for example in read_examples(ROOT / "data/written/validation.jsonl", LABELS)]
    some, all_of_them = vary(texts[:-50], 2, seed=0), vary(texts, 2, seed=0)
    kept = np.mean([one == other for one, other in zip(some, all_of_them, strict=False)])
    assert 0.85 < kept < 1  # the others take words of those that were added
