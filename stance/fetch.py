"""Texts of the real sentences: downloads the public files that the references name, and cuts the sentences out."""

import gzip
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from stance.config import FetchConfig
from stance.data import SPLITS
from stance.errors import DataError, check_settings
from stance.files import replacing, write_text
from stance.labels import LABELS
from stance.progress import progress
from stance.references import TEXTS, Reference, read_references, read_texts
from stance.tables.json_lines import json_line

log = logging.getLogger(__name__)

MISSING = "missing.jsonl"
"""What could not be had, in the folder of the references: ``id``, ``source`` and ``reason`` a line."""


@dataclass(frozen=True)
class Missing:
    """A sentence whose text could not be had: from where, and why."""

    id: str
    source: str
    reason: str


@dataclass(frozen=True)
class Fetched:
    """What a fetch came to.

    Attributes:
        found: sentences whose text is now in ``texts``.
        missing: the others.
        texts: the file of texts.
    """

    found: int
    missing: tuple[Missing, ...]
    texts: Path


def fetch(config: FetchConfig) -> Fetched:
    """Brings together the texts of all references in ``config.references`` and writes them there.

    Texts that are already there are kept; others come from ``config.texts`` if it is given, else from the public files,
    which are kept in ``config.cache``. Each is checked against the checksum in its id. What cannot be had is listed in
    ``missing.jsonl``; run again to try it again.

    Raises:
        ConfigError: a setting is out of range.
        DataError: there are no references, ``config.texts`` cannot be read, or the host cannot be reached at all.
    """
    check_settings("", [("connections", config.connections, config.connections >= 1, "at least 1")])
    folder = Path(config.references)
    files = [path for split in SPLITS if (path := folder / f"{split}.jsonl").exists()]
    references = [reference for path in files for reference in read_references(path, LABELS)]
    if not references:
        raise DataError(f"There are no references in {folder}: expected {', '.join(SPLITS)}.jsonl there.")
    target = folder / TEXTS
    texts = read_texts(target) if target.exists() else {}
    wanted = [reference for reference in references if reference.id not in texts]
    if config.texts is None:
        found, missing = _from_public_files(wanted, config)
    else:
        found, missing = _from_local_file(wanted, Path(config.texts))
    texts |= found
    known = [reference.id for reference in references if reference.id in texts]
    if found:
        with (
            replacing(target) as temporary,
            temporary.open("wb") as raw,
            gzip.GzipFile(
                "", "wb", fileobj=raw, mtime=0
            ) as file,  # neither name nor time: the same texts, the same file
        ):
            file.writelines(json_line({"id": id_, "text": texts[id_]}).encode() for id_ in known)
    _list_missing(folder / MISSING, missing)
    return Fetched(len(known), tuple(missing), target)


def _from_local_file(wanted: Iterable[Reference], path: Path) -> tuple[dict[str, str], list[Missing]]:
    texts = read_texts(path)
    found = {reference.id: texts[reference.id] for reference in wanted if reference.id in texts}
    missing = [
        Missing(reference.id, str(path), "no text there has this checksum")
        for reference in wanted
        if reference.id not in texts
    ]
    return found, missing


def _from_public_files(wanted: Iterable[Reference], config: FetchConfig) -> tuple[dict[str, str], list[Missing]]:
    by_file: Mapping[tuple[str, str, str], list[Reference]] = defaultdict(list)
    for reference in wanted:
        by_file[reference.repo, reference.commit, reference.path].append(reference)
    found: dict[str, str] = {}
    missing: list[Missing] = []
    download = _Download(config)
    with progress("fetching files") as counter, ThreadPoolExecutor(config.connections) as pool:
        counter.set(0, total=len(by_file))
        for references, (url, content) in zip(by_file.values(), pool.map(download, by_file), strict=True):
            for reference in references:
                text = None if isinstance(content, _Failure) else reference.cut(content)
                if text is not None:
                    found[reference.id] = text
                else:
                    reason = content.reason if isinstance(content, _Failure) else "another text stands there (checksum)"
                    missing.append(Missing(reference.id, url, reason))
            counter.advance(1)
    if by_file and not found and download.unreachable:
        raise DataError(
            f"Cannot reach {config.host}: {download.unreachable} Check the network (proxies are taken from "
            "HTTPS_PROXY), or give texts=<file> with texts by id."
        )
    return found, missing


@dataclass(frozen=True)
class _Failure:
    reason: str


class _Download:
    """Gets a file of a repository at a commit, from the cache or else from the host; safe in several threads."""

    def __init__(self, config: FetchConfig) -> None:
        self._config = config
        self._cache = Path(config.cache).expanduser()
        self._local = threading.local()
        self._reached = False
        self.unreachable = ""

    def __call__(self, file: tuple[str, str, str]) -> tuple[str, str | _Failure]:
        """Returns where the file is, and its content or why it could not be had."""
        repo, commit, path = file
        url = f"{self._config.host}/{repo}/{commit}/{quote(path)}"
        cached = self._cache.joinpath(repo, commit, path)
        if not cached.exists():
            reason = self._store(url, cached)
            if reason:
                return url, _Failure(reason)
        try:
            return url, cached.read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            return url, _Failure(f"not valid UTF-8: {error}")

    def _store(self, url: str, cached: Path) -> str | None:
        if (
            self.unreachable and not self._reached
        ):  # the host is down, not the file: thousands more need not wait for it
            return self.unreachable
        try:
            response = self._session().get(url, timeout=self._config.timeout)
            response.raise_for_status()
        except requests.HTTPError as error:
            self._reached = True
            return f"HTTP status {error.response.status_code}"
        except requests.RequestException as error:
            self.unreachable = f"{type(error).__name__}."
            return self.unreachable
        self._reached = True
        with replacing(cached) as temporary:
            temporary.write_bytes(response.content)
        return None

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            retry = Retry(
                total=self._config.retries,
                backoff_factor=0.5,
                status_forcelist=(429, 500, 502, 503, 504),
                raise_on_status=False,
            )
            session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            self._local.session = session
        found: requests.Session = self._local.session
        return found


def _list_missing(path: Path, missing: Sequence[Missing]) -> None:
    if not missing:
        path.unlink(missing_ok=True)
        return
    write_text(path, "".join(json_line(asdict(miss)) for miss in missing))
