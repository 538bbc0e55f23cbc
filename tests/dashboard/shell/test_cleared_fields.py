"""Text fields are cleared by `actions.clear_fields`, which recognizes a double click, and by nothing
else."""

import ast
from collections.abc import Iterator

from tests.architecture.tree import sources

TEXT_FIELDS = {"text_area", "text_input"}


def text_field_keys(tree: ast.AST) -> set[str]:
    """Return the expressions of the keys of all text fields."""
    return {
        ast.unparse(keyword.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in TEXT_FIELDS
        for keyword in node.keywords
        if keyword.arg == "key"
    }


def cleared_by_hand(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that empty a text field directly, or a form after each press, refused or
    not."""
    keys = text_field_keys(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            targets = [target for target in node.targets if isinstance(target, ast.Subscript)]
            if node.value.value == "" and any(ast.unparse(one.slice) in keys for one in targets):
                yield node.lineno
        is_option = isinstance(node, ast.keyword) and node.arg == "clear_on_submit"
        if is_option and ast.unparse(node.value) != "False":
            yield node.value.lineno


def test_no_page_clears_a_text_field_by_hand() -> None:
    found = [
        f"{source.path}:{line}"
        for source in sources()
        if source.path.startswith("dashboard/")
        for line in cleared_by_hand(source.tree)
    ]
    assert not found, "\n".join(found)


def test_planted_clearing_is_found() -> None:
    planted = "st.text_input('Name', key=NAME)\nst.session_state[NAME] = ''\nst.form(clear_on_submit=True)"
    assert list(cleared_by_hand(ast.parse(planted))) == [2, 3]
