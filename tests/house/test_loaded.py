"""What import-linter does not see: which modules are really loaded by importing a room."""

import json
import subprocess
import sys

import pytest

from tests.house.tree import ROOT

DATABASE = {"sqlalchemy", "sqlmodel", "psycopg", "alembic"}
QUEUES = {"celery", "kombu", "redis", "apscheduler"}
MODELS = {
    "torch",
    "diffusers",
    "transformers",
    "xllamacpp",
    "ollama",
    "langchain_core",
    "langchain_openai",
    "onnxruntime",
}
PAGES = {"streamlit", "fastapi"}


def modules_in(room: str) -> list[str]:
    """Every module of a room, as a dotted name, the package files left out."""
    files = (path for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py")
    return sorted(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in files)


def loaded_by(modules: list[str]) -> set[str]:
    """The top names in `sys.modules` of a fresh process after it imported `modules`."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        pytest.param(modules_in("connectors"), DATABASE | QUEUES | MODELS | PAGES, id="connectors"),
        pytest.param(["generators.registry"], DATABASE | QUEUES | MODELS | PAGES, id="generators.registry"),
        pytest.param(modules_in("generators"), DATABASE | QUEUES | PAGES | {"torch"}, id="generators"),
        pytest.param(
            [name for name in modules_in("dashboard") if "app_pages" not in name and not name.endswith(".app")],
            QUEUES | MODELS | {"fastapi", "holidays"},
            id="dashboard",
        ),
        pytest.param(modules_in("schedules"), QUEUES | MODELS | PAGES | {"holidays"}, id="schedules"),
        pytest.param(["workers.cli.main"], QUEUES | MODELS | PAGES | DATABASE, id="workers.cli"),
        pytest.param(
            [name for name in modules_in("workers") if name.startswith("workers.join")],
            DATABASE | QUEUES | PAGES | {"torch"},
            id="a machine that joins",
        ),
        pytest.param(modules_in("web"), QUEUES | MODELS | {"streamlit"}, id="web"),
        pytest.param(
            ["foundation.i18n.translation", "gate.contract.units", "gate.contract.permit"],
            DATABASE | QUEUES | PAGES,
            id="values",
        ),
    ],
)
def test_importing_loads_nothing_forbidden(modules: list[str], forbidden: set[str]) -> None:
    assert loaded_by(modules) & forbidden == set()


def test_loaded_modules_are_seen() -> None:
    assert "sqlalchemy" in loaded_by(["foundation.db.database"])
