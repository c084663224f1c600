"""Pages that stand alone: one file without anything from elsewhere, in which no text of a corpus can do anything.

Whatever a template prints is escaped. Characters that would be invisible, or turn the text around them, are shown by
their numbers. A content security policy allows the page its own style and script, known by their hashes, and nothing
else: no request, no frame, no form.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stance.errors import ConfigError
from stance.figures import counted, figure, percent
from stance.files import write_text
from stance.report.palette import COLOURS, LABEL_COLOURS, label_colour
from stance.text import HIDDEN, without_surrogates
from stance.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST = 420
"""Characters of a sentence that are shown, at most."""


@dataclass(frozen=True)
class Excerpt:
    """What is shown of a sentence.

    Attributes:
        parts: pieces of text, and whether each is to be marked.
        shown: characters in them.
        length: characters of the whole sentence.
    """

    parts: tuple[tuple[str, bool], ...]
    shown: int
    length: int


def excerpt(text: str, marks: Sequence[tuple[int, int]] = ()) -> Excerpt:
    """The beginning of a text, all of it if it is not too long, cut where marked places start and end.

    Args:
        text: a sentence.
        marks: places in it, from and to, in their order, that do not overlap.
    """
    shown = min(len(text), LONGEST)
    parts: list[tuple[str, bool]] = []
    done = 0
    for start, end in (*marks, (shown, shown)):
        if end <= shown:
            parts += [(text[done:start], False), (text[start:end], True)]
            done = end
    return Excerpt(tuple((part, marked) for part, marked in parts if part), shown, len(text))


def visible(value: Any) -> Any:
    """Text with hidden characters shown as ``[U+202E]``; anything else as it is."""
    if type(value) is not str:  # text that is safe already is of a type of its own
        return value
    return HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", without_surrogates(value))


def check_page(path: Path) -> None:
    """Raises ConfigError, saying what to do, unless a page can be written to a file of that name."""
    if path.suffix.lower() != ".html":
        raise ConfigError(f"Cannot write {path}: expected a name ending in .html.")
    if path.is_dir():
        raise ConfigError(f"Cannot write {path}: it is a folder; expected the name of a file.")


def write_page(
    path: Path, report: str, sections: Mapping[str, str], *, script: str | None = None, **values: Any
) -> None:
    """Renders a report and puts it in place, whole or not at all.

    Args:
        path: of the page.
        report: the folder of the sections' templates.
        sections: their titles, by the names of their templates, which are the anchors too.
        script: the name of the one that the page runs.
        values: what the templates ask for; all of them for ``kicker``, ``heading`` and ``facts``.
    """
    environment = _environment()
    parts = {
        "style": environment.get_template("style.css.j2").render(colours=COLOURS, label_colours=LABEL_COLOURS),
        "script": "" if script is None else environment.get_template(script).render(),
    }
    page = environment.get_template("page.html.j2").render(
        **values,
        **parts,
        **{f"{name}_hash": _hash(part) for name, part in parts.items()},
        report=report,
        sections=sections,
        version=__version__,
    )
    write_text(path, page)


@cache
def _environment() -> "Environment":
    # Imported when a page is written: the scripts that load this module may end before.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("stance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure,
        "percent": percent,
        "count": "{:,}".format,
        "counted": counted,
        "excerpt": excerpt,
    }
    environment.globals |= {"label_colour": label_colour}
    return environment


def _hash(source: str) -> str:
    """As a content security policy names what may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"
