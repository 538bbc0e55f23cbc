"""The layout of the packages: small folders, no prefix families, names that a search finds once."""

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

from tests.architecture.tree import PACKAGES, ROOT, Source, product

MAX_MODULES = 25
MAX_FAMILY = 2
MAX_DEFINITIONS = 4

_PLATFORM = "the contract of a platform's modules, one implementation each"
CONTRACT_NAMES = {
    "connect": _PLATFORM,
    "count_followers": _PLATFORM,
    "edit_post": _PLATFORM,
    "list_comments": _PLATFORM,
    "listen": _PLATFORM,
    "look_up": _PLATFORM,
    "message_problem": _PLATFORM,
    "moderate_comment": _PLATFORM,
    "next_step": _PLATFORM,
    "outcome_of_failure": _PLATFORM,
    "post_url": _PLATFORM,
    "refresh": _PLATFORM,
    "reply_to_comment": _PLATFORM,
    "verify_account": _PLATFORM,
    "load_engine": "the entry point of an engine, resolved by name from settings",
    "render_page": "the entry point of a dashboard page, resolved by its address",
    "router": "the factory of a module's routes, included by `web.app` or `web.api.app`",
}
"""Names that a contract gives to many modules, each with its reason."""


def modules_by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """Group the modules among `paths` by folder, `__init__.py` excluded."""
    found = defaultdict(list)
    for path in map(PurePosixPath, paths):
        if path.name != "__init__.py":
            found[str(path.parent)].append(path.stem)
    return dict(found)


def large_folders(paths: Iterable[str]) -> list[str]:
    """Return the folders that hold more than `MAX_MODULES` modules."""
    return [
        f"{folder} has {len(modules)} modules, at most {MAX_MODULES}"
        for folder, modules in modules_by_folder(paths).items()
        if len(modules) > MAX_MODULES
    ]


def prefix_families(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return folder and first word of three or more modules that share their first word."""
    return [
        (folder, word)
        for folder, modules in modules_by_folder(paths).items()
        for word, count in Counter(module.split("_")[0] for module in modules).items()
        if count > MAX_FAMILY
    ]


def shared_names(files: Iterable[Source]) -> dict[str, list[str]]:
    """Map every public name that more than `MAX_DEFINITIONS` modules define to those modules."""
    found = defaultdict(list)
    for source in files:
        for node in source.tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and node.name[0] != "_"
            ):
                found[node.name].append(source.module)
    return {name: modules for name, modules in found.items() if len(set(modules)) > MAX_DEFINITIONS}


def product_paths() -> list[str]:
    return [source.path for source in product()]


def plant(root: Path, *paths: str) -> list[str]:
    """Create empty files at `paths` below `root`; return the paths of all Python files there."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))


def test_folders_are_small() -> None:
    assert not large_folders(product_paths())


def test_planted_large_folder_is_found(tmp_path: Path) -> None:
    names = [f"gate/planted/{chr(97 + number)}.py" for number in range(MAX_MODULES)]
    assert not large_folders(
        plant(tmp_path, *names, "gate/planted/__init__.py", "gate/planted/more/z.py")
    )
    assert large_folders(plant(tmp_path, "gate/planted/z.py")) == [
        "gate/planted has 26 modules, at most 25"
    ]


def test_no_folder_holds_a_prefix_family() -> None:
    assert not prefix_families(product_paths())


def test_planted_prefix_family_is_found(tmp_path: Path) -> None:
    assert not prefix_families(
        plant(tmp_path, "gate/kits_a.py", "gate/kits_b.py", "gate/kits/kits_c.py")
    )
    assert prefix_families(plant(tmp_path, "gate/kits_c.py")) == [("gate", "kits")]


def test_names_are_defined_in_few_modules() -> None:
    unexplained = {
        name: modules
        for name, modules in shared_names(product()).items()
        if name not in CONTRACT_NAMES
    }
    assert not unexplained


def test_planted_shared_name_is_found() -> None:
    files = [Source(f"{package}/planted.py", "def find_row(): ...\n") for package in PACKAGES[:5]]
    assert set(shared_names(files)) == {"find_row"}
    assert not shared_names(files[1:])


@pytest.mark.parametrize(("branches", "refused"), [(11, False), (12, True)])
def test_ruff_refuses_a_planted_complex_function(branches: int, refused: bool) -> None:
    """A function may have a McCabe complexity of 12: eleven branches and one."""
    code = "def choose(x: int) -> int:\n"
    code += "".join(f"    if x == {number}:\n        return 0\n" for number in range(branches))
    command = [sys.executable, "-m", "ruff", "check", "--no-cache"]
    ran = subprocess.run(
        [*command, "--stdin-filename", "gate/planted.py", "-"],
        cwd=ROOT,
        input=f"{code}    return x\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("C901" in ran.stdout) is refused, ran.stdout + ran.stderr
