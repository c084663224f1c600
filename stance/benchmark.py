"""How fast a model labels on this machine's CPU, beside other ways to run the same network, all in one run."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, pipeline

from stance.config import Backend, BenchmarkConfig, DataConfig, Precision, PredictConfig, TrainedModelConfig
from stance.corpus import label
from stance.data import read_split
from stance.errors import ConfigError, DataError, install_extra
from stance.files import write_text
from stance.markdown import table
from stance.predict import Predictor
from stance.progress import progress, quiet_transformers
from stance.sources import GRAPHS
from stance.tables.json_lines import json_line
from stance.tables.reading import read_rows
from stance.tables.rows import GoodRow

WORDS = (7, 9, 11, 12, 14, 15, 16, 18, 19, 20, 22, 23, 24, 26, 28, 30, 32, 35, 39, 45, 74)
"""Words of a sentence at each twentieth of the 18,186 real sentences that the project labels."""
PIPELINE = "transformers pipeline, batch 32"
"""What the others are compared with."""
_PRODUCTS = ((1536, 1536, 1536), (2048, 384, 1536), (2048, 1536, 384))
"""Rows, inner size and columns of the bare products: a large one, and those of a batch in MiniLM's layers."""
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx_vnni", "avx512_vnni", "amx_bf16", "amx_int8")
"""Abilities of a processor that bear on how fast it multiplies."""
_CPU = "cpu"
"""Where all of them run, whatever else there is."""
_SLOW = 10
"""Systems that take a sentence at a time get one sentence of so many."""
_LONG = 5
"""Corpus jobs, which load the model anew, get each sentence so often: a corpus is long."""
_UNLABELLED = 0.8
"""Share of the sentences without a label in the news that a cascade is timed on."""


@dataclass(frozen=True)
class System:
    """A way to run the network.

    Attributes:
        name: what tables call it.
        run: labels sentences.
        precision: in which it multiplies.
        one_by_one: it takes a sentence at a time.
        is_job: it labels a file into a folder, so that one sentence tells nothing of it.
    """

    name: str
    run: Callable[[list[str]], object]
    precision: Precision = Precision.fp32
    one_by_one: bool = False
    is_job: bool = False


@dataclass(frozen=True)
class Speed:
    """How fast one system is.

    Attributes:
        system: its name.
        rates: sentences a second, one figure a round.
    """

    system: str
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.rates))


@dataclass(frozen=True)
class Benchmark:
    """All that was measured.

    Attributes:
        hardware: what the figures belong to.
        sentences: how many each round labels.
        tokens: in them, on average.
        speeds: by system, in the order in which they ran.
        ceilings: multiply-adds a second, in billions, of bare matrix products, by precision.
        reached: share of the ceiling of its precision that a system's products reach.
        latencies: milliseconds for a single sentence, the middle one and the 99th of a hundred, by system.
        starts: seconds from the start of Python to the first answer, one figure a process.
        memory: peak megabytes of a corpus job by its rows.
        news: the same network, and the cascade, over sentences of which most carry no label; empty without a sieve.
        told: whose sentences these are.
        settled: share of them that the sieve settles.
    """

    hardware: str
    sentences: int
    tokens: float
    speeds: tuple[Speed, ...]
    ceilings: dict[Precision, float]
    reached: dict[str, float]
    latencies: dict[str, tuple[float, float]]
    starts: tuple[float, ...]
    memory: dict[int, float]
    news: tuple[Speed, ...] = ()
    told: str = ""
    settled: float = 0.0


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
        Predictor.from_config(replace(config.model, device=_CPU)).save_pretrained(whole)
        systems = _systems(whole, Path(temporary))
        speeds = _time(systems, texts, config.rounds)
        latencies = {system.name: _latency(system, texts) for system in systems if not system.is_job}
        tokens = float(np.mean([len(ids) for ids in AutoTokenizer.from_pretrained(whole)(texts)["input_ids"]]))
        cost = _cost(whole, tokens) / 1e9
        ceilings = {precision: _ceiling(precision) for precision in dict.fromkeys(each.precision for each in systems)}
        reached = {
            system.name: speed.median * cost / ceilings[system.precision]
            for system, speed in zip(systems, speeds, strict=True)
        }
        news = _time_cascade(config, systems, whole, Path(temporary))
        starts = tuple(_start(config) for _ in range(config.rounds))
        memory = {rows: _memory(config, texts, rows, Path(temporary)) for rows in config.memory_rows}
    found = Benchmark(
        hardware=_hardware(),
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
    write_text(Path(config.output), "\n".join(_lines(found, config)) + "\n")
    return found


def make_sentences(count: int, source: str) -> list[str]:
    """Strings of words from the sentences in a table, as long as real sentences are; the same at each call."""
    words = [
        word for row in read_rows(Path(source)) if isinstance(row, GoodRow) for word in str(row.values["text"]).split()
    ]
    chance = np.random.default_rng(0)
    lengths = np.interp(chance.random(count), np.linspace(0, 1, len(WORDS)), WORDS).astype(int)
    starts = chance.integers(0, len(words) - max(WORDS), count)
    return [" ".join(words[start : start + length]) for start, length in zip(starts, lengths, strict=True)]


def _systems(whole: Path, temporary: Path) -> list[System]:
    classify: Any = pipeline("text-classification", str(whole), top_k=None, device=_CPU)
    plain = Predictor.from_pretrained(
        whole, device=_CPU, backend=Backend.onnxruntime, precision=Precision.fp32, cascade=False
    )
    return [
        System("transformers pipeline, one by one", lambda texts: [classify(text) for text in texts], one_by_one=True),
        System(PIPELINE, lambda texts: classify(texts, batch_size=32)),
        *_rivals(whole),
        System(
            "ONNX Runtime, batches of 32 as they come, fp32",
            lambda texts: [plain.predict(texts[start : start + 32]) for start in range(0, len(texts), 32)],
        ),
        *_ours(whole, temporary, cascade=False),
    ]


def _ours(whole: Path, temporary: Path, *, cascade: bool) -> list[System]:
    """All that can run the model here, exactly first; and the corpus job by the usual one and by the last."""
    usual = [(Backend.onnxruntime, precision) for precision, graph in GRAPHS.items() if (whole / graph).exists()]
    ways = usual + [(Backend.openvino, precision) for precision in _openvino_precisions()]
    predictors, jobs = [], []
    for backend, precision in ways:
        model = TrainedModelConfig(path=str(whole), device=_CPU, backend=backend, precision=precision, cascade=cascade)
        predictor = Predictor.from_config(model)
        predictors.append(System(f"stance, {predictor.backend}", predictor.predict, precision))
        if (backend, precision) in (usual[-1], ways[-1]):
            job = partial(_job, model, temporary)
            jobs.append(System(f"corpus job of {predictors[-1].name}", job, precision, is_job=True))
    return predictors + jobs


def _openvino_precisions() -> tuple[Precision, ...]:
    """In fp32, and in what is faster; none where it is not installed."""
    if not find_spec("openvino"):
        return ()
    from stance.openvino_graph import fastest_precision  # an extra

    return tuple(dict.fromkeys((Precision.fp32, fastest_precision())))


def _time_cascade(config: BenchmarkConfig, systems: Sequence[System], whole: Path, temporary: Path) -> dict[str, Any]:
    """What ``Benchmark`` tells of the cascade; nothing of a model without a sieve."""
    predictor = Predictor.from_pretrained(whole, device=_CPU)
    if predictor.sieve is None:
        return {}
    told, texts = _news(config, predictor.labels)
    cascades = _ours(whole, temporary, cascade=True)
    compared = {PIPELINE} | {system.name.removesuffix(", cascade") for system in cascades}
    speeds = _time([*(system for system in systems if system.name in compared), *cascades], texts, config.rounds)
    tokens = AutoTokenizer.from_pretrained(whole)(texts)["input_ids"]
    settled = predictor.sieve.settles(predictor.sieve.logits(tokens))
    return {"news": tuple(speeds), "told": told, "settled": float(settled.mean())}


def _news(config: BenchmarkConfig, labels: Sequence[str]) -> tuple[str, list[str]]:
    """Sentences of a test split, most of them without a label: real ones where their texts are here."""
    real = DataConfig(references=config.references)
    try:
        told, examples = "real test sentences", read_split("test", labels, real)
    except DataError:
        told, examples = "written test sentences", read_split("test", labels, DataConfig(test=config.source))
    chance = np.random.default_rng(0)
    without = round(_UNLABELLED * config.sentences)
    drawn = []
    for carried, wanted in ((False, without), (True, config.sentences - without)):
        there = [example.text for example in examples if bool(example.labels) == carried]
        drawn += chance.choice(np.array(there, dtype=object), wanted, replace=wanted > len(there)).tolist()
    return told, [drawn[index] for index in chance.permutation(len(drawn))]


def _rivals(whole: Path) -> list[System]:
    """SetFit and sentence-transformers around the same encoder."""
    try:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
        from setfit import SetFitModel
    except ImportError:
        raise ConfigError(f"The benchmark's rivals need more packages: {install_extra('setfit')}") from None
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from transformers import AutoModelForSequenceClassification

    encoder = whole.parent / "encoder"
    network: Any = AutoModelForSequenceClassification.from_pretrained(whole)
    network.encoder.save_pretrained(encoder)
    AutoTokenizer.from_pretrained(whole).save_pretrained(encoder)
    body = Transformer(str(encoder), max_seq_length=256)
    model = SentenceTransformer(modules=[body, Pooling(network.encoder.config.hidden_size)], device=_CPU)
    head = OneVsRestClassifier(LogisticRegression())
    vectors = np.asarray(model.encode(["a", "b", "c", "d"]))
    head.fit(vectors, np.eye(4, dtype=int))
    setfit = SetFitModel(model_body=model, model_head=head, multi_target_strategy="one-vs-rest")
    return [
        System("sentence-transformers encode", lambda texts: model.encode(texts, batch_size=32)),
        System("SetFit predict", lambda texts: setfit.predict(texts, batch_size=32)),
    ]


def _job(model: TrainedModelConfig, temporary: Path, texts: Sequence[str]) -> object:
    source, output = temporary / "job.jsonl", temporary / f"job-{time.monotonic_ns()}"
    source.write_text("".join(json_line({"text": text}) for text in texts), encoding="utf-8", newline="\n")
    return label(PredictConfig(model=model, input=str(source), output=str(output)))


def _time(systems: Sequence[System], texts: list[str], rounds: int) -> list[Speed]:
    rates: dict[str, list[float]] = {system.name: [] for system in systems}
    with progress("timing") as counter:
        counter.set(0, total=(rounds + 1) * len(systems))
        for number in range(rounds + 1):
            for system in systems:
                part = texts[::_SLOW] if system.one_by_one else texts * _LONG if system.is_job else texts
                part = part if number else part[:64]  # the first round only warms up
                start = time.perf_counter()
                system.run(part)
                if number:
                    rates[system.name].append(len(part) / (time.perf_counter() - start))
                counter.advance(1, system.name)
    return [Speed(name, tuple(found)) for name, found in rates.items()]


def _latency(system: System, texts: Sequence[str], trials: int = 200) -> tuple[float, float]:
    taken = []
    for text in texts[:trials]:
        start = time.perf_counter()
        system.run([text])
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken)), float(np.quantile(taken, 0.99))


def _cost(whole: Path, tokens: float) -> float:
    """Multiply-adds for a sentence of that many tokens: of the projections and of attention."""
    from transformers import AutoConfig

    config: Any = AutoConfig.from_pretrained(whole)
    encoder = config.encoder
    width, between = encoder.hidden_size, encoder.intermediate_size
    return float(encoder.num_hidden_layers * tokens * (4 * width**2 + 2 * width * between + 2 * tokens * width))


def _ceiling(precision: Precision, trials: int = 9) -> float:
    """Multiply-adds a second, in billions, of bare matrix products: the most that any of them reaches."""
    reached = []
    for shape in _PRODUCTS:
        for product in _products(precision, *shape):
            product()  # warms up
            for _ in range(trials):
                start = time.perf_counter()
                product()
                reached.append(np.prod(shape) / (time.perf_counter() - start) / 1e9)
    return float(max(reached))


def _products(precision: Precision, rows: int, inner: int, columns: int) -> Iterator[Callable[[], object]]:
    """A product as ONNX Runtime makes it, as torch does, or as either."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(0)
    exact = precision is Precision.fp32
    if precision is not Precision.int8:
        kind = torch.float32 if exact else torch.bfloat16
        one, other = torch.randn(rows, inner, dtype=kind), torch.randn(inner, columns, dtype=kind)
        yield lambda: one @ other
    if precision is Precision.bf16:
        return
    weight = chance.integers(-63, 64, (inner, columns)).astype(np.float32 if exact else np.int8)
    left = chance.integers(0, 256, (rows, inner)).astype(np.float32 if exact else np.uint8)
    kinds = (TensorProto.FLOAT, TensorProto.FLOAT) if exact else (TensorProto.UINT8, TensorProto.INT32)
    graph = helper.make_graph(
        [helper.make_node("MatMul" if exact else "MatMulInteger", ["x", "weight"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", kinds[0], left.shape)],
        [helper.make_tensor_value_info("y", kinds[1], [rows, columns])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    yield lambda: session.run(None, {"x": left})


def _start(config: BenchmarkConfig) -> float:
    code = (
        "from stance.predict import Predictor; "
        f"Predictor.from_pretrained({config.model.path!r}, device={_CPU!r}).predict('He denied it.')"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 (this Python)
    return time.perf_counter() - start


def _memory(config: BenchmarkConfig, texts: Sequence[str], rows: int, temporary: Path) -> float:
    """Peak megabytes of a process that labels so many rows."""
    source = temporary / f"{rows}.jsonl"
    with source.open("w", encoding="utf-8") as file:
        file.writelines(json_line({"id": row, "text": texts[row % len(texts)]}) for row in range(rows))
    code = (
        "import sys; from stance.config import *; from stance.corpus import label; "
        f"model = TrainedModelConfig(path={config.model.path!r}, device={_CPU!r}); "
        f"label(PredictConfig(model=model, input={str(source)!r}, "
        f"output={str(temporary / f'out-{rows}')!r}))\n"
        # Of its own memory: on Linux ru_maxrss begins with that of the process which started this one.
        "if sys.platform == 'linux':\n"
        "    print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
        "else:\n"
        "    import resource\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout) / 1024


def _hardware() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set(told.get("flags", "").split())
    wanted = [flag for flag in _FLAGS if flag in flags]
    name = told.get("model name", platform.processor() or platform.machine())
    cores = f"{os.cpu_count()} cores ({', '.join(wanted)})"
    return f"{name}, {cores}, no GPU, {platform.system()}, Python {platform.python_version()}"


_COLUMNS = ("system", "sentences/s, median", "least to most", f"ratio to {PIPELINE}")


def _rows(speeds: Sequence[Speed]) -> Iterator[tuple[str, ...]]:
    base = next(speed.median for speed in speeds if speed.system == PIPELINE)
    for speed in speeds:
        least_to_most = f"{min(speed.rates):,.0f} to {max(speed.rates):,.0f}"
        yield speed.system, f"{speed.median:,.0f}", least_to_most, f"{speed.median / base:.2f}"


def _lines(found: Benchmark, config: BenchmarkConfig) -> Iterator[str]:
    packages = ["torch", "transformers", "onnxruntime", "sentence-transformers", "setfit", "tokenizers"]
    packages += ["openvino"] * (find_spec("openvino") is not None)
    usual = BenchmarkConfig()
    command = "python scripts/benchmark.py"
    for name, value, before in (
        ("model.path", config.model.path, usual.model.path),
        ("sentences", config.sentences, usual.sentences),
        ("rounds", config.rounds, usual.rounds),
    ):
        if value != before:
            command += f" {name}={value}"
    if config.memory_rows != usual.memory_rows:
        command += f" 'memory_rows=[{','.join(map(str, config.memory_rows))}]'"
    yield "# Speed\n"
    yield f"{found.hardware}; {', '.join(f'{name} {version(name)}' for name in packages)}.\n"
    yield f"```\n{command}\n```\n"
    ceilings = ", ".join(f"{most:.0f} ({kind.name})" for kind, most in found.ceilings.items())
    yield (
        f"{found.sentences:,} sentences as long as real ones ({found.tokens:.1f} tokens on average), "
        f"{config.rounds} rounds, the systems one after\nthe other in each. All run the same encoder. A corpus job "
        f"loads the model and labels each sentence {_LONG} times. The ceiling is the most\nthat bare matrix products "
        f"reach on the same cores: {ceilings} billion multiply-adds a second.\n"
    )
    yield from table(
        (*_COLUMNS, "of the ceiling"),
        (
            (*row, f"{found.reached[speed.system]:.0%}")
            for speed, row in zip(found.speeds, _rows(found.speeds), strict=True)
        ),
    )
    if found.news:
        yield "\n## Most of them without a label\n"
        yield (
            f"{found.sentences:,} {found.told}, drawn so that {_UNLABELLED:.0%} carry no label. The sieve settles "
            f"{found.settled:.0%} of them.\n"
        )
        yield from table(_COLUMNS, _rows(found.news))
    yield "\n## One sentence\n"
    yield from table(
        ("system", "ms, median", "ms, 99th of a hundred"),
        ((name, f"{middle:.1f}", f"{late:.1f}") for name, (middle, late) in found.latencies.items()),
    )
    yield (
        f"\nFrom the start of Python to the first answer: {np.median(found.starts):.2f} s "
        f"(median of {len(found.starts)} processes, {min(found.starts):.2f} to {max(found.starts):.2f})."
    )
    if found.memory:
        yield "\n## Memory of a corpus job\n"
        yield from table(("rows", "peak MB"), ((rows, f"{size:,.0f}") for rows, size in found.memory.items()))
