"""Several processes that train together do what is to be done once only once."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os
from pathlib import Path
from stance.errors import ModelError
from stance.processes import by_the_first, process_count

here, rank = Path(__file__).parent, os.environ["RANK"]

def ask():
    (here / f"asked-by-{rank}").touch()
    return [0.25, 0.75]

def fail():
    raise ModelError("no such teacher")

answers = by_the_first(ask)
try:
    by_the_first(fail)
except ModelError as error:
    (here / f"told-{rank}").write_text(f"{process_count()} {answers} {error}")
"""


def test_the_first_of_two_processes_asks_and_both_get_what_came_of_it(tmp_path: Path) -> None:
    script = tmp_path / "together.py"
    script.write_text(SCRIPT)
    command = ["-m", "torch.distributed.run", "--nproc_per_node=2", str(script)]
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in tmp_path.glob("asked-by-*")} == {"asked-by-0"}
    told = {path.name: path.read_text() for path in tmp_path.glob("told-*")}
    expected = "2 [0.25, 0.75] no such teacher"
    assert told == {"told-0": expected, "told-1": expected}
