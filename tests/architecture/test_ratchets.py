"""Ratchets: counts of habits that are being removed. A count never rises; lower its limit as it
falls."""

import ast
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.architecture.tree import PACKAGES, Source, product

Counted = Callable[[Source], Iterator[ast.AST]]

MAX_IMPORT_ALIASES = 39
MAX_TUPLE_ASSIGNMENTS = 10
MAX_NESTED_CONDITIONALS = 0


def import_aliases(source: Source) -> Iterator[ast.AST]:
    """Yield every name that is imported from our own packages under another name."""
    for node in source.nodes(ast.ImportFrom):
        if node.module and node.module.split(".")[0] in PACKAGES:
            yield from (alias for alias in node.names if alias.asname)
    for imported in source.nodes(ast.Import):
        yield from (
            alias
            for alias in imported.names
            if alias.asname and alias.name.split(".")[0] in PACKAGES
        )


def tuple_assignments(source: Source) -> Iterator[ast.AST]:
    """Yield every statement that binds several names to as many values: `a, b = x, y`."""
    for node in source.nodes(ast.Assign):
        if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield node


def nested_conditionals(source: Source) -> Iterator[ast.AST]:
    """Yield every conditional expression that has another one as a branch."""
    for node in source.nodes(ast.IfExp):
        if isinstance(node.body, ast.IfExp) or isinstance(node.orelse, ast.IfExp):
            yield node


def count_all(count: Counted, files: Iterable[Source]) -> int:
    return sum(1 for source in files for _ in count(source))


@pytest.mark.parametrize(("count", "limit"), [
    (import_aliases, MAX_IMPORT_ALIASES),
    (tuple_assignments, MAX_TUPLE_ASSIGNMENTS),
    (nested_conditionals, MAX_NESTED_CONDITIONALS),
])  # fmt: skip
def test_count_does_not_rise(count: Counted, limit: int) -> None:
    assert count_all(count, product()) <= limit


@pytest.mark.parametrize(("count", "breach", "twin"), [
    (import_aliases, "from gate.contract import units as parts", "from gate.contract import units"),
    (import_aliases, "import gate.contract.units as parts", "import numpy as np"),
    (tuple_assignments, "a, b = 1, 2", "a, b = divmod(7, 2)"),
    (nested_conditionals, "a = 1 if x else 2 if y else 3", "a = 1 if x else 2"),
])  # fmt: skip
def test_planted_breach_is_counted(count: Counted, breach: str, twin: str) -> None:
    assert count_all(count, [Source("schedules/planted.py", breach)]) == 1
    assert count_all(count, [Source("schedules/planted.py", twin)]) == 0
