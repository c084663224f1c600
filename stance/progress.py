"""Progress for people: shown on a terminal, absent in pipes and logs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def on_terminal() -> bool:
    """Whether someone watches: stderr is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def progress(description: str, *, hidden: bool = False) -> Iterator["Counter"]:
    """A progress bar on stderr, counted on by hand; it counts without an end until a total is set."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=hidden or not on_terminal(), transient=True) as bar:
        yield Counter(bar, description)


class Counter:
    """Counts on a progress bar."""

    def __init__(self, bar: Progress, description: str) -> None:
        self._bar = bar
        self._task = bar.add_task(description, total=None, note="")

    def advance(self, steps: int, note: str = "") -> None:
        """Counts ``steps`` more, with a word on what is going on."""
        self._bar.update(self._task, advance=steps, note=note)

    def set(self, count: int, total: int | None = None) -> None:
        """Sets the count, and the total when it becomes known."""
        self._bar.update(self._task, completed=count, total=total)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keeps transformers' own bars and reports from a step that stance tells about in its own words."""
    from transformers.utils import logging

    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
