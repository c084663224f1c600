"""Sentences of a text, with the character offsets at which they stand."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import sentencex

HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff"
    r"\U000e0000-\U000e007f]"
)
"""Characters that nobody sees, or that turn the text around them. Joiners stay, which emoji and some scripts need."""
LONGEST = 1_000_000
"""Characters beyond which a text is set aside: it is more likely a broken file than a document."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ODD_SPACE = re.compile(r"[^\S\n]")
_BLANK_LINES = re.compile(r"\n\s*\n")
_WINDOW = 10_000
"""Characters that are looked at together: the time for unclosed quotes grows with the square of them."""
_WRAP_COLUMN = 100
_FULL_LINE = 50


@dataclass(frozen=True)
class Sentence:
    """A sentence of a longer text: ``text == document[start:end]``, in characters."""

    text: str
    start: int
    end: int


def without_surrogates(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot hold, replaced one for one by U+FFFD: offsets stay."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def fold(text: str) -> str:
    """The text with each run of white space as one space, and none at its ends."""
    return " ".join(text.split())


def sentence_id(text: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the text in UTF-8: the id of a sentence in the shipped data."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def split_sentences(text: str) -> list[Sentence]:
    """Splits a text into its sentences; white space around them belongs to none.

    Blank lines always end a sentence. So does a single line break (a headline, a list, one paragraph a line), unless
    the text is hard-wrapped as e-mails and old archives are: no line beyond 100 characters, most lines filled.
    """
    # Carriage returns would hide blank lines; replacing them by blanks, not deleting them, keeps every offset.
    plain = without_surrogates(text).replace("\r\n", " \n").replace("\r", "\n")
    line_break = _BLANK_LINES if _is_hard_wrapped(plain) else re.compile(r"\n")
    return [
        Sentence(text[start:end], start, end)
        for block_start, block_end in _between(line_break, plain)
        for start, end in _sentences(plain[block_start:block_end], block_start)
    ]


def _is_hard_wrapped(text: str) -> bool:
    lines = text.split("\n")
    continued = [len(line) for line, following in pairwise(lines) if line.strip() and following.strip()]
    if not continued or max(map(len, lines)) > _WRAP_COLUMN:
        return False
    filled = sum(length >= _FULL_LINE for length in continued)
    return filled > len(continued) / 2


def _between(separator: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in separator.finditer(text):
        yield start, match.start()
        start = match.end()
    yield start, len(text)


def _sentences(block: str, offset: int) -> Iterator[tuple[int, int]]:
    # Other spaces than the plain one bring sentencex down (1.0.32).
    plain, start = _ODD_SPACE.sub(" ", block), 0
    while start < len(plain):
        for end in _ends(plain, start):
            stripped = plain[start:end].strip()
            if stripped:
                first = offset + plain.index(stripped, start)
                yield first, first + len(stripped)
            start = end


def _ends(block: str, start: int) -> list[int]:
    """Where sentences end that begin at ``start``, but for one that may go on beyond what is looked at."""
    window = block[start : start + _WINDOW]
    found = [start + one["start_index"] + len(one["text"]) for one in sentencex.get_sentence_boundaries("en", window)]
    if start + len(window) == len(block):
        return found or [len(block)]
    return found[:-1] or [start + (window.rfind(" ") + 1 or len(window))]
