"""Predictions and figures for a person at a terminal."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stance.annotate import Exported, Imported
from stance.annotation.label_errors import Suspect
from stance.annotation.suggestion import Suggestion
from stance.check import Report
from stance.estimate import Effect, Estimates, Prevalence
from stance.fetch import MISSING, Fetched
from stance.figures import counted, figure
from stance.metrics import BandMetrics, Metrics
from stance.predict import Prediction
from stance.prevalence import Method
from stance.sample import Drawn
from stance.text import HIDDEN, fold

_COLOURS = ("green", "red", "blue", "yellow", "magenta", "cyan")


def prediction_line(prediction: Prediction) -> Text:
    """A sentence, followed by its labels in colour with their probabilities; dim where it carries none.

    An uncertain label has a question mark, and stands there, less bold, even if it is not given.
    """
    line = Text(_plain(prediction.text), style="" if prediction.labels else "dim")
    for position, (label, probability) in enumerate(prediction.probabilities.items()):
        given, uncertain = label in prediction.labels, label in prediction.uncertain
        if given or uncertain:
            style = f"{'bold' if given else 'dim'} {_COLOURS[position % len(_COLOURS)]}"
            line.append(f"  {label} {probability:.2f}{'?' * uncertain}", style=style)
    return line


def metrics_tables(title: str, metrics: Metrics) -> Sequence[Table]:
    """A table of the labels' figures and one of their bands."""
    labels = Table(title=f"{title}, n = {metrics.n}", title_justify="left", box=SIMPLE_HEAD)
    labels.add_column("label")
    for heading in ("n", "precision", "recall", "F1", "avg. prec.", "ECE", "Brier"):
        labels.add_column(heading, justify="right")
    for row in metrics.labels:
        labels.add_row(
            row.label,
            str(row.n),
            *(figure(value) for value in (row.precision, row.recall, row.f1)),
            figure(row.average_precision),
            figure(row.calibration_error),
            figure(row.brier),
        )
    labels.add_section()
    labels.add_row("macro", "", "", "", figure(metrics.macro_f1))
    labels.add_row("micro", "", "", "", figure(metrics.micro_f1))
    return [labels, _bands_table(metrics.bands)]


def _bands_table(rows: Sequence[BandMetrics]) -> Table:
    table = Table(title="Where the model is sure", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("label")
    for heading in ("sentences", "passed over", "given wrongly"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.label,
            f"{figure(row.coverage)} ({row.sure} of {row.n})",
            f"{figure(row.passed_over_rate)} ({row.passed_over} of {row.positives})",
            f"{figure(row.wrong_rate)} ({row.wrong} of {row.given})",
        )
    return table


def drawn_tables(drawn: Drawn) -> Sequence[Table]:
    """Where a sample was drawn, and how wide the intervals from it are expected to be."""
    strata = Table(title=f"{counted(drawn.n, 'sentence')} to code", title_justify="left", box=SIMPLE_HEAD)
    strata.add_column("stratum")
    for heading in ("sentences", "drawn"):
        strata.add_column(heading, justify="right")
    for row in drawn.strata:
        strata.add_row(row.name, f"{row.n:,}", f"{row.drawn:,}")
    widths = Table(title="Expected width of the 95 % interval", title_justify="left", box=SIMPLE_HEAD)
    widths.add_column("label")
    for method in (Method.ppi, Method.hand):
        widths.add_column(method.value, justify="right")
    for label, width in drawn.widths.items():
        widths.add_row(label, figure(width.ppi), figure(width.hand))
    return [strata, widths]


def estimates_tables(estimates: Estimates) -> Sequence[Table]:
    """Labels in the whole corpus by every method; in groups, and with covariates, by the model and corrected."""
    columns = dict.fromkeys(row.column for row in estimates.shares)
    tables = [_groups_table(estimates, column) if column else _whole_table(estimates) for column in columns]
    if estimates.regression:
        tables.append(_effects_table(estimates))
    return tables


def _whole_table(estimates: Estimates) -> Table:
    whole = [row for row in estimates.shares if row.column is None]
    title = f"{estimates.corpus}, n = {estimates.n:,}, {estimates.coded:,} hand-coded"
    table = _marked_table(title, whole)
    for heading in ("label", "method"):
        table.add_column(heading)
    for heading in ("share [95 %]", "coded with it"):
        table.add_column(heading, justify="right")
    for before, row in zip((None, *whole), whole, strict=False):
        new = before is None or before.label != row.label
        table.add_row(row.label if new else "", row.method, _marked_cell(row), f"{row.positives:,}" if new else "")
    return table


def _groups_table(estimates: Estimates, column: str) -> Table:
    rows = [row for row in estimates.shares if row.column == column]
    table = _marked_table(column, rows)
    for heading in ("group", "label"):
        table.add_column(heading)
    for heading in ("n", "coded", Method.naive.value, f"{Method.ppi.value} [95 %]"):
        table.add_column(heading, justify="right")
    naive = {(row.group, row.label): row for row in rows if row.method == Method.naive.value}
    for row in rows:
        if row.method == Method.ppi.value:
            counted = figure(naive[row.group, row.label].value)
            table.add_row(_plain(str(row.group)), row.label, f"{row.n:,}", f"{row.coded:,}", counted, _marked_cell(row))
    return table


def _effects_table(estimates: Estimates) -> Table:
    table = _marked_table(f"{estimates.regression} regression", estimates.effects)
    for heading in ("label", "covariate"):
        table.add_column(heading)
    for method in (Method.naive, Method.ppi):
        table.add_column(f"{method.value} [95 %]", justify="right")
    naive = {(row.label, row.covariate): row for row in estimates.effects if row.method == Method.naive.value}
    for row in estimates.effects:
        if row.method == Method.ppi.value:
            counted = naive.get((row.label, row.covariate))
            cells = ("-" if counted is None else _marked_cell(counted), _marked_cell(row))
            table.add_row(row.label, _plain(row.covariate), *cells)
    return table


def _marked_table(title: str, rows: Sequence[Prevalence | Effect]) -> Table:
    """A table without columns yet, which says what its asterisks mean if there are to be any."""
    told = "* too little is there, or coded, to lean on the interval" if any(row.small for row in rows) else None
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, caption=told, caption_justify="left")


def _plain(text: str) -> str:
    """The text in one line, without characters that would steer the terminal."""
    return HIDDEN.sub("\ufffd", fold(text))


def _marked_cell(row: Prevalence | Effect) -> str:
    interval = "" if row.value is None else f" [{figure(row.low)}, {figure(row.high)}]"
    return figure(row.value) + interval + "*" * row.small


def fetched_lines(fetched: Fetched) -> Iterator[str]:
    """What a fetch came to, and what could not be had, by reason."""
    yield f"{counted(fetched.found, 'text')} in {fetched.texts}"
    if fetched.missing:
        yield f"{len(fetched.missing):,} could not be had; each is listed in {fetched.texts.with_name(MISSING)}:"
        for reason, n in Counter(missing.reason for missing in fetched.missing).most_common():
            yield f"  {n}: {reason}"


def report_lines(report: Report) -> Iterator[str | Table]:
    """Every promise of the data with what was found, and every problem."""
    table = Table(title="What the data promise", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("")
    for heading in ("at least", "found"):
        table.add_column(heading, justify="right")
    for row in report.requirements:
        table.add_row(
            row.what,
            f"{row.wanted:,.10g}" if row.wanted > 1 else f"{row.wanted:.2f}",
            f"{row.found:,.5g}",
            style="" if row.met else "bold red",
        )
    yield table
    yield f"{counted(report.fetched, 'text')} of real sentences could be compared with all others."
    yield from report.problems
    yield f"{counted(len(report.problems), 'problem')}." if report.problems else "No problem."


def exported_line(exported: Exported) -> str:
    """What was handed out to annotators, and where it lies."""
    return f"{counted(exported.sentences, 'sentence')} in {', '.join(map(str, exported.files))}"


def imported_lines(imported: Imported) -> Iterator[str | Table]:
    """What came back from annotators, how far they agree, and what was set aside."""
    if imported.agreement:
        table = Table(title="Where annotators agree", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("label")
        headings: list[str | Text] = ["sentences", "F1", "alpha"]
        for heading in (*headings, *(Text(fold(name)) for name in imported.annotators)):
            table.add_column(heading, justify="right")
        for row in imported.agreement:
            counts = (f"{count:,}" for count in row.given)
            table.add_row(row.label, f"{row.n:,}", figure(row.f1), figure(row.alpha), *counts)
        yield table
    yield (
        f"{counted(imported.annotated, 'sentence')} annotated by {len(imported.annotators)}, {imported.skipped:,} "
        f"skipped, {imported.untouched:,} not touched; on {imported.ties:,} annotators are evenly divided"
    )
    if imported.set_aside:
        yield f"Set aside: {counted(imported.set_aside, 'annotation')} that did not fit, in {imported.rejected}"


def suggested_lines(suggestions: Sequence[Suggestion]) -> Iterator[str]:
    """How many sentences were chosen for each label."""
    counts = Counter(suggestion.label for suggestion in suggestions)
    chosen_for = ", ".join(f"{label} {n:,}" for label, n in counts.items())
    yield f"{counted(len(suggestions), 'sentence')} to annotate next" + (f": {chosen_for}" if counts else "")


def suspects_lines(suspects: Sequence[Suspect]) -> Iterator[str]:
    """How many labels may be wrong, and which way."""
    yield f"{counted(len(suspects), 'label')} may be wrong"
    counts = Counter((suspect.label, suspect.given) for suspect in suspects)
    for (label, given), n in counts.items():
        yield f"  {n:,}: {label} {'is given' if given else 'is missing'}"


def show(*things: str | Text | Table) -> None:
    """Prints to stdout: in colour on a terminal, in plain characters into a pipe; text as it is, brackets and all."""
    console = Console(markup=False, emoji=False)
    for thing in things:
        console.print(thing, soft_wrap=not isinstance(thing, Table), highlight=False)
