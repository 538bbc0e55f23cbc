"""Streamlit cuts off the labels of checkboxes in a row, so that a phone would show only half of a
consent."""

import ast
from collections.abc import Iterator
from pathlib import Path

import dashboard

PAGES = Path(dashboard.__file__).parent
BOXES = frozenset({"checkbox", "toggle"})


def _in_a_row(tree: ast.AST) -> Iterator[ast.Call]:
    for block in ast.walk(tree):
        if isinstance(block, ast.With) and any(
            _horizontal(item.context_expr) for item in block.items
        ):
            for one in ast.walk(block):
                if (
                    isinstance(one, ast.Call)
                    and isinstance(one.func, ast.Attribute)
                    and one.func.attr in BOXES
                ):
                    yield one


def _horizontal(opened: ast.expr) -> bool:
    return isinstance(opened, ast.Call) and any(
        word.arg == "horizontal" for word in opened.keywords
    )


def test_checkbox_labels_in_a_row_are_wrapped() -> None:
    cut = [
        f"{path.name}:{call.lineno}"
        for path in sorted(PAGES.rglob("*.py"))
        for call in _in_a_row(ast.parse(path.read_text("utf-8")))
        if not any(word.arg == "wrap" for word in call.keywords)
    ]
    assert cut == []
