"""The corpus job on a real cluster of two nodes, one of which is lost on the way."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import write_jsonl
from test_job import contents

from stance.config import Engine, OnError, PredictConfig
from stance.corpus import label
from stance.errors import ConfigError, DataError
from stance.inputs import find_inputs
from stance.manifest import describe_job
from stance.output_folder import OutputFolder
from stance.pieces import Cutter
from stance.predict import Predictor
from stance.ray_engine import _Actor
from stance.shards import make_plan

ray = pytest.importorskip("ray")


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.connect()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def job(tmp_path: Path) -> Any:
    """Labels a corpus of two hundred and forty rows, two of them bad, into a folder of eighty shards.

    With a model that comes with stance: actors then start without torch.
    """
    rows: list[dict[str, object]] = [{"n": n, "text": f"they deny {'rain ' * (n % 9)}if we resume"} for n in range(240)]
    rows[11]["text"] = rows[70]["text"] = None
    source = write_jsonl(tmp_path / "in.jsonl", rows)

    def run(output: str, **others: Any) -> Any:
        return label(PredictConfig(input=str(source), output=str(tmp_path / output), shard_rows=3, **others))

    return run


def test_a_cluster_that_loses_a_node_makes_the_same_output(cluster: Any, job: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    expected = job("alone")
    outcome: list[Any] = []
    target = lambda: outcome.append(job("cluster", engine=Engine.ray, workers=2))  # noqa: E731
    worker, deadline = threading.Thread(target=target, daemon=True), time.monotonic() + 240
    worker.start()
    receipts = tmp_path / "cluster" / "receipts"
    while worker.is_alive() and not (has_a_worker(node) and len(list(receipts.glob("*.json"))) >= 2):
        assert time.monotonic() < deadline, "no actor came to the node"
        time.sleep(0.01)
    lost = worker.is_alive()  # else the other node was so fast that this one had nothing to lose
    cluster.remove_node(node, allow_graceful=False)
    worker.join(240)
    assert outcome == [expected]
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")
    assert json.loads((tmp_path / "cluster" / "_SUCCESS").read_text())["set_aside"] == 2
    assert job("cluster", engine=Engine.ray) == expected  # nothing is left to do, and nothing is done
    with pytest.raises(DataError, match=r"in\.jsonl:12: expected text in 'text', found None.*on_error=set_aside"):
        job("strict", engine=Engine.ray, workers=1, on_error=OnError.fail)
    if not lost:
        pytest.skip("the output is right, but the node was not lost in the middle of the job")


def has_a_worker(node: Any) -> bool:
    from ray._private.state import actors

    return any(
        actor["Address"]["NodeID"] == node.node_id and actor["State"] == "ALIVE" and "Map" in actor["ActorClassName"]
        for actor in actors().values()
    )


def test_an_actor_works_where_the_job_was_started_and_hands_errors_of_the_system_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "in.jsonl", [{"text": "they deny"}])
    monkeypatch.chdir(tmp_path)
    config = PredictConfig(input="in.jsonl", output="out")
    plan = make_plan(find_inputs("in.jsonl"), Cutter("text", split=False, located=False), 10)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # an actor sets it
    monkeypatch.chdir("/")
    job = describe_job(config, plan, Predictor.from_pretrained())
    actor = _Actor(config, plan, OutputFolder(Path("out"), job, ".jsonl"), tmp_path)
    assert actor({"index": 0})["error"] == ""
    assert len(list((tmp_path / "out" / "sentences").iterdir())) == 1
    (tmp_path / "file").touch()
    actor = _Actor(config, plan, OutputFolder(Path("file"), job, ".jsonl"), tmp_path)
    told = actor({"index": 0})
    assert (told["kind"], "Not a directory" in told["error"] or "exists" in told["error"]) == ("DataError", True)


def test_a_node_that_would_label_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # an actor sets it, and chdir
    monkeypatch.chdir(tmp_path)
    source = write_jsonl(tmp_path / "in.jsonl", [{"text": "they deny"}])
    config = PredictConfig(input=str(source), output=str(tmp_path / "out"))
    plan = make_plan(find_inputs(str(source)), Cutter("text", split=False, located=False), 10)
    job = describe_job(config, plan, Predictor.from_pretrained())
    elsewhere = job | {"model": job["model"] | {"backend": "PyTorch on cuda, bf16"}}
    told = _Actor(config, plan, OutputFolder(tmp_path / "out", elsewhere, ".jsonl"), tmp_path)({"index": 0})
    assert told["kind"] == "ConfigError"
    assert "would label otherwise" in told["error"]
    assert "model.backend: PyTorch on cuda, bf16 there, ONNX Runtime" in told["error"]


def test_a_missing_package_is_told(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r'pip install "ray\[data\]'):
        job("out", engine=Engine.ray)
