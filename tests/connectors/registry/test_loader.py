"""The list of connectors, and the modules that loading them must not import."""

import subprocess
import sys

import pytest

from connectors.registry import loader


def test_every_connector_is_loaded_by_platform() -> None:
    loaded = loader.load_connectors()
    assert set(loaded) >= {"own_page", "sandbox", "telegram"}
    assert len(loaded) == len(loader.BUILTIN_CONNECTORS)
    assert all(
        connector.capabilities.platform == platform for platform, connector in loaded.items()
    )


def test_second_connector_of_a_platform_is_refused() -> None:
    with pytest.raises(ValueError, match="two connectors"):
        loader.load_builtin_connectors(
            (
                "connectors.platforms.sandbox.publisher:Sandbox",
                "connectors.platforms.sandbox.publisher:Sandbox",
            )
        )


def test_connectors_import_no_database() -> None:
    program = (
        "import sys\n"
        "from connectors.registry import loader\n"
        "from connectors.transport import transport\n"
        "loader.load_connectors()\n"
        "bad = {'sqlalchemy', 'sqlmodel', 'celery', 'psycopg', 'redis', 'typer', 'fastapi', 'streamlit', 'torch'}\n"
        "sys.exit(','.join(sorted(bad & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_registry_import_loads_no_connector_or_library() -> None:
    program = (
        "import sys\n"
        "from connectors.registry import loader\n"
        "platforms = {name.partition(':')[0] for name in (*loader.BUILTIN_CONNECTORS, loader.PLUGIN_LOADER)}\n"
        "bad = {*platforms, 'structlog', 'prometheus_client', 'httpx', 'pydantic'}\n"
        "sys.exit(','.join(sorted(bad & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
