"""The source tree, read and parsed once for all rules."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]

PACKAGES = (
    "foundation",
    "tenants",
    "gate",
    "connectors",
    "generators",
    "sandbox",
    "channels",
    "studio",
    "schedules",
    "subscribers",
    "insights",
    "dashboard",
    "web",
    "workers",
    "demo",
    "benchmarks",
)
"""The packages, lowest layer first. The import contract and the folders are compared with this
list."""

BESIDE = frozenset({"migrations", "deploy", "docs", "examples", "tests", "tools"})
"""Folders that are not packages of the product."""

TEXT_KINDS = frozenset(
    [
        ".md",
        ".html",
        ".xml",
        ".svg",
        ".css",
        ".js",
        ".yaml",
        ".yml",
        ".toml",
        ".po",
        ".txt",
        ".sh",
        ".ini",
        ".lock",
        ".mako",
    ]
)

Node = TypeVar("Node", bound=ast.AST)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A Python file: its path from the root, its text and lookups in its syntax tree."""

    path: str
    text: str

    @property
    def package(self) -> str:
        """The top folder of the file."""
        return self.path.split("/", 1)[0]

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return self.path.removesuffix(".py").replace("/", ".")

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file."""
        return self.text.splitlines()

    @cached_property
    def _by_type(self) -> dict[type[ast.AST], list[ast.AST]]:
        found: dict[type[ast.AST], list[ast.AST]] = {}
        for node in ast.walk(self.tree):
            found.setdefault(type(node), []).append(node)
        return found

    def nodes(self, *kinds: type[Node]) -> Iterator[Node]:
        """Yield every node of these kinds. The tree is walked once for all rules."""
        for kind in kinds:
            # a list in the index contains nodes of this kind only
            yield from self._by_type.get(kind, ())  # type: ignore[misc]  # see above

    @cached_property
    def _imported(self) -> dict[str, str]:
        names: dict[str, str] = {}
        for node in self.nodes(ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        for node in self.nodes(ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return names

    def dotted(self, node: ast.AST) -> str:
        """Return the full name behind an expression: `dt.now` after `from datetime import datetime
        as dt` is `datetime.datetime.now`. An unknown base stays as written; an expression other
        than a name becomes `?`."""
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}"
        if isinstance(node, ast.Name):
            return self._imported.get(node.id, node.id)
        return "?"

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Yield every call with the full name of the called function."""
        for node in self.nodes(ast.Call):
            yield node, self.dotted(node.func)

    @cached_property
    def _docstrings(self) -> set[int]:
        owners = self.nodes(ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        bodies = (statement for owner in owners for statement in owner.body)
        return {id(statement.value) for statement in bodies if isinstance(statement, ast.Expr)}

    def strings(self) -> Iterator[ast.Constant]:
        """Yield every string literal except docstrings, including the literal parts of f-strings."""
        for node in self.nodes(ast.Constant):
            if isinstance(node.value, str) and id(node) not in self._docstrings:
                yield node

    def functions(self) -> Iterator[Function]:
        """Yield every function and method."""
        return self.nodes(ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def sources() -> tuple[Source, ...]:
    """Return every Python file of the packages, the migrations, the tests and the tools."""
    folders = [ROOT / name for name in (*PACKAGES, "migrations", "tests", "tools")]
    paths = sorted(path for folder in folders for path in folder.rglob("*.py"))
    return tuple(
        Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths
    )


@cache
def product() -> tuple[Source, ...]:
    """Return the Python files of the packages only."""
    return tuple(source for source in sources() if source.package in PACKAGES)


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Return path and text of every other file that is read or run: documents, templates, data and
    build files."""
    folders = [*(ROOT / name for name in (*PACKAGES, *BESIDE)), ROOT / ".github", ROOT / ".ci"]
    inside = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    at_root = (path for path in ROOT.iterdir() if path.is_file())
    chosen = {
        path
        for path in (*inside, *at_root)
        if path.suffix in TEXT_KINDS or path.name in {"Makefile", "run"}
    }
    return tuple(
        (path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in sorted(chosen)
    )
