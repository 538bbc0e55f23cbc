"""`greenroom status`, `logs` and `down`: what another terminal wants of the running house."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy.exc import SQLAlchemyError

from foundation.errors import NotFound, Unavailable
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings, installation_folder, load_settings
from workers.installation.folder import InstallationFolder, running_supervisor_pid
from workers.installation.state_file import InstallationStatus, read_status
from workers.terminal.output import EXIT_NOT_READY, print_message, print_note, translate

STOP_SECONDS = 120.0
"""Longer than every grace together."""


def count_queued(settings: Settings) -> dict[str, dict[str, int]]:
    """How much waits, is in hand and has given up, by queue; empty where the database does not
    answer."""
    from foundation.db.database import Database  # noqa: PLC0415  see above
    from foundation.outbox import outbox  # noqa: PLC0415  only this question needs the database

    url = settings.database.work_url.get_secret_value()
    if not url:
        return {}
    database = Database(url, application="greenroom-status")
    try:
        with database.scope(UUID(int=0), "system:status", role="relay") as scope:
            found = outbox.queue_stats(scope)
    except SQLAlchemyError:
        return {}
    finally:
        database.close()
    return {
        row.queue: {"waiting": row.waiting, "working": row.leased, "dead": row.dead}
        for row in found
    }


def print_status(*, as_json: bool) -> int:
    """Print the state; 0 only if everything is ready."""
    settings = load_settings()
    found = read_status(InstallationFolder(settings.home))
    waiting = count_queued(settings) if found.phase == "up" else {}
    if as_json:
        shape = {"ready": found.is_ready, **found.model_dump(mode="json"), "queues": waiting}
        print(json.dumps(shape, indent=2))
    else:
        _print_installation(found, waiting)
    return 0 if found.is_ready else EXIT_NOT_READY


def _print_installation(found: InstallationStatus, waiting: dict[str, dict[str, int]]) -> None:
    if found.phase == "stopped":
        print_message(Message("cli.not_running"))
        return
    for process in found.processes:
        mark = "✓" if process.ready else "✗"
        words = translate(Message(f"state.process.{process.state}"))
        pid = process.pid or "-"
        print(f"  {mark} {process.name:<10} {words:<34} {pid:>8}  {process.restarts:>3} ↻")
    for name, address in found.addresses.items():
        print(f"    {name:<10} {address}")
    for name, counts in waiting.items():
        print_note(Message("cli.queue", {"queue": name, **counts}))


def stop_installation(*, now: bool) -> None:
    """Ask the supervisor of this home to stop and wait for it; `now` cuts the grace of work in
    hand.

    Raises Unavailable when it does not end.
    """
    home = InstallationFolder(load_settings().home)
    pid = running_supervisor_pid(home)
    if not pid:
        print_message(Message("cli.not_running"))
        return
    print_message(Message("cli.stopping", {"pid": pid}))
    with suppress(psutil.NoSuchProcess):  # it ended meanwhile
        _stop_supervisor(home, psutil.Process(pid), now=now)
    print_message(Message("cli.stopped"))


def _stop_supervisor(home: InstallationFolder, supervisor: psutil.Process, *, now: bool) -> None:
    supervisor.send_signal(signal.SIGTERM)
    if now:
        sleep(0.3)  # two signals at once are one
        supervisor.send_signal(signal.SIGTERM)
    until = monotonic() + STOP_SECONDS
    while running_supervisor_pid(home) is not None or _is_running(
        supervisor
    ):  # it lets go of the home a little before its end
        if monotonic() > until:
            raise Unavailable("cli.does_not_stop", pid=supervisor.pid)
        sleep(0.1)


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def print_logs(name: str | None, *, follow: bool, lines: int) -> None:
    """Print the end of the logs, of one process or of all; `follow` goes on until Ctrl-C.

    Raises NotFound for a process that has none, naming those that have.
    """
    folder = InstallationFolder(installation_folder()).log_file("x").parent
    files = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if name is not None and name not in files:
        raise NotFound("cli.no_log", name=name, names=", ".join(files) or "-")
    chosen = {name: files[name]} if name is not None else files
    for owner, path in chosen.items():
        for line in path.read_text("utf-8", "replace").splitlines()[-lines or sys.maxsize :]:
            _print_log_line(owner, line, alone=name is not None)
    if follow:
        for owner, line in _follow_files(chosen):
            _print_log_line(owner, line, alone=name is not None)


def _print_log_line(owner: str, line: str, *, alone: bool) -> None:
    print(line if alone else f"{owner:<10} {line}", flush=True)


def _follow_files(files: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """New lines of files as they are written, for ever; a file turned over is read from its
    start."""
    read_to = {owner: path.stat().st_size for owner, path in files.items()}
    while True:
        for owner, path in files.items():
            size = path.stat().st_size if path.exists() else 0
            if size == read_to[owner]:
                continue
            with path.open("rb") as file:
                file.seek(read_to[owner] if size > read_to[owner] else 0)
                new = file.read()
                read_to[owner] = file.tell()
            for line in new.decode("utf-8", "replace").splitlines():
                yield owner, line
        sleep(0.2)
