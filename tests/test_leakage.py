import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from stance.data import Example, read_examples
from stance.delta import save_delta
from stance.errors import ModelError
from stance.fingerprints import SIMILAR, VALUES, _unpacked, compare, fingerprint, read_fingerprints
from stance.labels import LABELS
from stance.leakage import find_overlaps
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.sources import LEARNED, SHIPPED, shipped_models

TEXT = "The ministry invited both delegations to Geneva for talks on the border in March."


def example(identifier: str, text: str) -> Example:
    return Example(identifier, text, (), "s")


def grams(text: str) -> set[str]:
    return {text[start : start + 5] for start in range(len(text) - 4)}


def test_the_same_text_is_known_whatever_its_case_and_white_space_and_company() -> None:
    texts = [TEXT, "No.", "He denied it."]
    known = fingerprint(texts)
    found = compare(fingerprint([TEXT.upper().replace(" ", "  "), "no.", "It rained in the north all day."]), known)
    assert found.exact.tolist() == [True, True, False]
    assert found.similarity.tolist() == [1, 1, 0]
    alone = np.concatenate([fingerprint([text]).minima for text in texts])
    assert np.array_equal(alone, known.minima)


def test_near_duplicates_are_found_and_their_similarity_estimated() -> None:
    rng = np.random.default_rng(0)
    letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=(600, 150))
    other = letters.copy()
    for row, changed in enumerate(rng.integers(0, 110, size=600)):  # a stretch written anew
        start = rng.integers(0, 150 - changed) if changed else 0
        other[row, start : start + changed] = "-"
    pairs = [("".join(one), "".join(two)) for one, two in zip(letters, other, strict=True)]
    index = np.array([len(grams(one) & grams(two)) / len(grams(one) | grams(two)) for one, two in pairs])
    one, two = (_unpacked(fingerprint(texts).minima) for texts in zip(*pairs, strict=True))
    agreeing = (one == two).sum(axis=1)
    similar = agreeing >= SIMILAR
    assert (index > 0.65).sum() > 100
    assert similar[index > 0.65].mean() > 0.98
    assert (index < 0.4).sum() > 100
    assert similar[index < 0.4].mean() < 0.1
    chance = 1 / 16
    assert np.abs((agreeing / VALUES - chance) / (1 - chance) - index).mean() < 0.06
    shuffled = np.roll(two, 1, axis=0)
    assert not ((one == shuffled).sum(axis=1) >= SIMILAR).any()


def test_a_model_tells_what_of_the_sentences_it_learned_from(tiny_predictor: Predictor, tiny_data: Path) -> None:
    lines = [json.loads(line)["text"] for line in tiny_data.read_text().splitlines()]
    learned = max(lines, key=len)
    overlaps = find_overlaps(
        tiny_predictor, [example("new", TEXT), example("near", f"{learned} now"), example("same", learned.title())]
    )
    assert overlaps is not None
    assert [(overlap.id, overlap.exact) for overlap in overlaps] == [("same", True), ("near", False)]
    assert overlaps[0].learned in {"train", "validation"}
    assert 0.5 < overlaps[1].similarity < 1


def test_what_was_learned_goes_where_the_model_goes(
    tiny_predictor: Predictor, tiny_model: Path, tmp_path: Path
) -> None:
    tiny_predictor.save_pretrained(tmp_path / "copy")
    save_delta(tiny_model, tmp_path / "delta")
    for folder in ("copy", "delta"):
        assert (tmp_path / folder / LEARNED).read_bytes() == (tiny_model / LEARNED).read_bytes()


def test_a_model_without_it_tells_that_nothing_is_known(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "model")
    (tmp_path / "model" / LEARNED).unlink()
    assert find_overlaps(Predictor.from_pretrained(tmp_path / "model"), [example("one", TEXT)]) is None


def test_damaged_or_another_model_s_hashes_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    data = ModelFile.read(tiny_model).data
    with pytest.raises(ModelError, match="does not belong to the model beside it"):
        read_fingerprints(tiny_model, data | {"train": {"n": 1, "sha256": "another"}})
    content = bytearray((tiny_model / LEARNED).read_bytes())
    content[-1] ^= 1
    (tmp_path / LEARNED).write_bytes(content)
    with pytest.raises(ModelError, match="does not belong"):
        read_fingerprints(tmp_path, data)
    (tmp_path / LEARNED).write_bytes(content[:100])
    with pytest.raises(ModelError, match="Cannot read"):
        read_fingerprints(tmp_path, data)


def test_shipped_models_keep_what_they_learned_from_and_know_it() -> None:
    texts = [example.text for example in read_examples(ROOT / "data/written/validation.jsonl", LABELS)[:50]]
    for name in shipped_models():
        learned = read_fingerprints(SHIPPED / name, ModelFile.read(SHIPPED / name).data)
        assert learned is not None
        assert compare(fingerprint(texts), learned["validation"]).exact.all()
        assert compare(fingerprint([TEXT]), learned["train"]).similarity.tolist() == [0]
