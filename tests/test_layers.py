import subprocess
import sys
import tomllib

from conftest import ROOT

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"


def test_imports_point_one_way() -> None:
    """The layers stand in pyproject.toml and, in words, in CONTRIBUTING.md.

    In a process of its own: the linter sets logging up anew, which would silence the loggers of other tests.
    """
    run = subprocess.run([sys.executable, "-c", LINT], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_package_is_in_the_wheel() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    held = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("stance/**/*.py")}
    models = {f"stance.models.{path.parent.name}" for path in ROOT.glob("stance/models/*/stance.json")}
    assert sorted(packages) == sorted(held | models)
