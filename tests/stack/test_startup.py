"""`greenroom up`: in an empty folder, with existing data, and the errors that prevent a start."""

import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis
from sqlalchemy import create_engine, text

from tests.conftest import free_port, wait_until
from tests.stack.conftest import END_SECONDS, Installation, parse_json_output
from workers.installation.folder import read_env

pytestmark = pytest.mark.slow

ROOT_ONLY = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root to mount a small disk or to become another user"
)


def owner(house: Installation) -> str:
    return read_env(house.home)["GREENROOM_DATABASE__OWNER_URL"]


def run_sql(house: Installation, statement: str) -> object:
    engine = create_engine(owner(house))
    with engine.begin() as connection:
        found = connection.execute(text(statement))
        value = found.scalar() if found.returns_rows else None
    engine.dispose()
    return value


def test_first_start_is_ready_and_private_and_ends_cleanly(
    new_house: Callable[..., Installation],
) -> None:
    house = new_house()
    report = house.up()
    assert [process.name for process in report.processes] == [
        "postgres",
        "redis",
        "steady",
        "send",
        "llm",
        "web",
    ]
    assert report.is_ready
    status = house.command("status", "--json")
    assert status.returncode == 0
    assert parse_json_output(status.stdout)["ready"] is True
    assert stat.S_IMODE(house.home.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(house.home.env_file.stat().st_mode) == 0o600
    assert len(set(house.secrets())) == 7
    shown = " ".join(
        " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])
    )
    said = house.end()
    logged = "".join(
        path.read_text("utf-8", "replace") for path in (house.home.folder / "logs").iterdir()
    )
    assert not [secret for secret in house.secrets() if secret in shown + said + logged]
    assert house.living() == []
    assert "Start PostgreSQL" in said
    assert "Traceback" not in said + logged
    assert house.command("status").returncode == 3


def test_second_start_keeps_secrets_and_data(house: Installation) -> None:
    before = house.secrets()
    house.up()
    run_sql(house, "CREATE TABLE kept AS SELECT 42 AS answer")
    client = redis.Redis.from_url(read_env(house.home)["GREENROOM_REDIS__URL"])
    client.set("kept", "yes")
    assert "Stop all processes" in house.end(signal.SIGTERM)
    house.up()
    assert run_sql(house, "SELECT answer FROM kept") == 42
    assert client.get("kept") == b"yes"
    assert house.secrets() == before


def test_second_supervisor_is_refused_and_any_terminal_stops_the_first(house: Installation) -> None:
    house.up()
    second = Installation(house.home)
    said, code = (
        second.begin().communicate(timeout=END_SECONDS)[0],
        second.process and second.process.returncode,
    )
    assert code == 6
    assert f"is already running (process {house.report().pid})" in said
    wait_until(lambda: house.report().is_ready)
    done = house.command("down")
    assert done.returncode == 0, done.stderr
    assert house.living() == []
    assert house.command("down").stdout.startswith("Greenroom is not running")


def test_busy_port_is_replaced_and_stored(house: Installation) -> None:
    taken = free_port()  # other tests use no ports above it: the replacement port stays free
    with socket.create_server(("127.0.0.1", taken)):
        env = house.home.env_file.read_text().replace(
            f"WEB__PORT={read_env(house.home)['GREENROOM_WEB__PORT']}", f"WEB__PORT={taken}"
        )
        house.home.env_file.write_text(env)
        report = house.up()
        moved = report.ports["web"]
        assert moved > taken
        assert report.addresses["web"].endswith(f":{moved}")
        assert f"port {taken} is in use" in house.end()
    assert house.up().ports["web"] == moved


def test_busy_port_from_a_setting_is_an_error(house: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = str(squatter.getsockname()[1])
        house.environment["GREENROOM_WEB__PORT"] = taken
        said = house.begin().communicate(timeout=END_SECONDS)[0]
    assert house.process is not None
    assert house.process.returncode == 3
    assert f"Port {taken} is in use" in said
    assert str(os.getpid()) in said  # the process that uses the port
    assert house.living() == []


def test_incomplete_external_database_is_an_error(house: Installation) -> None:
    house.environment["GREENROOM_DATABASE__WORK_URL"] = (
        "postgresql+psycopg://me:secret@db.example/greenroom"
    )
    said = house.begin().communicate(timeout=END_SECONDS)[0]
    assert house.process is not None
    assert house.process.returncode == 2
    assert "GREENROOM_DATABASE__OWNER_URL, GREENROOM_DATABASE__PAGES_URL" in said
    assert "secret" not in said


def test_external_services_replace_the_embedded_ones(
    house: Installation, new_house: Callable[..., Installation]
) -> None:
    house.up()
    env = read_env(house.home)
    given = {
        name: env[name]
        for name in env
        if name.endswith("_URL") and ("DATABASE" in name or "REDIS" in name)
    }
    guest = new_house(environment=given)
    assert [process.name for process in guest.up().processes] == ["steady", "send", "llm", "web"]
    assert not guest.home.postgres_folder.exists()
    wait_until(lambda: house.report().is_ready)


@ROOT_ONLY
@pytest.mark.parametrize(("size", "words"), [("64m", "64 MiB free and 500 MiB are needed")])
def test_small_disk_is_reported(
    new_house: Callable[..., Installation], tmp_path: Path, size: str, words: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let us mount")
    try:
        house = new_house(disk / "home")
        said = house.begin().communicate(timeout=END_SECONDS)[0]
        assert house.process is not None
        assert house.process.returncode == 3
        assert words in said or "63 MiB free" in said
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@ROOT_ONLY
def test_unprivileged_user_can_start_greenroom(
    new_house: Callable[..., Installation],
) -> None:
    python = _python_of_nobody()
    folder = Path("/tmp") / f"greenroom-nobody-{os.getpid()}"
    house = new_house(folder, python=python)
    house.environment = {
        "PYTHONPATH": os.pathsep.join([str(p) for p in _site_packages()]),
        "HOME": "/nonexistent",
    }
    subprocess.run(["chown", "-R", "nobody", str(folder)], check=True)
    try:
        assert house.up().is_ready
        assert psutil.Process(house.child("postgres")).uids().real == 65534
        house.end()
        assert house.living() == []
    finally:
        shutil.rmtree(folder)


@ROOT_ONLY
def test_root_without_namespaces_runs_postgres_as_another_user(
    new_house: Callable[..., Installation], tmp_path: Path
) -> None:
    refusing = tmp_path / "bin" / "unshare"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    path = f"{refusing.parent}:{os.environ['PATH']}"
    shut = new_house(environment={"PATH": path})  # the folders of pytest have mode 0700
    said = shut.begin().communicate(timeout=END_SECONDS)[0]
    assert "Run Greenroom as a regular user" in said
    folder = Path("/tmp") / f"greenroom-lent-{os.getpid()}"
    house = new_house(folder, environment={"PATH": path})
    try:
        assert house.up().is_ready
        assert psutil.Process(house.child("postgres")).uids().real == 65534
        assert stat.S_IMODE(folder.stat().st_mode) == 0o711
        house.end(signal.SIGKILL)
        wait_until(lambda: not house.living())
    finally:
        shutil.rmtree(folder)


def _site_packages() -> list[Path]:
    return [
        path
        for path in Path(__file__).parents[2].glob(".venv/lib/python3*/site-packages")
        if path.is_dir()
    ]


def _python_of_nobody() -> tuple[str, ...]:
    """Return a command that runs Python of our version as user 65534: this interpreter is often
    below /root."""
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    program = (
        shutil.which("setpriv") or "",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        found or "",
    )
    if not all(program) or not _site_packages():
        pytest.skip("no setpriv, or no Python that everybody may run")
    probe = "import sys, psycopg, pydantic_core; assert sys.version_info[:2] == (3, 11)"
    path = {"PYTHONPATH": str(_site_packages()[0])}
    if (
        subprocess.run(
            [*program, "-c", probe], env=path, capture_output=True, check=False
        ).returncode
        != 0
    ):
        pytest.skip("another user cannot read this environment")
    return program
