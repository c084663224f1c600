"""The lines of files as bytes, from any place on, also of compressed ones."""

import codecs
import gzip
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from stance.tables.rows import Place

_READ = io.DEFAULT_BUFFER_SIZE
"""What text is read in, in bytes."""
LONGEST_LINE = 32_000_000
"""Bytes of a line that are held: a longer one is more likely a whole file without line ends than a row."""
_SHOWN = 1000


class LongLineError(Exception):
    """A line is longer than ``LONGEST_LINE``, and has been passed over.

    Attributes:
        beginning: of it.
    """

    def __init__(self, beginning: bytes) -> None:
        self.beginning = beginning

    def __str__(self) -> str:
        return f"a line of more than {LONGEST_LINE:,} bytes"


def _gunzipped(path: Path) -> BinaryIO:
    # Not within another buffer, which would lose what is good of a piece that is damaged further on.
    return gzip.GzipFile(path)  # type: ignore[return-value]


def _zstd_decompressed(path: Path) -> BinaryIO:
    import pyarrow as pa

    return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))


DECOMPRESSED: Mapping[str, Callable[[Path], BinaryIO]] = {".gz": _gunzipped, ".zst": _zstd_decompressed}
"""By the ending of the name of a compressed file, what opens it."""


class Lines:
    """The lines of a file, as bytes, and the place of the next one. Too long a one raises ``LongLineError``.

    Args:
        path: of the file.
        start: where to begin.
        newline: what ends a line, as for ``open``: of ``""`` a carriage return alone does too, as on old Macs.
    """

    def __init__(self, path: Path, start: Place, newline: str) -> None:
        self.place = start
        self._path = path
        self._newline = newline
        self._ends = (b"\n", b"\r") if newline == "" else (b"\n",)

    def __enter__(self) -> "Lines":
        decompressed = DECOMPRESSED.get(self._path.suffix.lower())
        file = decompressed(self._path) if decompressed else self._path.open("rb")
        if not decompressed:
            file.seek(self.place.offset)
        # Latin-1 makes each byte a character and back, so that places stay those of bytes.
        self._text = io.TextIOWrapper(file, encoding="latin-1", newline=self._newline)
        if decompressed:
            self._wind(self.place.offset)
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> bytes:
        line = self._text.readline(LONGEST_LINE).encode("latin-1")
        if not line:
            raise StopIteration
        length, end = len(line), line[-1:]
        while length % LONGEST_LINE == 0 and end not in self._ends and (rest := self._text.readline(LONGEST_LINE)):
            length, end = length + len(rest), rest[-1:].encode("latin-1")
        self.place = Place(self.place.number + 1, self.place.offset + length)
        if length > LONGEST_LINE:
            raise LongLineError(line[:_SHOWN])
        return line.removeprefix(codecs.BOM_UTF8) if self.place.offset == len(line) else line

    def _wind(self, count: int) -> None:
        # By the reads that reading lines makes, and no longer ones: what is lost of a damaged file hangs on where a
        # read begins.
        while count:
            count -= len(self._text.read(min(count, _READ))) or count


def shown(raw: bytes) -> str:
    """Bytes that are not UTF-8, as text that shows them all."""
    return raw.decode(errors="backslashreplace")
