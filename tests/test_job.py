"""The corpus job: whatever happens to it, the output ends the same to the byte, with no row lost or doubled."""

import errno
import functools
import gzip
import hashlib
import json
import multiprocessing
import os
import random
import signal
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from conftest import write_jsonl

from stance import job as module
from stance import manifest, output_folder, sources
from stance.config import OnError, PredictConfig, ShardFormat
from stance.decision import Decision
from stance.errors import ConfigError, DataError
from stance.inputs import File
from stance.job import label_folder
from stance.labels import LABELS
from stance.predict import Prediction
from stance.shards import Shard
from stance.tables.rows import START

ROWS = 90


class Stub:
    """Says of each text what its hash says; needs no network, so that killing it a hundred times is quick."""

    labels = LABELS
    backend = "none"
    sieve = None
    model_file = SimpleNamespace(decision=Decision.uncalibrated(LABELS), weights_sha256="0" * 64, max_length=256)
    pause = 0.0

    def predict(self, texts: list[str], *, thresholds: object) -> list[Prediction]:
        time.sleep(self.pause)
        return [self._predict(text) for text in texts]

    def _predict(self, text: str) -> Prediction:
        digest = hashlib.sha256(text.encode()).digest()
        probabilities = {label: digest[column] / 255 for column, label in enumerate(LABELS)}
        carried = tuple(label for label, p in probabilities.items() if p > 0.8)
        return Prediction(text, carried, probabilities, uncertain=carried[:1], truncated=False)


@pytest.fixture(autouse=True)
def _stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.Predictor, "from_config", lambda _: Stub())


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Files of every kind; four of their rows are bad."""
    folder = tmp_path / "corpus"
    (folder / "deep").mkdir(parents=True)
    lines = [json.dumps({"id": n, "text": f"Line {n} said no. It rained."}) for n in range(40)]
    lines[7] = "{broken"
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n")
    cells = [f'{n},"Cell {n}, and\nmore"' for n in range(20)]
    (folder / "b.csv").write_text("id,text\n" + "\n".join([*cells, "20,", "21"]) + "\n")
    pq.write_table(pa.table({"id": range(15), "text": [f"Parquet {n}." for n in range(15)]}), folder / "c.parquet")
    (folder / "deep" / "d.txt").write_text("One sentence. Another one.\n\nA third.")
    (folder / "deep" / "e.txt").write_bytes(b"caf\xe9")
    with gzip.open(folder / "f.jsonl.gz", "wt") as file:
        file.writelines(json.dumps({"id": n, "text": f"Zipped {n}."}) + "\n" for n in range(11))
    return folder


def settings(corpus: Path, output: Path, **others: Any) -> PredictConfig:
    return PredictConfig(input=str(corpus), output=str(output), shard_rows=others.pop("shard_rows", 13), **others)


def run(corpus: Path, output: Path, **others: Any) -> Any:
    return label_folder(settings(corpus, output, **others), output)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is not hidden, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture
def expected(corpus: Path, tmp_path: Path) -> dict[str, bytes]:
    """What a job that nothing happens to leaves."""
    run(corpus, tmp_path / "undisturbed")
    return contents(tmp_path / "undisturbed")


def test_rows_in_are_rows_labelled_and_rows_set_aside(corpus: Path, tmp_path: Path) -> None:
    counts = run(corpus, tmp_path / "out")
    assert (counts.inputs, counts.set_aside) == (ROWS - 4 - 0, 4)
    success = json.loads((tmp_path / "out" / "_SUCCESS").read_text())
    assert success["rows"] == success["inputs"] + success["set_aside"] == ROWS
    table = pa.dataset.dataset(tmp_path / "out" / "sentences").to_table()
    assert table.num_rows == success["sentences"] == counts.sentences
    assert table.column_names[:4] == ["document", "id", "text", "start"]
    rows = table.to_pylist()
    assert [row["text"] for row in rows if row["document"].endswith("d.txt")] == [
        "One sentence.",
        "Another one.",
        "A third.",
    ]
    assert sorted(row["id"] for row in rows if "c.parquet" in row["document"]) == sorted(map(str, range(15)))
    assert success["labels"]["denial"] == sum("denial" in row["labels"] for row in rows)
    rejected = [json.loads(line) for path in (tmp_path / "out/rejected").iterdir() for line in path.open()]
    assert sorted((Path(row["where"]).name, row["reason"].split(":")[0], row["raw"]) for row in rejected) == [
        ("a.jsonl:8", "not valid JSON", "{broken"),
        ("b.csv:42", "expected text in 'text', found ''", '{"id": "20", "text": ""}'),
        ("b.csv:43", "expected 2 columns, found 1", "21"),
        ("e.txt", "not valid UTF-8 at byte 3", r"b'\xe9'"),
    ]


@pytest.mark.parametrize("shard_rows", [1, 7, 1000])
def test_sentences_are_the_same_whatever_the_shards(corpus: Path, tmp_path: Path, shard_rows: int) -> None:
    run(corpus, tmp_path / "one")
    run(corpus, tmp_path / "other", shard_rows=shard_rows)
    one, other = (
        pa.concat_tables(pq.read_table(path) for path in sorted((tmp_path / name / "sentences").iterdir()))
        for name in ("one", "other")
    )
    assert one.equals(other)


@pytest.mark.parametrize("format", list(ShardFormat))
def test_shards_are_of_the_wanted_format(corpus: Path, tmp_path: Path, format: ShardFormat) -> None:
    run(corpus, tmp_path / "out", format=format)
    assert {path.suffix for path in (tmp_path / "out" / "sentences").iterdir()} == {f".{format.name}"}


def events(patch: pytest.MonkeyPatch, seen: Callable[[str], None]) -> None:
    """Tells of every kind of write, before it happens."""
    for owner, name in (
        (os, "fsync"),
        (os, "replace"),
        (Path, "replace"),
        (Path, "unlink"),
        (Path, "write_text"),
        (pq.ParquetWriter, "write_table"),
        (pq.ParquetWriter, "close"),
    ):
        patch.setattr(owner, name, _told(getattr(owner, name), name, seen))


def _told(write: Callable[..., Any], name: str, seen: Callable[[str], None]) -> Callable[..., Any]:
    def told(*args: Any, **options: Any) -> Any:
        seen(name)
        return write(*args, **options)

    return told


def in_a_process(task: Callable[[], object]) -> multiprocessing.process.BaseProcess:
    # Forked: what is imported need not be imported a hundred times; the stub runs no threads that a fork would lose.
    process = multiprocessing.get_context("fork").Process(target=task)
    process.start()
    return process


def test_a_kill_at_any_write_loses_nothing(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a job of three shards: two with rows that are set aside, one without."""
    # What has been written outlives the process, on disk or not; and what is installed need be looked up once only.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(manifest, "version", functools.cache(manifest.version))
    writes: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        events(patch, writes.append)
        run(corpus, tmp_path / "undisturbed", shard_rows=30)
    expected = contents(tmp_path / "undisturbed")
    assert [len(list((tmp_path / "undisturbed" / part).iterdir())) for part in ("sentences", "rejected")] == [3, 2]
    assert len(writes) >= 50

    def killed_at(number: int, output: Path) -> None:
        left = [number]

        def seen(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        with pytest.MonkeyPatch.context() as patch:
            events(patch, seen)
            run(corpus, output, shard_rows=30)

    for number in range(len(writes)):
        output = tmp_path / f"killed-{number}"
        process = in_a_process(lambda number=number, output=output: killed_at(number, output))
        process.join()
        assert process.exitcode == -signal.SIGKILL
        run(corpus, output, shard_rows=30)
        assert contents(output) == expected, f"killed at write {number}, {writes[number]}"
        assert not list(output.rglob(".*.tmp"))


def test_kills_at_random_times_lose_nothing(corpus: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    """At times of the job's own work, which pass as fast on a busy machine as on an idle one."""

    def killed_after(seconds: float, output: Path) -> None:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        run(corpus, output)

    start = time.process_time()
    run(corpus, tmp_path / "timed")
    work = time.process_time() - start
    chance, kills, trial = random.Random(0), 0, 0  # noqa: S311
    while kills < 20:
        output, seconds = tmp_path / f"trial-{trial}", chance.uniform(0.1, 0.6) * work
        process = in_a_process(lambda seconds=seconds, output=output: killed_after(seconds, output))
        process.join()
        assert process.exitcode in (0, -signal.SIGPROF)
        if process.exitcode == 0:
            assert contents(output) == expected, f"trial {trial}, after {kills} kills in all"
            trial += 1
        else:
            kills += 1


def test_a_full_disk_stops_the_job_and_spoils_nothing(
    corpus: Path, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(0, 40, 7):
        left = [number]

        def full(_: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        output = tmp_path / f"full-{number}"
        with pytest.MonkeyPatch.context() as patch:
            events(patch, full)
            with pytest.raises(OSError, match="No space left"):
                run(corpus, output)
        run(corpus, output)
        assert contents(output) == expected


@pytest.mark.parametrize(
    "damaged", ["sentences/part-00002.parquet", "rejected/part-00000.jsonl", "receipts/part-00001.json"]
)
def test_a_file_that_was_cut_off_is_written_again(
    corpus: Path, tmp_path: Path, expected: dict[str, bytes], damaged: str
) -> None:
    run(corpus, tmp_path / "out")
    os.truncate(tmp_path / "out" / damaged, 20)
    (tmp_path / "out" / "_SUCCESS").unlink()
    run(corpus, tmp_path / "out")
    assert contents(tmp_path / "out") == expected


def test_a_file_of_the_same_size_that_was_damaged_is_written_again(
    corpus: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    run(corpus, tmp_path / "out")
    shard = tmp_path / "out/sentences/part-00002.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    (tmp_path / "out" / "_SUCCESS").unlink()
    run(corpus, tmp_path / "out")
    assert contents(tmp_path / "out") == expected


def test_shards_that_do_not_add_up_are_told_and_not_called_complete(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "out")
    (tmp_path / "out" / "_SUCCESS").unlink()
    receipt = tmp_path / "out/receipts/part-00000.json"
    told = json.loads(receipt.read_text())
    told["counts"]["inputs"] -= 1
    receipt.write_text(json.dumps(told))
    with pytest.raises(DataError, match="do not add up: 90 rows were read, 85 labelled and 4 set aside"):
        run(corpus, tmp_path / "out")
    assert not (tmp_path / "out" / "_SUCCESS").exists()


def test_a_torn_manifest_is_written_again(corpus: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    run(corpus, tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text('{"inputs": [')
    run(corpus, tmp_path / "out")
    assert contents(tmp_path / "out") == expected


def test_the_clock_has_no_say(
    corpus: Path, tmp_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(corpus, tmp_path / "out")
    for number, path in enumerate(sorted((tmp_path / "out").rglob("*"))):
        os.utime(path, (number * 10**8, number * 10**8))
    (tmp_path / "out" / "sentences" / "part-00003.parquet").unlink()
    monkeypatch.setattr(time, "time", lambda: -1e9)
    run(corpus, tmp_path / "out")
    assert contents(tmp_path / "out") == expected


def test_a_second_writer_is_refused(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stub, "pause", 30.0)
    process = in_a_process(lambda: run(corpus, tmp_path / "out"))
    try:
        deadline = time.monotonic() + 20
        while not (tmp_path / "out" / "manifest.json").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        for shard in (None, "1/2"):
            with pytest.raises(ConfigError, match="Another process is labelling into"):
                run(corpus, tmp_path / "out", shard=shard)
    finally:
        process.kill()
        process.join()
    monkeypatch.setattr(Stub, "pause", 0.0)
    run(corpus, tmp_path / "out")  # its lock went with it


def test_portions_side_by_side_make_the_whole(corpus: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    processes = [in_a_process(lambda n=n: run(corpus, tmp_path / "out", shard=f"{n}/3")) for n in (1, 2, 3)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert contents(tmp_path / "out") == expected
    for wrong in ("0/3", "4/3", "3", "a/b", "1/0"):
        with pytest.raises(ConfigError, match="Expected shard=<i>/<n>"):
            run(corpus, tmp_path / "out", shard=wrong)


def test_of_portions_of_two_jobs_that_begin_at_once_one_is_refused(tmp_path: Path) -> None:
    def claim(path: Path, number: int) -> str:
        folder = output_folder.OutputFolder(path, {"rows": number}, ".parquet")
        meet.wait()
        try:
            with folder.claimed(output_folder.Portion(number, 2)):
                return "claimed"
        except ConfigError as error:
            return str(error)

    for trial in range(50):
        meet = Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            found = sorted(pool.map(claim, [tmp_path / str(trial)] * 2, range(2)), key=len)
        assert found[0] == "claimed"
        assert "holds the output of another job" in found[1]


def test_portions_follow_another_division(corpus: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    run(corpus, tmp_path / "out")
    run(corpus, tmp_path / "out", shard="1/2")
    (tmp_path / "out" / "_SUCCESS").unlink()
    processes = [in_a_process(lambda n=n: run(corpus, tmp_path / "out", shard=f"{n}/3")) for n in (1, 2, 3)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert contents(tmp_path / "out") == expected


def test_a_shard_of_another_job_is_none_of_this_one(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "out")
    shard, job = Shard(2, 0, START, 0, 1), json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert output_folder.OutputFolder(tmp_path / "out", job, ".parquet").receipt(shard) is not None
    assert output_folder.OutputFolder(tmp_path / "out", {"rows": 1}, ".parquet").receipt(shard) is None


def test_what_was_read_of_a_changed_input_is_not_vouched_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, predict = tmp_path / "in.jsonl", Stub.predict
    lines = [json.dumps({"text": f"Old {n}."}) + "\n" for n in range(3000)]
    source.write_text("".join(lines))
    run(source, tmp_path / "undisturbed", shard_rows=5000)
    stamp = source.stat()

    def meddling(self: Stub, texts: list[str], *, thresholds: object) -> list[Prediction]:
        source.write_text("".join(lines).replace("Old", "New"))
        return predict(self, texts, thresholds=thresholds)

    monkeypatch.setattr(Stub, "predict", meddling)
    with pytest.raises(DataError, match="was written to"):
        run(source, tmp_path / "out", shard_rows=5000)
    monkeypatch.setattr(Stub, "predict", predict)
    source.write_text("".join(lines))
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    run(source, tmp_path / "out", shard_rows=5000)
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_a_text_column_of_bytes_beside_one_of_text_stays_text(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"text": pa.array([b"bytes"], pa.binary())}), folder / "a.parquet")
    write_jsonl(folder / "b.jsonl", [{"text": "Caf\u00e9 owners deny it."}])
    assert run(folder, tmp_path / "out").set_aside == 1
    table = pa.dataset.dataset(tmp_path / "out" / "sentences").to_table()
    assert table.column("text").to_pylist() == ["Caf\u00e9 owners deny it."]


def test_a_job_that_was_killed_before_its_first_shard_goes_on_where_its_output_is_among_what_a_pattern_matches(
    tmp_path: Path,
) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "a.txt").write_text("They deny it.")
    output = tmp_path / "news" / "labelled"
    run(Path(f"{tmp_path}/news/*"), output)
    for path in output.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            path.unlink()
    run(Path(f"{tmp_path}/news/*"), output)
    assert (output / "_SUCCESS").exists()


def test_a_slice_that_was_killed_leaves_nothing_half_done_behind(
    corpus: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    sentences = tmp_path / "out" / "sentences"
    sentences.mkdir(parents=True)
    mine, others = (sentences / f".part-{index:05}.parquet.0123abcd.tmp" for index in (1, 2))
    mine.write_bytes(b"PAR1")
    others.write_bytes(b"PAR1")
    run(corpus, tmp_path / "out", shard="2/3")
    assert not mine.exists()
    assert others.exists(), "another portion may be writing it"
    for shard in ("1/3", "3/3"):
        run(corpus, tmp_path / "out", shard=shard)
    assert contents(tmp_path / "out") == expected
    assert not list((tmp_path / "out").rglob(".*.tmp"))


def test_what_an_actor_that_was_lost_has_begun_is_taken_away_at_the_end(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outcomes(*arguments: Any) -> Iterator[Any]:
        yield from outcomes_of(*arguments)
        (tmp_path / "out/sentences/.part-00001.parquet.0123abcd.tmp").touch()

    outcomes_of = module._outcomes
    monkeypatch.setattr(module, "_outcomes", outcomes)
    run(corpus, tmp_path / "out")
    assert not list((tmp_path / "out").rglob(".*.tmp"))


def test_what_can_be_wrong_at_once_is_told_before_anything_is_written(corpus: Path, tmp_path: Path) -> None:
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"thresholds": {"ofer": 0.3}}, "ofer"),
        ({"shard_rows": 0}, "shard_rows=0 is out of range"),
        ({"max_errors": -1}, "max_errors=-1 is out of range"),
        ({"workers": 3}, "expected engine=ray beside them"),
    ]
    for mistake, told in mistakes:
        with pytest.raises(ConfigError, match=told):
            run(corpus, tmp_path / "out", **mistake)
    assert not (tmp_path / "out").exists()


def test_the_output_may_lie_among_the_inputs(corpus: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    for _ in range(2):
        run(corpus, corpus / "labelled")
    there = contents(corpus / "labelled")
    assert there.keys() == expected.keys()
    with pytest.raises(ConfigError, match="All inputs lie in the output"):
        run(corpus / "labelled" / "sentences", corpus / "labelled")


def test_a_folder_is_not_called_complete_while_a_shard_is_written_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(corpus, tmp_path / "out")
    (tmp_path / "out/sentences/part-00002.parquet").write_bytes(b"")

    def fail(*_: Any, **__: Any) -> list[Prediction]:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Stub, "predict", fail)
    with pytest.raises(OSError, match="No space"):
        run(corpus, tmp_path / "out")
    assert not (tmp_path / "out" / "_SUCCESS").exists()


def test_portions_label_each_row_of_an_old_mac_s_table_once(tmp_path: Path) -> None:
    source = tmp_path / "old.csv"
    source.write_bytes(
        b"n,text\r" + b"".join(b'%d,"Row\r%d."\r' % (n, n) for n in range(20)) + b"20,Row 20.\n21,Row 21."
    )
    for n in (3, 1, 2):
        run(source, tmp_path / "out", shard_rows=1, shard=f"{n}/3")
    assert json.loads((tmp_path / "out" / "_SUCCESS").read_text())["inputs"] == 22
    rows = pa.dataset.dataset(tmp_path / "out" / "sentences").to_table().to_pylist()
    assert sorted(int(row["n"]) for row in rows) == list(range(22))
    assert len({row["document"] for row in rows}) == 22


def test_portions_label_each_row_of_a_table_with_open_quotes_once(tmp_path: Path) -> None:
    source = tmp_path / "torn.csv"
    lines = [f"{n},Row {n}.\n" for n in range(20)]
    lines[3], lines[4], lines[11], lines[18] = '3,"Row\n3."\n', 'x"y,"4\n', 'x"y,"11\n', '18,"Row 18.\n'
    source.write_text("n,text\n" + "".join(lines))
    for n in (3, 1, 2):
        run(source, tmp_path / "out", shard_rows=1, shard=f"{n}/3")
    done = json.loads((tmp_path / "out" / "_SUCCESS").read_text())
    assert (done["inputs"], done["set_aside"], done["shards"]) == (17, 3, 20)
    rows = pa.dataset.dataset(tmp_path / "out" / "sentences").to_table().to_pylist()
    assert len({row["document"] for row in rows}) == 17


def test_lines_end_alike_on_every_system(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(corpus, tmp_path / "here", format=ShardFormat.jsonl)
    there = tmp_path / "there"
    opened = Path.open

    def as_on_windows(path: Path, mode: str = "r", **others: Any) -> Any:
        if mode == "w" and others.get("newline") is None:
            others["newline"] = "\r\n"
        return opened(path, mode, **others)

    monkeypatch.setattr(Path, "open", as_on_windows)
    run(corpus, there, format=ShardFormat.jsonl)
    assert contents(there) == contents(tmp_path / "here")


def test_what_lies_in_the_output_is_no_input_on_disks_that_take_capital_letters_for_small_ones(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("out", "OUT"):  # one folder, on such a disk
        (corpus / name).mkdir()
    (corpus / "out" / "part.txt").write_text("It rained.")
    monkeypatch.setattr(Path, "samefile", lambda one, other: str(one).lower() == str(other).lower())
    counts = run(corpus, corpus / "OUT")
    assert counts.inputs + counts.set_aside == ROWS


def test_a_finished_job_is_not_done_again(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(corpus, tmp_path / "out")
    monkeypatch.setattr(Stub, "predict", lambda *_, **__: pytest.fail("labelled again"))
    assert run(corpus, tmp_path / "out") == first


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"split": True}, "settings.split: False there, True now"),
        ({"thresholds": {"offer": 0.25}}, "settings.thresholds.offer: None there, 0.25 now"),
        ({"shard_rows": 20}, "settings.shard_rows: 13 there, 20 now"),
    ],
)
def test_other_settings_are_refused(corpus: Path, tmp_path: Path, change: dict[str, Any], told: str) -> None:
    run(corpus, tmp_path / "out")
    with pytest.raises(ConfigError, match=f"holds the output of another job.*{told}"):
        run(corpus, tmp_path / "out", **change)


def test_another_input_or_model_is_refused(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(corpus, tmp_path / "out")
    other = SimpleNamespace(decision=Stub.model_file.decision, weights_sha256="1" * 64, max_length=256)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stub, "model_file", other)
        with pytest.raises(ConfigError, match=r"model\.weights_sha256: 0+ there, 1+ now"):
            run(corpus, tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    write_jsonl(corpus / "a.jsonl", [{"id": 1, "text": "Other."}])
    with pytest.raises(ConfigError, match="holds shards of another job"):
        run(corpus, tmp_path / "out")


def test_another_decision_of_the_same_weights_is_refused(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(corpus, tmp_path / "out")
    other = Stub.model_file.decision.with_thresholds(0.7)
    monkeypatch.setattr(Stub, "model_file", SimpleNamespace(decision=other, weights_sha256="0" * 64, max_length=256))
    with pytest.raises(ConfigError, match=r"model\.decision\.thresholds"):
        run(corpus, tmp_path / "out")


def test_other_versions_of_what_has_a_say_are_refused(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(corpus, tmp_path / "out")
    monkeypatch.setattr(manifest, "version", lambda _: "0")
    with pytest.raises(ConfigError, match=r"versions\.numpy"):
        run(corpus, tmp_path / "out")


def test_a_folder_with_other_things_in_it_is_left_alone(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds other files \(thesis\)"):
        run(corpus, tmp_path / "out")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        run(corpus, tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "when"),
    [("a.jsonl", "Line 1 said"), ("f.jsonl.gz", "Line 1 said"), ("a.jsonl", "Zipped 10")],
    ids=["while it is read", "before it is read", "when it has been read"],
)
def test_an_input_that_changes_meanwhile_is_told(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, when: str
) -> None:
    predict = Stub.predict

    def meddling(self: Stub, texts: list[str], *, thresholds: object) -> list[Prediction]:
        if any(when in text for text in texts):
            with (corpus / name).open("ab") as file:
                file.write(b"x")
        return predict(self, texts, thresholds=thresholds)

    monkeypatch.setattr(Stub, "predict", meddling)
    with pytest.raises(DataError, match=f"{name} was written to while it was being labelled"):
        run(corpus, tmp_path / "out")
    assert not (tmp_path / "out" / "_SUCCESS").exists()


def test_many_files_are_looked_at_once_when_they_are_read_and_once_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(40):
        (tmp_path / "in" / f"{number}.txt").write_text("It rained.")
    looked: Counter[str] = Counter()
    hashed: Counter[str] = Counter()
    stamp = File.stamp
    monkeypatch.setattr(File, "stamp", lambda source: (looked.update([source.name]), stamp(source))[1])
    monkeypatch.setattr(
        output_folder, "hash_file", lambda path: (hashed.update([path.name]), sources.hash_file(path))[1]
    )
    run(tmp_path / "in", tmp_path / "out", shard_rows=4)
    assert set(looked.values()) == {3}  # the first time when it is planned for
    assert hashed == {f"part-{number:05}.parquet": 1 for number in range(10)}


BAD = (
    b"{broken",
    b"[1, 2]",
    b'"text"',
    b"17",
    b'{"text": null}',
    b'{"text": 5}',
    b'{"text": ["a"]}',
    b'{"text": "  "}',
    b'{"other": "a"}',
    b'{"text": "\xff\xfe"}',
    b"[" * 5000,
    b'{"text": "' + b"a" * 1_000_001 + b'"}',
)


def test_ten_thousand_bad_rows_of_twelve_kinds_are_set_aside_each_with_its_reason(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    long = [len(BAD) - 1] * 5  # a megabyte each: a few are enough
    kinds = [*(n % (len(BAD) - 1) for n in range(9995)), *long]
    with source.open("wb") as file:
        for number, kind in enumerate(kinds):
            file.write(BAD[kind] + b"\n" + json.dumps({"text": f"Good {number}."}).encode() + b"\n")
    counts = label_folder(settings(source, tmp_path / "out", shard_rows=5000), tmp_path / "out")
    assert (counts.inputs, counts.set_aside) == (10_000, 10_000)
    rejected = [json.loads(line) for path in sorted((tmp_path / "out/rejected").iterdir()) for line in path.open()]
    assert [row["where"] for row in rejected] == [f"{source}:{2 * number + 1}" for number in range(10_000)]
    reasons = {kind: row["reason"] for kind, row in zip(kinds, rejected, strict=True)}
    assert len(reasons) == 12
    assert all(reasons.values())
    assert reasons[11] == "too long: expected at most 1,000,000 characters of text, found 1,000,001"
    assert rejected[9]["raw"] == r'{"text": "\xff\xfe"}'


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        source = write_jsonl(tmp_path / f"{rows}.jsonl", [{"n": n, "text": f"Line {n} said no."} for n in range(rows)])
        tracemalloc.start()
        try:
            run(source, tmp_path / f"out-{rows}", shard_rows=1000)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is allocated once
    assert peak(20_000) < 1.5 * peak(2000)


def test_too_many_bad_rows_end_the_job_and_it_goes_on_when_more_are_allowed(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"see .*rejected\. Bad rows so far: 3; max_errors=2 is the most"):
        run(corpus, tmp_path / "out", max_errors=2)
    with pytest.raises(DataError, match=r"not valid JSON.*on_error=set_aside labels the rest"):
        run(corpus, tmp_path / "other", on_error=OnError.fail)
    assert run(corpus, tmp_path / "out", max_errors=4).set_aside == 4
    with pytest.raises(DataError, match="Bad rows so far: 4; max_errors=3 is the most"):
        run(corpus, tmp_path / "out", max_errors=3)  # though an earlier run has found them
