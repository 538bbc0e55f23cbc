"""Confirmations of a change name the new value: they are never built from the object that was drawn
before it."""

import ast
from collections.abc import Iterator

from tests.architecture.tree import sources

CHANGES = ("change_", "edit_", "rename_", "save_", "set_", "update_")
NAMES = {"name", "title", "display_name"}
UNCHANGED = {
    "dashboard/pages/channels/links/settings.py:_save_link_settings": "changes no name",
}


def renames(function: ast.FunctionDef) -> bool:
    """Return True if the function changes something and reads a typed name for it."""
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    changes = any(isinstance(one, ast.Attribute) and one.attr.startswith(CHANGES) for one in calls)
    text = ast.unparse(function)
    return changes and ("_read_changes(" in text or ":name" in text or ":title" in text)


def stale_confirmations(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Yield the functions that return a message with a name of one of their parameters."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not renames(function):
            continue
        given = {one.arg for one in function.args.args} - {"page", "scope"}
        for node in ast.walk(function):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "Message"
                and any(
                    isinstance(part, ast.Attribute)
                    and part.attr in NAMES
                    and ast.unparse(part).partition(".")[0] in given
                    for argument in node.args[1:]
                    for part in ast.walk(argument)
                )
            ):
                yield function


def test_confirmations_name_the_new_value() -> None:
    found = {
        f"{source.path}:{function.name}"
        for source in sources()
        if source.path.startswith("dashboard/")
        for function in stale_confirmations(source.tree)
    }
    assert found <= set(UNCHANGED), found - set(UNCHANGED)


def test_planted_confirmation_is_found() -> None:
    planted = """
def _save(page, one, scope, _):
    items.rename_item(scope, one.id, typed("item:name"))
    return Message("item.saved", {"name": one.name})
"""
    assert [one.name for one in stale_confirmations(ast.parse(planted))] == ["_save"]
