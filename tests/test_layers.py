from importlinter.cli import lint_imports


def test_imports_point_one_way() -> None:
    """The layers stand in pyproject.toml and, in words, in CONTRIBUTING.md."""
    assert lint_imports(no_cache=True) == 0
