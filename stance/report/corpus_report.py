"""The report of a labelled corpus: how common labels are, over time and by group, and which sentences carry them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stance.config import ReportConfig
from stance.design import FEW_DOCUMENTS
from stance.estimate import SMALL, Estimates, Prevalence, count
from stance.figures import counted
from stance.groups import NO_VALUE
from stance.labelled import nothing_coded, read_coded, read_corpus
from stance.prevalence import Method
from stance.report.highlights import Highlights
from stance.report.origins import find_origins
from stance.report.page import check_page, write_page
from stance.report.palette import label_colour
from stance.report.plots import Plot, timeline

FEWEST_PERIODS = 3
"""From which on a line over time is drawn."""

_SECTIONS = {
    "summary": "In short",
    "time": "Over time",
    "groups": "By group",
    "likeliest": "What carries each label",
    "uncertain": "What a person should look at",
    "set_aside": "What could not be labelled",
    "made": "How this was made",
}


def report_corpus(config: ReportConfig) -> Estimates:
    """Counts the labels of a corpus and writes the report, ``config.output``.

    Raises:
        ConfigError: the output is no .html file.
        DataError: corpus or sample cannot be read, do not fit each other, or lack a column; or dates are none.
    """
    path, output = Path(config.corpus), Path(config.output)
    check_page(output)
    highlights = Highlights(config.sentences)
    corpus = read_corpus(path, columns=config.columns, document_column=config.document_column, each=highlights.add)
    sample = (
        nothing_coded(corpus) if config.coded is None else read_coded(Path(config.coded), corpus, config.label_column)
    )
    estimates = count(corpus, sample, config)
    method = Method.naive if config.coded is None else Method.ppi
    shares = [row for row in estimates.shares if row.method == method.value]
    origins = find_origins(path)
    there = {"time": config.time, "groups": config.by}
    write_page(
        output,
        "corpus",
        {anchor: title for anchor, title in _SECTIONS.items() if there.get(anchor, title)},
        kicker="Report of a labelled corpus",
        heading=path.name,
        facts=_facts(estimates),
        config=config,
        estimates=estimates,
        method=method.value,
        labels=corpus.labels,
        given=dict(zip(corpus.labels, corpus.given.sum(axis=0).tolist(), strict=True)),
        whole=[row for row in shares if row.column is None],
        naive={row.label: row for row in estimates.shares if (row.method, row.column) == (Method.naive.value, None)},
        groups={column: _by_group(shares, column) for column in config.by},
        periods={} if config.time is None else _by_group(shares, config.time),
        timelines=[] if config.time is None else _timelines(shares, config.time, corpus.labels),
        small=SMALL,
        few_documents=FEW_DOCUMENTS,
        highlights=highlights,
        origins=origins,
    )
    return estimates


def _facts(estimates: Estimates) -> str:
    documents = f" of {counted(estimates.documents, 'document')}" if estimates.documents < estimates.n else ""
    coded = f"{estimates.coded:,}" if estimates.coded else "none"
    return f"{counted(estimates.n, 'sentence')}{documents}, {coded} coded by hand"


def _by_group(shares: Sequence[Prevalence], column: str) -> Mapping[str, list[Prevalence]]:
    """The estimates of all labels, group by group."""
    groups: dict[str, list[Prevalence]] = {}
    for row in shares:
        if row.column == column:
            groups.setdefault(str(row.group), []).append(row)
    return groups


def _timelines(shares: Sequence[Prevalence], column: str, labels: Sequence[str]) -> list[Plot]:
    dated = [row for row in shares if row.column == column and row.group != NO_VALUE]
    rows = [[row for row in dated if row.label == label] for label in labels]
    if len(rows[0]) < FEWEST_PERIODS:
        return []
    return [
        timeline(
            f"time-{position}",
            label_colour(position),
            [str(row.group) for row in over_time],
            [(row.value, row.low, row.high) for row in over_time],
        )
        for position, over_time in enumerate(rows)
    ]
