"""All systems on the same sentences, round by round, so that a busy moment hits all."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from stance.benchmark.machine import ceiling, hardware, sentence_cost
from stance.benchmark.measured import Benchmark
from stance.benchmark.page import page
from stance.benchmark.sentences import draw_news, make_sentences
from stance.benchmark.systems import CPU, PIPELINE, System, find_ours, find_systems
from stance.benchmark.timing import measure_latency, measure_memory, measure_start, time_systems
from stance.config import BenchmarkConfig
from stance.files import write_text
from stance.predict import Predictor
from stance.progress import quiet_transformers


def benchmark(config: BenchmarkConfig) -> Benchmark:
    """Times every system on the same sentences, round by round, so that a busy moment hits all.

    Writes ``config.output``.

    Raises:
        ConfigError: packages of rivals are not installed.
        ModelError: the model cannot be had.
    """
    texts = make_sentences(config.sentences, config.source)
    with TemporaryDirectory() as temporary, quiet_transformers():
        whole = Path(temporary) / "whole"
        Predictor.from_config(replace(config.model, device=CPU)).save_pretrained(whole)
        systems = find_systems(whole, Path(temporary))
        speeds = time_systems(systems, texts, config.rounds)
        latencies = {system.name: measure_latency(system, texts) for system in systems if not system.is_job}
        tokens = float(np.mean([len(ids) for ids in AutoTokenizer.from_pretrained(whole)(texts)["input_ids"]]))
        cost = sentence_cost(whole, tokens) / 1e9
        ceilings = {precision: ceiling(precision) for precision in dict.fromkeys(each.precision for each in systems)}
        reached = {
            system.name: speed.median * cost / ceilings[system.precision]
            for system, speed in zip(systems, speeds, strict=True)
        }
        news = _time_cascade(config, systems, whole, Path(temporary))
        starts = tuple(measure_start(config) for _ in range(config.rounds))
        memory = {rows: measure_memory(config, texts, rows, Path(temporary)) for rows in config.memory_rows}
    found = Benchmark(
        hardware=hardware(),
        sentences=len(texts),
        tokens=tokens,
        speeds=tuple(speeds),
        ceilings=ceilings,
        reached=reached,
        latencies=latencies,
        starts=starts,
        memory=memory,
        **news,
    )
    write_text(Path(config.output), "\n".join(page(found, config)) + "\n")
    return found


def _time_cascade(config: BenchmarkConfig, systems: Sequence[System], whole: Path, temporary: Path) -> dict[str, Any]:
    """What ``Benchmark`` tells of the cascade; nothing of a model without a sieve."""
    predictor = Predictor.from_pretrained(whole, device=CPU)
    if predictor.sieve is None:
        return {}
    told, texts = draw_news(config, predictor.labels)
    cascades = find_ours(whole, temporary, cascade=True)
    compared = {PIPELINE} | {system.name.removesuffix(", cascade") for system in cascades}
    speeds = time_systems([*(system for system in systems if system.name in compared), *cascades], texts, config.rounds)
    tokens = AutoTokenizer.from_pretrained(whole)(texts)["input_ids"]
    settled = predictor.sieve.settles(predictor.sieve.logits(tokens))
    return {"news": tuple(speeds), "told": told, "settled": float(settled.mean())}
