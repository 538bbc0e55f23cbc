"""No dead code: every function, method, property and class of the product is used by the product.

What only tests call is dead, because no member can reach it: a lost phone could not be removed once,
and own releases could not be recorded. vulture finds names without a use; this test adds the uses
that it cannot see: templates, names in strings (`"module:name"`), tables, methods that libraries call
(`used_by_libraries.txt`), and exceptions with a reason (`used_outside_product.txt`).
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vulture.core import Item, Vulture

from tests.architecture.tree import PACKAGES, ROOT

KINDS = {"function", "method", "property", "class"}
DECORATORS = [
    f"@*.{name}"
    for name in [
        "command",
        "callback",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "exception_handler",
        "middleware",
        "tool",
        "resource",
    ]
] + ["@field_validator", "@model_validator", "@field_serializer"]
"""Decorators that register a function: commands, routes, MCP tools, pydantic validators."""

TEMPLATES = {".html", ".xml", ".txt", ".js"}
REFERENCE = re.compile(r"[\w.]+:(\w+)")


def listed_names(file: str) -> frozenset[str]:
    """Return the names in a list beside this file: the first word of each line."""
    lines = (Path(__file__).parent / file).read_text("utf-8").splitlines()
    return frozenset(line.split()[0] for line in lines if line and line[0] != "#")


LIBRARY_METHODS = listed_names("used_by_libraries.txt")
OUTSIDE_PRODUCT = listed_names("used_outside_product.txt")


def unused_items(folders: list[Path]) -> list[Item]:
    """Return functions, methods, properties and classes without a use in these folders."""
    finder = Vulture(ignore_decorators=DECORATORS)
    finder.scavenge([str(folder) for folder in folders])
    used = template_words(tuple(folders)) | names_in_strings(tuple(folders)) | LIBRARY_METHODS
    return [
        item
        for item in finder.get_unused_code(min_confidence=60)
        if item.typ in KINDS and item.name not in used and not is_table(item)
    ]


@cache
def template_words(folders: tuple[Path, ...]) -> frozenset[str]:
    """Return the words of all templates: attributes and methods of what they render."""
    return frozenset(
        word
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in TEMPLATES
        for word in re.findall(r"\w+", path.read_text("utf-8"))
    )


@cache
def names_in_strings(folders: tuple[Path, ...]) -> frozenset[str]:
    """Return the names that strings refer to as `module:name`: commands, processes, engines,
    connectors and the entry points of the distribution."""
    texts = list(_string_constants(folders))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
    texts += [text for group in groups for text in group.values()]
    texts += re.findall(r'"([\w.]+:\w+)"', (ROOT / "docker-compose.yml").read_text("utf-8"))
    return frozenset(found[1] for text in texts if (found := REFERENCE.fullmatch(text)))


def _string_constants(folders: tuple[Path, ...]) -> Iterator[str]:
    for folder in folders:
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def is_table(item: Item) -> bool:
    """Return True for a class that declares a table: SQL uses it by its name in the database."""
    return (
        item.typ == "class"
        and "table=True"
        in Path(item.filename)
        .read_text("utf-8")
        .split(f"class {item.name}(", 1)[-1]
        .split(":\n", 1)[0]
    )


def test_every_definition_is_used_by_the_product() -> None:
    folders = [ROOT / package for package in (*PACKAGES, "migrations", "tools")]
    unused = {
        item.name: f"{Path(item.filename).relative_to(ROOT)}:{item.first_lineno} {item.typ}"
        for item in unused_items(folders)
        if "migrations" not in Path(item.filename).parts
    }
    found = {name: place for name, place in unused.items() if name not in OUTSIDE_PRODUCT}
    assert not found, "\n".join(f"{place} {name}" for name, place in sorted(found.items()))
    assert not OUTSIDE_PRODUCT - set(unused), "these exceptions have a use now; remove them"


def test_planted_dead_function_is_found(tmp_path: Path) -> None:
    (tmp_path / "plan.py").write_text(
        "def used() -> None: ...\n\n\ndef unused_rule() -> None: ...\n\n\nused()\n", "utf-8"
    )
    assert [item.name for item in unused_items([tmp_path])] == ["unused_rule"]


def test_use_in_a_template_counts(tmp_path: Path) -> None:
    (tmp_path / "row.py").write_text("def shown_name() -> None: ...\n", "utf-8")
    (tmp_path / "row.html").write_text("{{ row.shown_name() }}", "utf-8")
    template_words.cache_clear()
    assert not unused_items([tmp_path])
