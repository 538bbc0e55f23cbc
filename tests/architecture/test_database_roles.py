"""Web processes reach no statement under a role that their login lacks."""

import ast
from collections.abc import Iterator

from migrations.upgrading import PAGES, ROLES, WORK
from tests.architecture.call_graph import list_functions, path_to, reach, references
from tests.architecture.tree import product

WEB_PACKAGES = ("dashboard.", "web.")
"""Packages whose code runs in processes with the login `greenroom_pages`."""

SWITCHES = ("acting_as", "before_commit", "scope", "tenant", "single_statements")
"""Functions that change or choose the role of a transaction."""


def roles_of(function: ast.AST) -> Iterator[str]:
    """Yield the database roles that a function switches to."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        given = [*node.args, *(word.value for word in node.keywords if word.arg == "role")]
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        named = any(word.arg == "role" for word in node.keywords)
        for value in given if name == "acting_as" else given[-1:] if named else ():
            if isinstance(value, ast.Constant) and value.value in ROLES:
                yield str(value.value)


def switching_functions() -> dict[str, frozenset[str]]:
    """Return the functions that switch to another role, with the roles."""
    found = {
        name: frozenset(roles_of(node))
        for source in product()
        for name, node in list_functions(source)
    }
    return {name: roles for name, roles in found.items() if roles}


def test_each_role_switch_names_a_role() -> None:
    switches = switching_functions()
    assert {"relay", "gate", "door"} <= frozenset().union(*switches.values())
    assert frozenset(PAGES) < frozenset(WORK)


def test_web_processes_switch_only_to_roles_of_their_login() -> None:
    starts = [name for name in references() if name.startswith(WEB_PACKAGES)]
    came_from = reach(starts)
    beyond = [
        f"{sorted(roles - set(PAGES))}: {path_to(name, came_from)}"
        for name, roles in switching_functions().items()
        if name in came_from and roles - set(PAGES)
    ]
    assert not beyond, "\n".join(beyond)
