"""Tables of the command line: every heading has a text in every language."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.i18n.translation import load_catalogue
from tests.architecture.tree import ROOT

PACKAGES_WITH_COMMANDS = ("workers", "demo", "benchmarks")


def column_names() -> Iterator[str]:
    """Yield the names in every literal list of columns that is passed to `format_table`."""
    for package in PACKAGES_WITH_COMMANDS:
        for path in Path(ROOT, package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == "format_table"
                    and node.args
                    and isinstance(node.args[0], ast.Tuple | ast.List)
                ):
                    yield from (
                        part.value
                        for part in node.args[0].elts
                        if isinstance(part, ast.Constant) and part.value
                    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_column_has_a_heading(language: str) -> None:
    """`greenroom status` failed once on an installation of several machines."""
    names = set(column_names())
    assert {"machine", "process", "queue"} <= names
    catalogue = load_catalogue(language)
    assert not {name for name in names if f"cli.column.{name}" not in catalogue}
