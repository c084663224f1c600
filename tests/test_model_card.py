import re
import shutil
from pathlib import Path

import pytest
from conftest import write_jsonl
from huggingface_hub import ModelCard

from stance.config import CardConfig, DataConfig, TrainConfig, TrainedModelConfig
from stance.data import read_examples
from stance.evaluate import judge
from stance.model_card import write_card
from stance.predict import Predictor
from stance.train import train


def test_the_card_tells_figures_that_judging_gives(
    tiny_config: TrainConfig, tiny_data: Path, tiny_model: Path, tiny_predictor: Predictor, tmp_path: Path
) -> None:
    contrast = write_jsonl(
        tmp_path / "contrast.jsonl",
        [
            {"group": "g", "phenomenon": "negation", "text": "they deny", "labels": ["denial"]},
            {"group": "g", "phenomenon": "negation", "text": "rain fell", "labels": []},
        ],
    )
    shutil.copytree(tiny_model, tmp_path / "model")
    for seed in (1, 2):
        tiny_config.seed = seed
        train(tiny_config, tmp_path / "seeds" / f"seed={seed}")
    path = write_card(
        CardConfig(
            model=TrainedModelConfig(path=str(tmp_path / "model")),
            targets={"tiny": DataConfig(test=str(tiny_data))},
            contrast=str(contrast),
            draws=50,
            seeds=str(tmp_path / "seeds"),
            commands=["python scripts/train.py name=model"],
        )
    )
    card = ModelCard.load(path)
    assert card.data.pipeline_tag == "text-classification"
    metrics = judge(tiny_predictor, read_examples(tiny_data, tiny_predictor.labels))
    row = next(line for line in card.text.splitlines() if line.startswith("| this model |"))
    assert [float(cell.split()[0]) for cell in row.split("|")[3:8]] == pytest.approx(
        [*(label.f1 for label in metrics.labels), metrics.macro_f1], abs=5e-4
    )
    for label, threshold in tiny_predictor.thresholds.items():
        assert re.search(rf"\| {label} \| \w+ \| {threshold:.3f} \|", card.text)
    assert "| negation (1) |" in card.text
    assert "keyword list" in card.text
    assert re.search(r"\| TF-IDF \+ logistic \| 1 \|", card.text)
    assert re.search(r"\| single seeds of its recipe \| 2 \|.*\| 0\.\d{3} \|$", card.text, re.MULTILINE)
    assert "```bash\npython scripts/train.py name=model\n```" in card.text
