"""References between the functions of the product, as far as the syntax shows them: imported names,
names of the same module, and methods of the same class."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from tests.architecture.tree import Function, Source, product


@cache
def references() -> Mapping[str, frozenset[str]]:
    """Return the names to which each function and each constant of a module refers."""
    found: dict[str, frozenset[str]] = {}
    for source in product():
        for name, node in _units(source):
            found[name] = frozenset(_referred(source, name, node))
    return found


def list_functions(source: Source) -> Iterator[tuple[str, Function]]:
    """Yield the functions and methods of a module with their full names."""
    for node in source.tree.body:
        if isinstance(node, Function):
            yield f"{source.module}.{node.name}", node
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, Function):
                    yield f"{source.module}.{node.name}.{part.name}", part


def reach(starts: Iterable[str]) -> Mapping[str, str]:
    """Return every function that can be reached, with the one that refers to it.

    A method is reached with its class, since instances are passed around.
    """
    graph = references()
    classes = _methods_of_classes()
    came_from = dict.fromkeys((name for name in starts if name in graph), "")
    waiting = list(came_from)
    while waiting:
        current = waiting.pop()
        for name in graph[current]:
            for target in (name, *classes.get(name, ())):
                if target in graph and target not in came_from:
                    came_from[target] = current
                    waiting.append(target)
    return came_from


def path_to(name: str, came_from: Mapping[str, str]) -> str:
    """Return the calls that lead to a function."""
    path = [name]
    while came_from[path[-1]]:
        path.append(came_from[path[-1]])
    return " → ".join(reversed(path))


@cache
def _methods_of_classes() -> Mapping[str, tuple[str, ...]]:
    return {
        f"{source.module}.{owner.name}": tuple(
            f"{source.module}.{owner.name}.{part.name}"
            for part in owner.body
            if isinstance(part, Function)
        )
        for source in product()
        for owner in source.tree.body
        if isinstance(owner, ast.ClassDef)
    }


def _units(source: Source) -> Iterator[tuple[str, ast.AST]]:
    yield from list_functions(source)
    for node in source.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets += [node.target] if isinstance(node, ast.AnnAssign) else []
        for target in targets:
            yield f"{source.module}.{getattr(target, 'id', '')}", node


def _referred(source: Source, name: str, unit: ast.AST) -> Iterator[str]:
    owner = name.rpartition(".")[0]
    for node in ast.walk(unit):
        if isinstance(node, ast.Name):
            full = source.dotted(node)
            yield full
            yield f"{source.module}.{full}"
        elif isinstance(node, ast.Attribute):
            full = source.dotted(node)
            yield f"{owner}.{node.attr}" if full.startswith("self.") else full
