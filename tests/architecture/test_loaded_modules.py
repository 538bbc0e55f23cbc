"""Modules that an import of a package loads, which import-linter does not check."""

import json
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

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


def modules_in(folder: str) -> list[str]:
    """Return the dotted name of every module below `folder`, without the `__init__.py` files."""
    files = (path for path in (ROOT / folder).rglob("*.py") if path.name != "__init__.py")
    return sorted(
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in files
    )


def loaded_by(modules: list[str], then: str = "") -> set[str]:
    """Return the top-level names in `sys.modules` of a new process that imports `modules` and runs
    the code `then`."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"{then}\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        pytest.param(modules_in("connectors"), DATABASE | QUEUES | MODELS | PAGES, id="connectors"),
        pytest.param(
            ["generators.registry"], DATABASE | QUEUES | MODELS | PAGES, id="generators.registry"
        ),
        pytest.param(
            modules_in("generators"), DATABASE | QUEUES | PAGES | {"torch"}, id="generators"
        ),
        pytest.param(
            [
                name
                for name in modules_in("dashboard")
                if not name.endswith(("dashboard.app", "script.main"))
            ],
            QUEUES | MODELS | {"fastapi", "holidays"},
            id="dashboard",
        ),
        pytest.param(
            modules_in("schedules"), QUEUES | MODELS | PAGES | {"holidays"}, id="schedules"
        ),
        pytest.param(["workers.cli.main"], QUEUES | MODELS | PAGES | DATABASE, id="workers.cli"),
        pytest.param(
            modules_in("workers/remote_worker"),
            DATABASE | QUEUES | PAGES | {"torch"},
            id="remote worker",
        ),
        pytest.param(
            [name for name in modules_in("web") if name != "web.mcp.server"],
            QUEUES | MODELS | {"streamlit", "mcp", "mcp_types"},
            id="web",
        ),
        pytest.param(
            ["foundation.i18n.translation", "gate.contract.units", "gate.contract.permit"],
            DATABASE | QUEUES | PAGES,
            id="values",
        ),
    ],
)
def test_importing_loads_nothing_forbidden(modules: list[str], forbidden: set[str]) -> None:
    assert loaded_by(modules) & forbidden == set()


SDKS = {"praw", "prawcore", "tweepy", "telegram", "discord", "requests"}


@pytest.mark.parametrize(
    ("statement", "loaded"),
    [
        pytest.param("", set(), id="every connector"),
        pytest.param(
            "connectors['reddit'].verify_account('mia@lakes', ())",
            {"praw", "prawcore", "requests"},
            id="reddit",
        ),
        pytest.param(
            "connectors['telegram'].verify_account('lea_bot', ())", {"telegram"}, id="telegram"
        ),
        pytest.param("connectors['x'].verify_account('42', ())", {"tweepy", "requests"}, id="x"),
    ],
)
def test_process_loads_only_the_sdks_of_its_requests(statement: str, loaded: set[str]) -> None:
    """A sender serves every platform, but pays only for those of its accounts."""
    load = "from connectors.registry.loader import load_builtin_connectors\n"
    code = f"{load}connectors = load_builtin_connectors()\n{statement}"
    assert loaded_by([], code) & SDKS == loaded


def test_loaded_modules_are_found() -> None:
    assert "sqlalchemy" in loaded_by(["foundation.db.database"])
