"""Recovery: leftovers of an earlier run, processes that end while running, and interrupted starts."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack

import psutil
import pytest

from foundation.ops.clock import monotonic, sleep
from tests.conftest import wait_until
from tests.stack.conftest import START_SECONDS, Installation
from workers.installation.folder import read_env

pytestmark = pytest.mark.slow


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_killed_supervisor_ends_its_processes_and_recovers_at_start(
    house: Installation,
) -> None:
    report = house.up()
    assert len(house.living()) >= 5
    house.end(signal.SIGKILL)
    wait_until(lambda: not house.living())
    wait_until(lambda: not any(_runs(process.pid) for process in report.processes if process.pid))
    status = house.command("status")
    assert status.returncode == 3
    assert "is not running" in status.stdout
    assert not house.up().unready_processes
    for name in (
        "postgres",
        "redis",
    ):  # frozen processes miss the signal of their parent's death
        os.kill(house.child(name), signal.SIGSTOP)
    frozen = house.child("postgres")
    house.end(signal.SIGKILL)
    assert _runs(frozen)
    assert not house.up().unready_processes
    assert house.child("postgres") != frozen


def test_foreign_pid_file_and_broken_redis_file_do_not_stop_a_start(
    house: Installation,
) -> None:
    files = [path for path in house.home.redis_folder.rglob("*.aof") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(b"*not a protocol\r\n" * 10)
    with subprocess.Popen(["sleep", "600"]) as other:
        written = (
            f"{other.pid}\n{house.home.postgres_folder}\n1700000000\n5432\n\n127.0.0.1\n  1 "
            "2\nready\n"
        )
        port = read_env(house.home)["GREENROOM_WORKERS__POSTGRES_PORT"]
        socket_lock = f".s.PGSQL.{port}.lock"
        for name in ("postmaster.pid", socket_lock):
            (house.home.postgres_folder / name).write_text(written)
        assert not house.up().unready_processes
        assert other.poll() is None
        other.kill()
    assert "The queue server could not read its file" in house.end()


def test_interrupted_first_start_starts_over(
    new_house: Callable[..., Installation],
) -> None:
    house = new_house()
    (house.home.folder / "pg.new").mkdir()
    (house.home.folder / "pg.new" / "PG_VERSION").write_text("16\n")
    house.home.postgres_folder.mkdir()
    (house.home.postgres_folder / "somebody's").write_text("work")
    assert not house.up().unready_processes
    assert (house.home.folder / "pg.aside-1" / "somebody's").read_text() == "work"


def test_ports_taken_after_the_choice_are_replaced_without_data_loss(
    house: Installation,
) -> None:
    env = read_env(house.home)
    taken = {
        name: int(env[f"GREENROOM_WORKERS__{name.upper()}_PORT"]) for name in ("postgres", "redis")
    }
    shutil.rmtree(
        house.home.postgres_folder
    )  # creating it again takes half a second, in which the ports are taken
    process = house.begin()
    wait_until((house.home.folder / "pg.new").exists, START_SECONDS)
    process.send_signal(signal.SIGSTOP)
    with ExitStack() as squatters:
        for port in taken.values():
            squatters.enter_context(socket.create_server(("127.0.0.1", port)))
        process.send_signal(signal.SIGCONT)
        report = house.risen()
        assert report.is_ready
        assert all(report.ports[name] > port for name, port in taken.items())
    said = house.end()
    assert all(f"port {port} is in use" in said for port in taken.values())
    assert not list(house.home.folder.glob("*.aside-*"))
    assert house.up().ports["redis"] == report.ports["redis"]


def test_start_is_complete_only_when_services_respond(house: Installation) -> None:
    house.table = "awaited"
    house.begin()
    wait_until(lambda: _state(house, "awaited") == "starting", START_SECONDS)
    redis = house.child("redis")
    os.kill(redis, signal.SIGSTOP)
    wait_until(lambda: _state(house, "redis") == "starting")
    (house.home.run_folder / "awaited.may").touch()
    wait_until(lambda: _state(house, "awaited") == "ready")
    sleep(2)  # all other processes are ready, and Redis does not respond
    assert house.report().phase == "starting"
    os.kill(redis, signal.SIGCONT)
    assert not house.risen().unready_processes


def test_ended_processes_are_restarted(house: Installation) -> None:
    house.up()
    for name in ("send", "postgres", "redis"):
        before = house.child(name)
        os.kill(before, signal.SIGKILL)
        # bound early on purpose
        wait_until(lambda name=name, before=before: _is_back(house, name, before))  # type: ignore[misc]  # see above
    wait_until(lambda: house.report().is_ready)


def _is_back(house: Installation, name: str, before: int) -> bool:
    process = next(process for process in house.report().processes if process.name == name)
    return process.ready and process.pid not in (None, before)


def test_crashing_process_is_reported_and_second_ctrl_c_ends_at_once(
    house: Installation,
) -> None:
    house.table = "troubled"
    house.up()
    wait_until(lambda: _state(house, "crashing") == "degraded")
    assert _state(house, "steady") == "ready"
    status = house.command("status")
    assert status.returncode == 3
    assert "Failing, see its log" in status.stdout
    assert house.process is not None
    house.process.send_signal(signal.SIGINT)
    sleep(0.5)
    assert house.process.poll() is None  # one process has unfinished work and 50 s to complete it
    started = monotonic()
    assert "crashing is not ready (" in house.end(signal.SIGINT)
    assert monotonic() - started < 45  # well below its grace of 50 s
    assert house.process.returncode == 0
    assert house.living() == []


def _state(house: Installation, name: str) -> str:
    return next((process.state for process in house.report().processes if process.name == name), "")


def test_ctrl_c_during_a_start_ends_every_process(new_house: Callable[..., Installation]) -> None:
    house = new_house()
    process = house.begin()
    wait_until(lambda: any("postgres" in line for line in house.living()))
    house.end()
    assert process.returncode == 0
    assert house.living() == []
    assert not house.up().unready_processes
