"""Import contracts: the tree keeps them, they cover every folder, and each finds a planted breach."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import BESIDE, PACKAGES, ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LINTER = CONFIG["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in LINTER["contracts"]}

LAYERS = "A package imports only packages in lower layers"
QUEUES = "Celery, Typer and APScheduler live in workers, demo and benchmarks"
HTTP = "FastAPI lives in web, workers and sandbox"

MODELS = {
    package: found
    for package in PACKAGES
    if (
        found := [
            path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            for path in sorted((ROOT / package).rglob("models.py"))
        ]
    )
}
"""The modules with tables, by package."""

ORDERS = {
    contract["containers"][0]: contract
    for contract in LINTER["contracts"]
    if "containers" in contract
}
"""The contract that orders the sub-packages of a package, by package."""

BREACHES = {
    LAYERS: ("gate/contract/units.py", "import studio"),
    "Adapters are pure: no database, no queue": (
        "gate/contract/units.py",
        "import foundation.db.database",
    ),
    QUEUES: ("foundation/storage/object_store.py", "import celery"),
    "Streamlit lives in dashboard": ("web/planted.py", "import streamlit"),
    HTTP: ("channels/planted.py", "def f():\n    import fastapi"),
    "The dashboard loads no Redis, no queue and no model runtime": (
        "dashboard/planted.py",
        "import redis",
    ),
    "Models are run by generators": ("studio/planted.py", "import torch"),
    "The conformance suite of connectors is for tests": (
        "workers/planted.py",
        "import connectors.conformance.world",
    ),
    "Only the composition root opens secrets": (
        "channels/planted.py",
        "import tenants.vault.unseal",
    ),
    **{
        f"Tables of {package} stay in {package}": ("workers/planted.py", f"import {modules[0]}")
        for package, modules in MODELS.items()
    },
    **{
        contract["name"]: (
            f"{package.replace('.', '/')}"
            f"/{contract['layers'][-1].split(' | ')[0].replace('.', '/')}/planted.py",
            f"import {package}.{contract['layers'][0].split(' | ')[0]}",
        )
        for package, contract in ORDERS.items()
    },
}
"""One breach for each contract. `gate.contract.units → foundation.db.database` reaches connectors
indirectly."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def copy_packages(folder: Path) -> Path:
    """Copy the packages to `folder`, so that a breach can be planted."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            folder / package,
            ignore=lambda _, names: [n for n in names if n == "__pycache__"],
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_contracts_are_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_on_disk_is_listed() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and path.name.isidentifier() and any(path.glob("*.py"))
    }
    assert packages - BESIDE == set(PACKAGES)


def test_contract_names_every_package_and_layer() -> None:
    layers = CONTRACTS[LAYERS]["layers"]
    assert len(layers) == 10
    assert {name.strip() for layer in layers for name in layer.split("|")} == set(PACKAGES)
    assert set(LINTER["root_packages"]) == set(PACKAGES)
    assert LINTER["exclude_type_checking_imports"] is True
    assert LINTER["include_external_packages"] is True


def test_mypy_and_the_distribution_name_every_package() -> None:
    assert set(CONFIG["tool"]["mypy"]["packages"]) == set(PACKAGES)
    assert CONFIG["tool"]["mypy"]["strict"] is True
    packaged = {
        name.rstrip("*") for name in CONFIG["tool"]["setuptools"]["packages"]["find"]["include"]
    }
    assert packaged == {*PACKAGES, "migrations"}


def test_every_models_file_is_protected() -> None:
    guarded = {
        name: (
            contract["protected_modules"],
            contract["allowed_importers"],
            contract["as_packages"],
        )
        for name, contract in CONTRACTS.items()
        if name.startswith("Tables of ")
    }
    assert guarded == {
        f"Tables of {package} stay in {package}": (
            [f"{package}.**.models"],
            [f"{package}.**"],
            False,
        )
        for package in MODELS
    }
    assert not [path for package in PACKAGES for path in (ROOT / package).rglob("models_*.py")]


def children(folder: Path) -> set[str]:
    """Return the names of the packages in a folder."""
    return {path.parent.name for path in folder.glob("*/__init__.py")}


def test_every_package_of_sub_packages_has_an_order() -> None:
    divided = {package for package in PACKAGES if len(children(ROOT / package)) > 1}
    ordered = {package for package in ORDERS if "." not in package}
    assert ordered == divided


@pytest.mark.parametrize("package", ORDERS)
def test_order_names_every_sub_package(package: str) -> None:
    """With a layer `pages.posts`, every folder and module of `pages` is a layer."""
    layers = [name.strip() for layer in ORDERS[package]["layers"] for name in layer.split("|")]
    folder = ROOT / package.replace(".", "/")
    split = {name.split(".")[0] for name in layers if "." in name}
    expected = children(folder) - split
    for name in split:
        expected |= {f"{name}.{child}" for child in children(folder / name)}
        expected |= {
            f"{name}.{path.stem}"
            for path in (folder / name).glob("*.py")
            if path.stem != "__init__"
        }
    assert sorted(layers) == sorted(expected)


@pytest.mark.parametrize("package", ORDERS)
def test_order_exempts_only_models_states_and_events(package: str) -> None:
    kinds = ("models", "states", "events")
    assert ORDERS[package]["type"] == "layers"
    assert ORDERS[package]["ignore_imports"] == [
        f"{package}.** -> {package}.**.{kind}" for kind in kinds
    ]


def test_every_forbidden_list_names_all_other_packages() -> None:
    for home, name in {
        frozenset({"workers", "demo", "benchmarks"}): QUEUES,
        frozenset({"dashboard"}): "Streamlit lives in dashboard",
        frozenset({"web", "workers", "sandbox", "demo", "benchmarks"}): HTTP,
        frozenset({"generators"}): "Models are run by generators",
    }.items():
        assert set(CONTRACTS[name]["source_modules"]) == set(PACKAGES) - home, name


def test_linter_finds_each_planted_breach(tmp_path: Path) -> None:
    folder = copy_packages(tmp_path)
    for path, line in BREACHES.values():
        with (folder / path).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    report = lint_imports(folder).stdout
    kept = [name for name in CONTRACTS if f"{name} BROKEN" not in report]
    assert not kept, report


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_each_contract_has_a_planted_breach(name: str) -> None:
    assert name in BREACHES
