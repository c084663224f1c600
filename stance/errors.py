"""Errors that a user can act on: each says what was expected, what was found, and what to do next."""

import difflib
import re
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


def check_settings(prefix: str, settings: Iterable[tuple[str, float, bool, str]]) -> None:
    """Refuses the first setting that is out of range.

    Args:
        prefix: what stands before the names on the command line, e.g. ``training.``.
        settings: of each its name, its value, whether that is in range, and what the range is.

    Raises:
        ConfigError: one is not.
    """
    for name, value, fits, wanted in settings:
        if not fits:
            raise ConfigError(f"{prefix}{name}={value} is out of range: expected {wanted}.")


def install_extra(extra: str) -> str:
    """The command that installs what one of the extras of stance stands for.

    It names the packages and not ``stance[...]``: on the public package index that is somebody else's.
    """
    from importlib.metadata import requires  # slow to import, and needed by few

    wanted = re.compile(rf"(.+); extra == ['\"]{re.escape(extra)}['\"]")
    found = (wanted.fullmatch(requirement) for requirement in requires("stance") or ())
    packages = [f'"{match[1].strip()}"' for match in found if match]
    return f"pip install {' '.join(packages)}"
