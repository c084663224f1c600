"""Errors that a user can act on: each says what was expected, what was found, and what to do next."""

import difflib
from collections.abc import Iterable


class StanceError(Exception):
    """Base of all errors that stance raises on purpose. Scripts print them as one message, without a traceback."""


class ConfigError(StanceError):
    """A setting is missing, misspelt, or contradicts another."""


class ModelError(StanceError):
    """A base model or a trained model cannot be found, read, or trusted."""


class DataError(StanceError):
    """A file of examples cannot be used.

    Attributes:
        problems: one line for each thing found wrong, ``file:line: what``; all of them, not only the first.
    """

    SHOWN = 20

    def __init__(self, summary: str, problems: Iterable[str] = ()) -> None:
        self.problems = tuple(problems)
        lines = [summary, *(f"  {problem}" for problem in self.problems[: self.SHOWN])]
        if len(self.problems) > self.SHOWN:
            lines.append(f"  ... and {len(self.problems) - self.SHOWN} more")
        super().__init__("\n".join(lines))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to an error about ``word``: the nearest known name if one is near, else all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
