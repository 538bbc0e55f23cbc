"""The import contracts: kept by the tree, complete for the folders on disk, and seen to break when breached."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.tree import BESIDE, ROOMS, ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LINTER = CONFIG["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in LINTER["contracts"]}

BREACHES = {
    "A room uses the rooms below it, never above or beside it": ("gate/contract/units.py", "import studio"),
    "Adapters are pure: no database, no queue": ("gate/contract/units.py", "import foundation.db.database"),
    "Celery, Typer and APScheduler live in workers": ("foundation/storage/object_store.py", "import celery"),
    "Streamlit lives in dashboard": ("web/planted.py", "import streamlit"),
    "FastAPI lives in web and workers": ("channels/planted.py", "def f():\n    import fastapi"),
    "The dashboard carries no Redis, no queue and no torch": ("dashboard/planted.py", "import redis"),
    "Models are run by generators": ("studio/planted.py", "import torch"),
    "The suite of connectors is for tests": ("workers/planted.py", "import connectors.conformance.world"),
    "Secrets are opened by what wiring injects": ("channels/planted.py", "import tenants.vault.unseal"),
    **{
        name: ("workers/planted.py", f"import {contract['protected_modules'][0]}")
        for name, contract in CONTRACTS.items()
        if name.startswith("Tables of ")
    },
}
"""One breach for each contract; `gate.contract.units → foundation.db.database` reaches connectors indirectly."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def copy_of_the_rooms(folder: Path) -> Path:
    """The rooms' Python files alone, so that a breach can be planted."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=lambda _, names: [n for n in names if n == "__pycache__"])
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_contracts_are_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_fourteenth_room_does_not_escape() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {
        path.name for path in ROOT.iterdir() if path.is_dir() and path.name.isidentifier() and any(path.glob("*.py"))
    }
    assert packages - BESIDE == set(ROOMS)


def test_contract_names_every_room_and_layer() -> None:
    layers = CONTRACTS["A room uses the rooms below it, never above or beside it"]["layers"]
    assert len(layers) == 9
    assert {room.strip() for layer in layers for room in layer.split("|")} == set(ROOMS)
    assert set(LINTER["root_packages"]) == set(ROOMS)
    assert LINTER["exclude_type_checking_imports"] is True
    assert LINTER["include_external_packages"] is True


def test_mypy_and_the_package_know_every_room() -> None:
    assert set(CONFIG["tool"]["mypy"]["packages"]) == set(ROOMS)
    assert CONFIG["tool"]["mypy"]["strict"] is True
    packaged = {name.rstrip("*") for name in CONFIG["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packaged == {*ROOMS, "migrations"}


def test_every_models_file_is_protected() -> None:
    guarded = {
        module: contract["allowed_importers"]
        for name, contract in CONTRACTS.items()
        if name.startswith("Tables of ")
        for module in contract["protected_modules"]
    }
    on_disk = {f"{room}.{file.stem}": [f"{room}.**"] for room in ROOMS for file in (ROOT / room).glob("models*.py")}
    assert guarded == on_disk


def test_every_forbidden_list_names_all_other_rooms() -> None:
    for home, name in {
        frozenset({"workers"}): "Celery, Typer and APScheduler live in workers",
        frozenset({"dashboard"}): "Streamlit lives in dashboard",
        frozenset({"web", "workers"}): "FastAPI lives in web and workers",
        frozenset({"generators"}): "Models are run by generators",
    }.items():
        assert set(CONTRACTS[name]["source_modules"]) == set(ROOMS) - home, name


def test_linter_sees_each_planted_breach(tmp_path: Path) -> None:
    folder = copy_of_the_rooms(tmp_path)
    for path, line in BREACHES.values():
        with (folder / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    report = lint_imports(folder).stdout
    kept = [name for name in CONTRACTS if f"{name} BROKEN" not in report]
    assert not kept, report


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_each_contract_has_a_planted_breach(name: str) -> None:
    assert name in BREACHES
