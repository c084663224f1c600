import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import write_jsonl
from huggingface_hub import ModelCard

from stance.config import CardConfig, DataConfig, TrainConfig, TrainedModelConfig
from stance.data import read_examples
from stance.errors import ConfigError
from stance.evaluate import judge
from stance.model_card import write_card
from stance.model_file import ModelFile
from stance.predict import Predictor
from stance.quality import measure_quality, resamples_of
from stance.train import train

FIGURES = (
    *("precision", "recall", "average_precision"),
    *("calibration_error", "brier", "coverage", "passed_over", "given_wrongly"),
)


def test_the_card_tells_figures_that_judging_gives_and_asks_each_model_once(
    tiny_config: TrainConfig, tiny_data: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contrast = write_jsonl(
        tmp_path / "contrast.jsonl",
        [
            {"group": "g", "phenomenon": "negation", "text": "they deny", "labels": ["denial"]},
            {"group": "g", "phenomenon": "negation", "text": "rain fell", "labels": []},
        ],
    )
    models = [tmp_path / "model", *(tmp_path / "seeds" / f"seed={seed}" for seed in (1, 2))]
    shutil.copytree(tiny_model, models[0])
    for seed, folder in enumerate(models[1:], 1):
        tiny_config.seed = seed
        train(tiny_config, folder)
    asked: Counter[tuple[Path | None, str]] = Counter()
    answer = Predictor.predict_proba

    def counted(predictor: Predictor, texts: Iterable[str]) -> np.ndarray:
        given = list(texts)
        asked.update((predictor.folder, text) for text in given)
        return answer(predictor, given)

    monkeypatch.setattr(Predictor, "predict_proba", counted)
    config = CardConfig(
        model=TrainedModelConfig(path=str(tmp_path / "model")),
        targets={"tiny_test": DataConfig(test=str(tiny_data))},
        contrast=str(contrast),
        draws=50,
        seeds=str(tmp_path / "seeds"),
        commands=["python scripts/train.py name=model"],
    )
    path = write_card(config)
    predictor = Predictor.from_pretrained(models[0])
    examples = read_examples(tiny_data, predictor.labels)
    texts = [*(example.text for example in examples), "they deny", "rain fell"]
    assert asked == {(folder, text): 1 for folder in models for text in texts}
    card = ModelCard.load(path)
    assert card.data.pipeline_tag == "text-classification"
    said = judge(predictor, examples)
    quality = measure_quality(said, resamples_of(said, draws=50, seed=0))
    assert quality.macro.f1 is not None
    row = next(line for line in card.text.splitlines() if line.startswith("| this model |"))
    assert [float(cell.split()[0]) for cell in row.split("|")[3:8]] == pytest.approx(
        [*(figures.f1.value for figures in quality.labels.values() if figures.f1), quality.macro.f1.value], abs=5e-4
    )
    measured = card.text.split("**tiny test** (n = 60, 11 documents or scenarios)")[2]
    assert "| label | precision | recall | avg. prec. | ECE | Brier | sure | passed over | given wrongly |" in measured
    for label, figures in quality.labels.items():
        (row,) = re.findall(rf"^\| {label} \|.*$", measured, re.MULTILINE)
        for cell, name in zip(row.split("|")[2:10], FIGURES, strict=True):
            figure = getattr(figures, name)
            if figure is None:
                assert cell.strip() == "-"
            else:
                of_fewer = "" if figure.n == 60 else f" of {figure.n}"
                interval = f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
                assert cell.strip() == f"{interval}*{of_fewer}"  # of eleven scenarios, which are few
    for label, threshold in predictor.thresholds.items():
        assert re.search(rf"\| {label} \| \w+ \| {threshold:.3f} \|", card.text)
    assert "| negation (1) |" in card.text
    assert "keyword list" in card.text
    assert re.search(r"\| TF-IDF \+ logistic \| 1 \|", card.text)
    assert re.search(r"\| single seeds of its recipe \| 2 \|.*\| 0\.\d{3} \|$", card.text, re.MULTILINE)
    assert "```bash\npython scripts/train.py name=model\n```" in card.text
    model_file = ModelFile.read(models[0])
    settings = model_file.settings | {"mean_of": ["one", "other"]}
    replace(model_file, settings=settings | {"training": settings["training"] | {"epochs": 99}}).write(models[0])
    with pytest.raises(ConfigError, match=rf"found others: training.epochs: {tiny_config.training.epochs} there, 99"):
        write_card(config)
    replace(model_file, settings=settings).write(models[0])
    assert write_card(config) == path


def test_the_card_of_a_model_with_a_sieve_tells_what_that_may_lose(
    tiny_data: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    data = DataConfig(test=str(tiny_data))
    model = TrainedModelConfig(path=str(folder), cascade=False)
    config = CardConfig(model=model, targets={"tiny": data}, contrast=None, draws=50)
    assert "sieve" not in write_card(config).read_text()
    model_file = ModelFile.read(folder)
    found = dict.fromkeys(model_file.decision.labels, 1234)
    facts = {"sha256": "", "loss": 0.005, "found": found, "lost": dict.fromkeys(found, 5)}
    facts |= {"validation": 3000, "settled": 1500}
    replace(model_file, metrics=model_file.metrics | {"sieve": facts}).write(folder)
    card = write_card(config).read_text()
    assert "A sieve settles 1,500 of the 3,000 validation sentences" in card
    assert "at most 0.5% are expected to be lost" in card
    assert "| denial | 1,234 | 5 |" in card
