"""Learns the sieve of a model from the model's own answers, and finds where it is sure: ``sieve.safetensors``.

What it may lose is bounded whatever the two are like. Sentences are ranked by how far the sieve's highest logit lies
above where few sentences with that label lie, in terms of how far apart the lowest of these lie: what is far for one
label is near for another. Of n sentences with a label that the model finds, and that the sieve has not learned from,
the k-th lowest is taken; a new one like them lies lower with a chance of k / (n + 1) (split conformal prediction, Vovk
et al. 2005), and a sentence is settled if it lies lower than that for every label. So the model's recall falls by no
more than that. (Labels that it gives wrongly do not count: nothing is lost with them.) The n are of the validation
sentences, of which there are too few alone, and of others that the model has not learned from either. Where none are
given, a share of the training sentences is held out. The model has learned from these and is surer of them than of new
ones, so the promise is a little bold; and in some of them it finds what it would pass over in new ones, which is the
hardest for a sieve, so that less is settled.

The probabilities of what is settled are the sieve's, so the model's bands are fitted again, for both together.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from stance.bands import fit_band
from stance.config import DataConfig, SieveConfig
from stance.data import Example, Splits, gold_matrix, hold_out, read_examples, with_unlabelled
from stance.decision import BoolArray, Decision
from stance.errors import ConfigError, DataError, check_settings
from stance.files import replacing
from stance.inference import Tokenize, batches_by_length, encode, padded
from stance.metrics import measure
from stance.model_file import RECALIBRATION, ModelFile
from stance.own_data import read_own_splits
from stance.predict import Predictor
from stance.progress import progress
from stance.sieve import FAR, NEAR, Sieve, write_sieve
from stance.sources import SIEVE, Source, find_source
from stance.torch_inference import TorchInference, tokenize_with
from stance.variants import vary

Ids = Sequence[Sequence[int]]
Floats = NDArray[np.floating[Any]]

_PRESENT = 3.0
"""Weight of a label's presence in learning: what is to be kept is rare."""
_RATE, _DECAY, _BATCH = 3e-3, 0.01, 4096
"""Learning rate at its highest, weight decay, and tokens a batch."""
_ROUNDING = 1e-9
"""By which a product that should be a whole number may fall short of it."""
_FEW, _SOME = 0.05, 0.2
"""Shares of the sentences whose label is found: from the highest logit of the first on the label's logits are counted,
and up to that of the second they lie one step apart."""


@dataclass(frozen=True)
class Learned:
    """What ``stance.json`` tells of a sieve.

    Attributes:
        sha256: of its file.
        loss: the chance at most that a sentence whose label the model finds is settled as one without.
        found: by label, sentences with it that the model finds, among those that the sieve has not learned from.
        lost: of these, how many are settled.
        validation: validation sentences.
        settled: of these, how many are settled.
    """

    sha256: str
    loss: float
    found: dict[str, int]
    lost: dict[str, int]
    validation: int
    settled: int


def learn_sieve(config: SieveConfig) -> Learned:
    """Learns a model's sieve and writes it into the model's folder.

    Raises:
        ConfigError: a setting is out of range, or the model was recalibrated.
        DataError: the sentences that the model was trained on are not here, or too few of them carry a label to tell
            what the sieve would lose.
        ModelError: the model cannot be had.
    """
    _check(config)
    predictor = Predictor.from_config(replace(config.model, cascade=False))
    source = find_source(config.model.path, config.model.revision)
    model_file, labels = predictor.model_file, predictor.labels
    if RECALIBRATION in model_file.data:
        raise ConfigError(
            f"{config.model.path} was fitted to other text than it learned from: the bands of a sieve, which is told "
            "by the latter, would not hold there. Learn the sieve of a model that was not recalibrated."
        )
    splits = read_own_splits(model_file)
    taught, untaught = _divide(splits, config, model_file)
    # A text that is there twice is no second witness.
    untaught = list({example.text: example for example in untaught}.values())
    texts = [example.text for example in taught]
    varied = [*texts, *vary(texts, config.variants, config.seed)]
    judged = [*untaught, *splits.validation]
    judged_texts = [example.text for example in judged]
    tokenize, words = _tokenizer_and_words(model_file, source, config)
    ids, judged_ids = (encode(tokenize, each, model_file.max_length).ids for each in (varied, judged_texts))
    torch.manual_seed(config.seed)
    student = _Student(_start(words, ids, config.width), config.channels, len(labels))
    answers = _ask(predictor, varied)
    _learn(student, ids, answers, config)
    decision = model_file.decision
    exact = predictor.logits(judged_texts)
    taught_found, found = (
        gold_matrix(examples, labels) & decision.decide(decision.probabilities(logits)).carried
        for examples, logits in ((taught, answers[: len(texts)]), (judged, exact))
    )
    path = source.folder / SIEVE
    with replacing(path) as temporary:
        write_sieve(temporary, student.arrays() | {"below": np.zeros(len(labels))})
        untried = Sieve.read(temporary)
        said = untried.logits(judged_ids)
        few, step = _scale(untried.logits(ids[: len(texts)]), taught_found)
        sure = few + step * _margin((said - few) / step, found, labels, config.loss)
        write_sieve(temporary, student.arrays() | {"below": np.minimum(sure, _silent(decision))})
    sieve = Sieve.read(path)
    settled = sieve.settles(said)
    learned = Learned(
        sha256=sieve.sha256,
        loss=config.loss,
        found=dict(zip(labels, found.sum(axis=0).tolist(), strict=True)),
        lost=dict(zip(labels, found[settled].sum(axis=0).tolist(), strict=True)),
        validation=len(splits.validation),
        settled=int(settled[len(untaught) :].sum()),
    )
    cascade = np.where(settled[:, None], said, exact)[len(untaught) :]
    gold = gold_matrix(splits.validation, labels)
    decision = _with_bands(decision, cascade, gold, model_file)
    reached = measure(decision.decide(decision.probabilities(cascade)), gold, labels)
    replace(
        model_file,
        decision=decision,
        metrics=model_file.metrics | {"validation": asdict(reached), "sieve": asdict(learned)},
    ).write(source.folder)
    return learned


def _divide(splits: Splits, config: SieveConfig, model_file: ModelFile) -> tuple[list[Example], list[Example]]:
    """What the sieve learns from, and what tells, with validation, what it loses."""
    if not config.unseen:
        return hold_out(splits.train, config.held_out, config.seed)
    data = DataConfig(**model_file.settings["data"])
    unseen = [
        example for path in config.unseen for example in read_examples(Path(path), model_file.decision.labels, data)
    ]
    texts = {example.text for example in unseen}
    seen = texts & {example.text for part in with_unlabelled(splits, data).parts.values() for example in part}
    if seen:
        raise DataError(
            f"{config.model.path} has seen {len(seen):,} of the {len(texts):,} sentences of unseen="
            f"[{','.join(config.unseen)}], such as '{min(seen)}': expected none that it learned from or was chosen by. "
            "Leave them out, or name another file."
        )
    return splits.train, unseen


def _with_bands(decision: Decision, logits: Floats, gold: BoolArray, model_file: ModelFile) -> Decision:
    """The decision with bands that keep their promises for the cascade, whose probabilities are less exact."""
    error_rate = model_file.settings["decision"]["error_rate"]
    columns = zip(decision.probabilities(logits).T, gold.T, decision.thresholds, strict=True)
    return replace(decision, bands=tuple(fit_band(*column, error_rate) for column in columns))


def _check(config: SieveConfig) -> None:
    share = "more than 0 and less than 1"
    check_settings(
        "",
        (
            ("loss", config.loss, 0 < config.loss < 1, share),
            ("variants", config.variants, config.variants >= 0, "at least 0"),
            ("passes", config.passes, config.passes >= 1, "at least 1"),
            ("held_out", config.held_out, 0 < config.held_out < 1, share),
            ("width", config.width, config.width >= 1, "at least 1"),
            ("channels", config.channels, config.channels >= 1, "at least 1"),
        ),
    )


def _tokenizer_and_words(model_file: ModelFile, source: Source, config: SieveConfig) -> tuple[Tokenize, Floats]:
    """The model's tokenizer, and its word vectors, of shape (vocabulary, width)."""
    base = model_file.find_delta_base(source, config.model.base)
    network = TorchInference.from_pretrained(source.folder, max_length=model_file.max_length, base=base, device="cpu")
    words = network.network.get_input_embeddings().weight.detach().numpy()
    widest = words.shape[1]
    check_settings("", [("width", config.width, config.width <= widest, f"at most the model's own {widest}")])
    return tokenize_with(network.tokenizer), words


def _ask(predictor: Predictor, texts: Sequence[str]) -> Floats:
    """The model's logits, of shape (texts, labels)."""
    answers = []
    with progress("asking the model") as counter:
        counter.set(0, total=len(texts))
        for start in range(0, len(texts), 1024):
            answers.append(predictor.logits(texts[start : start + 1024]))
            counter.advance(len(answers[-1]))
    return np.concatenate(answers)


def _start(words: Floats, ids: Ids, width: int) -> Tensor:
    """The model's word vectors along the directions in which those that occur differ most, of unit variance in all."""
    seen = np.unique(np.concatenate([np.asarray(text) for text in ids]))
    components = PCA(width, random_state=0).fit(words[seen])
    vectors = components.transform(words)
    return torch.from_numpy((vectors / vectors[seen].std()).astype(np.float32))


class _Student(nn.Module):
    """What ``Sieve`` computes, to be learned: over texts of a batch, which are padded."""

    def __init__(self, words: Tensor, channels: int, labels: int) -> None:
        super().__init__()
        self.words = nn.Embedding.from_pretrained(words, freeze=False)  # type: ignore[no-untyped-call]
        self.near = nn.Conv1d(words.shape[1], channels, 3, padding=NEAR, dilation=NEAR)
        self.far = nn.Conv1d(channels, channels, 3, padding=FAR, dilation=FAR)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(2 * channels, labels)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits for token ids and mask of shape (texts, tokens)."""
        room = mask[:, None]
        near = self.near(self.words(ids).transpose(1, 2) * room) * room
        read = torch.relu(near + self.far(torch.relu(near))) * room
        pooled = torch.cat([read.sum(2) / room.sum(2), read.amax(2)], dim=1)
        logits: Tensor = self.head(self.dropout(pooled))
        return logits

    def arrays(self) -> dict[str, Floats]:
        """The weights in the form that ``Sieve`` takes."""
        arrays = {name: parameter.detach().numpy() for name, parameter in self.named_parameters()}
        arrays["words"] = arrays.pop("words.weight")
        for name in ("near", "far"):
            kernel = arrays[f"{name}.weight"]  # outputs, inputs, places
            arrays[f"{name}.weight"] = kernel.transpose(2, 1, 0).reshape(-1, len(kernel))
        arrays["head.weight"] = arrays["head.weight"].T
        # Learned with a weight on presence, logits are too high by just that.
        arrays["head.bias"] = arrays["head.bias"] - math.log(_PRESENT)
        return arrays


def _learn(student: _Student, ids: Ids, logits: Floats, config: SieveConfig) -> None:
    wanted = torch.sigmoid(torch.from_numpy(logits).float())
    batches = batches_by_length([len(text) for text in ids], _BATCH)
    steps = config.passes * len(batches)
    optimizer = torch.optim.AdamW(student.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    student.train()
    with progress("learning") as counter:
        counter.set(0, total=steps)
        for batch in _shuffled(batches, config.passes, config.seed):
            said = student(*_padded([ids[index] for index in batch]))
            target = wanted[batch]
            loss = -(_PRESENT * target * logsigmoid(said) + (1 - target) * logsigmoid(-said)).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            counter.advance(1)
    student.train(False)


def _shuffled(batches: list[list[int]], passes: int, seed: int) -> Iterator[list[int]]:
    chance = np.random.default_rng(seed)
    for _ in range(passes):
        yield from (batches[index] for index in chance.permutation(len(batches)))


def _padded(ids: Ids) -> tuple[Tensor, Tensor]:
    input_ids, mask = padded(ids, pad=0)
    return torch.from_numpy(input_ids), torch.from_numpy(mask).float()


def _scale(said: Floats, found: BoolArray) -> tuple[Floats, Floats]:
    """Per label, the sieve's logit that few of the sentences lie below in which the model finds it, and a step.

    The step is how far above that the logit lies that some of them lie below.
    """
    columns = (said[found[:, column], column] for column in range(found.shape[1]))
    few, some = np.array([np.quantile(each, (_FEW, _SOME)) if len(each) else (0, 1) for each in columns]).T
    return few, np.maximum(some - few, _ROUNDING)


def _silent(decision: Decision) -> Floats:
    """Per label, a logit below which it is not given, so that what is settled carries no label."""
    logits = np.linspace(-20, 20, 4001)
    reaches = decision.probabilities(np.tile(logits[:, None], len(decision.labels))) >= np.array(decision.thresholds)
    silent = np.concatenate([[-np.inf], logits])[reaches.argmax(axis=0)]  # the one before the first that reaches
    return np.where(reaches.any(axis=0), silent, np.inf)


def _margin(above: Floats, found: BoolArray, labels: Sequence[str], loss: float) -> float:
    """How far above its place a sentence's highest logit must lie, for those of each label to fail seldom enough.

    Args:
        above: how far the sieve's logits for sentences that it has not learned from lie above their label's place, of
            shape (sentences, labels).
        found: the labels that they carry and that the model finds.
        labels: their names.
        loss: how seldom.
    """
    enough = math.ceil(1 / loss) - 1
    few = [f"{label} {n}" for label, n in zip(labels, found.sum(axis=0), strict=True) if n < enough]
    if few:
        raise DataError(
            f"A loss of {loss} takes {enough} sentences of each label that the model finds and that the sieve has not "
            f"learned from; there are {', '.join(few)}. Give more (unseen=[more.jsonl]), hold out more (held_out=0.3), "
            "or allow more (loss=0.02)."
        )
    columns = (np.sort(above.max(axis=1)[found[:, column]]) for column in range(len(labels)))
    return float(min(column[math.floor(loss * (len(column) + 1) + _ROUNDING) - 1] for column in columns))
