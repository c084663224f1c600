import subprocess
import sys

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def test_imports_point_one_way() -> None:
    """The layers stand in pyproject.toml and, in words, in CONTRIBUTING.md.

    In a process of its own: the linter sets logging up anew, which would silence the loggers of other tests.
    """
    run = subprocess.run([sys.executable, "-c", LINT], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
