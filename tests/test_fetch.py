"""Fetching, from a small web server that behaves like the host of public files."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from conftest import Run, write_jsonl

from stance.config import FetchConfig
from stance.errors import ConfigError, DataError
from stance.fetch import MISSING, fetch
from stance.references import TEXTS
from stance.text import sentence_id

COMMIT = "0" * 40
CONTENT = "Überschrift\r\n\nThe envoy\n  denied it. The café shut.\n"
SENTENCES = ["The envoy denied it.", "The café shut."]


def reference(text: str, path: str = "news/a b.txt") -> dict[str, object]:
    place = re.search(r"\s+".join(map(re.escape, text.split())), CONTENT)
    start, end = place.span() if place else (0, 5)
    return {
        "id": sentence_id(text),
        "repo": "owner/name",
        "commit": COMMIT,
        "path": path,
        "start": start,
        "end": end,
        "group": path,
        "labels": [],
        "split": "train",
        "readers": [[]],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "real").mkdir()
    return tmp_path / "real"


@pytest.fixture
def host() -> Iterator[tuple[str, Counter[str]]]:
    """Address of a server and how often each path was asked for; ``busy`` paths answer 503 at first."""
    asked: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked[self.path] += 1
            known = self.path.startswith(f"/owner/name/{COMMIT}/news/")
            busy = "busy" in self.path and asked[self.path] < 3
            self.send_response(503 if busy else 200 if known else 404)
            self.end_headers()
            if known and not busy:
                self.wfile.write(b"\xff" if "latin" in self.path else CONTENT.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


def texts_in(folder: Path) -> list[str]:
    with gzip.open(folder / TEXTS, "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def test_sentences_are_cut_out_and_checked_and_what_fails_is_listed(
    folder: Path, host: tuple[str, Counter[str]], tmp_path: Path
) -> None:
    address, asked = host
    rows = [
        *(reference(text) for text in SENTENCES),
        reference("Not there."),
        reference("Gone.", "old/gone.txt"),
        reference("Latin.", "news/latin.txt"),
    ]
    write_jsonl(folder / "train.jsonl", rows)
    write_jsonl(folder / "test.jsonl", [reference("Überschrift", "news/busy.txt")])
    config = FetchConfig(references=str(folder), host=address, cache=str(tmp_path / "cache"))
    fetched = fetch(config)
    assert texts_in(folder) == [*SENTENCES, "Überschrift"]
    assert fetched.found == 3
    reasons = {missing["id"]: missing["reason"] for missing in map(json.loads, (folder / MISSING).open())}
    assert reasons[sentence_id("Gone.")] == "HTTP status 404"
    assert "checksum" in reasons[sentence_id("Not there.")]
    assert "UTF-8" in reasons[sentence_id("Latin.")]
    assert asked[f"/owner/name/{COMMIT}/news/busy.txt"] == 3, "tried again after 503"
    assert asked[f"/owner/name/{COMMIT}/news/a%20b.txt"] == 1, "once for all its sentences"
    before = (folder / TEXTS).read_bytes()
    (folder / TEXTS).unlink()
    fetch(config)
    assert asked[f"/owner/name/{COMMIT}/news/a%20b.txt"] == 1, "then from the cache"
    assert (folder / TEXTS).read_bytes() == before


def test_a_host_that_cannot_be_reached_is_told_at_once(folder: Path, tmp_path: Path) -> None:
    write_jsonl(folder / "train.jsonl", [reference("Überschrift", f"news/{n}.txt") for n in range(500)])
    config = FetchConfig(references=str(folder), host="http://127.0.0.1:9", cache=str(tmp_path / "c"), retries=1)
    with pytest.raises(DataError, match=r"Cannot reach http://127.0.0.1:9.*give texts=<file>"):
        fetch(config)
    assert not (folder / TEXTS).exists()


def test_texts_come_from_a_local_file_by_id(run_script: Run, folder: Path, tmp_path: Path) -> None:
    write_jsonl(folder / "train.jsonl", [reference(text) for text in SENTENCES])
    write_jsonl(tmp_path / "pool.jsonl", [{"id": sentence_id(SENTENCES[0]), "text": SENTENCES[0], "other": 1}])
    done = run_script("fetch_real.py", f"references={folder}", f"texts={tmp_path}/pool.jsonl")
    assert done.returncode == 2, done.stderr
    assert "1: no text there has this checksum" in done.stdout
    assert texts_in(folder) == SENTENCES[:1]
    write_jsonl(tmp_path / "rest.jsonl", [{"id": sentence_id(SENTENCES[1]), "text": SENTENCES[1]}])
    assert run_script("fetch_real.py", f"references={folder}", f"texts={tmp_path}/rest.jsonl").returncode == 0
    assert texts_in(folder) == SENTENCES
    assert not (folder / MISSING).exists()


def test_a_reference_that_leads_out_of_its_repository_is_refused(folder: Path) -> None:
    write_jsonl(folder / "train.jsonl", [reference("Überschrift") | {"path": "../../.bashrc"}])
    with pytest.raises(DataError, match=r"train.jsonl:1: expected a path inside the repository"):
        fetch(FetchConfig(references=str(folder)))
    for wrong in ({"repo": "/etc/evil"}, {"repo": "../evil"}, {"commit": "../.."}):
        write_jsonl(folder / "train.jsonl", [reference("Überschrift") | wrong])
        with pytest.raises(DataError, match=rf"train.jsonl:1: expected {next(iter(wrong))} to be of the form"):
            fetch(FetchConfig(references=str(folder)))


def test_no_connection_at_all_is_out_of_range(folder: Path) -> None:
    with pytest.raises(ConfigError, match="connections=0 is out of range"):
        fetch(FetchConfig(references=str(folder), connections=0))
