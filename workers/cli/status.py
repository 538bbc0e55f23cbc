"""`greenroom status`, `logs` and `down`: show and stop the installation that runs here."""

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy.exc import SQLAlchemyError

from foundation.errors import NotFound, Unavailable
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings, installation_folder, load_settings
from foundation.ops.writable_places import find_unwritable_places, place_label
from workers.installation.container_status import (
    read_installation_status,
    require_supervisor,
)
from workers.installation.folder import InstallationFolder, running_supervisor_pid
from workers.installation.state_file import InstallationStatus
from workers.terminal.exit_codes import ExitCode
from workers.terminal.output import print_message, print_progress, translate
from workers.terminal.tables import format_json, format_table

STOP_SECONDS = 120.0
"""Seconds to wait for the supervisor: longer than the grace periods of all processes together."""


@dataclass(frozen=True)
class WorkState:
    """The tasks of each queue by state, and the worker processes of all machines."""

    queues: Mapping[str, Mapping[str, int]]
    workers: Sequence[Mapping[str, object]]


def read_work_state(settings: Settings) -> WorkState:
    """Return the waiting, working and dead tasks by queue, and the running workers; both are empty
    if the database does not respond."""
    # Loaded here: only this needs the database, and the other commands start faster without it.
    from foundation.db.database import Database  # noqa: PLC0415  see above
    from foundation.outbox import outbox, worker_registry  # noqa: PLC0415  see above

    url = settings.database.work_url.get_secret_value()
    if not url:
        return WorkState({}, [])
    database = Database(url, application="greenroom-status")
    try:
        with database.scope(UUID(int=0), "system:status", role="relay") as scope:
            found = outbox.queue_stats(scope)
            workers = worker_registry.load_workers(scope)
    except SQLAlchemyError:
        return WorkState({}, [])
    finally:
        database.close()
    return WorkState(
        {
            row.queue: {"waiting": row.waiting, "working": row.leased, "dead": row.dead}
            for row in found
        },
        [
            {"node": worker.node, "process": worker.process, "capacity": dict(worker.capacity)}
            for worker in workers
        ],
    )


def print_status(*, as_json: bool) -> int:
    """Print the status of the installation. Returns OK only if every process is ready."""
    settings = load_settings()
    found = read_installation_status(settings)
    work = read_work_state(settings) if found.phase == "up" else WorkState({}, [])
    # Processes stay alive on a full disk, so their state alone would say that all is well.
    unwritable = find_unwritable_places(settings) if found.phase == "up" else ()
    is_ready = found.is_ready and not unwritable
    if as_json:
        own = found.model_dump(mode="json")
        rest = {"queues": work.queues, "workers": work.workers, "unwritable": unwritable}
        print(format_json({"ready": is_ready, **own, **rest}))
    else:
        _print_installation(found, work)
        if unwritable:
            names = [translate(Message(place_label(name))) for name in unwritable]
            print_message(Message("cli.unwritable", {"places": ", ".join(names)}))
    return ExitCode.OK if is_ready else ExitCode.UNAVAILABLE


def _print_installation(found: InstallationStatus, work: WorkState) -> None:
    if found.phase == "stopped":
        print_message(Message("cli.not_running"))
        return
    processes = [
        (
            "✓" if process.ready else "✗",
            process.name,
            translate(Message(f"state.process.{process.state}")),
            str(process.pid or ""),
            process.restarts,
        )
        for process in found.processes
    ]
    print(format_table(("", "process", "state", "pid", "restarts"), processes))
    print("\n" + format_table(("service", "address"), list(found.addresses.items())))
    queues = [
        (name, counts["waiting"], counts["working"], counts["dead"])
        for name, counts in work.queues.items()
    ]
    if queues:
        print("\n" + format_table(("queue", "waiting", "working", "failed"), queues))
    if len({worker["node"] for worker in work.workers}) > 1:
        _print_workers(work.workers)


def _print_workers(workers: Sequence[Mapping[str, Any]]) -> None:
    """Print the capacity of each worker process, if there are several machines."""
    rows = [
        (
            worker["node"].partition(":")[0],
            worker["process"],
            ", ".join(f"{queue} {rows}" for queue, rows in sorted(worker["capacity"].items())),
        )
        for worker in workers
    ]
    print("\n" + format_table(("machine", "process", "capacity"), rows))


def stop_installation(*, now: bool) -> None:
    """Stop the supervisor of this installation and wait for its end; `now` does not wait for
    current work.

    Raises Unavailable if it does not end in time, and Conflict in containers.
    """
    settings = load_settings()
    require_supervisor(settings)
    home = InstallationFolder(settings.home)
    pid = running_supervisor_pid(home)
    if not pid:
        print_message(Message("cli.not_running"))
        return
    print_progress(Message("cli.stopping", {"pid": pid}))
    with suppress(psutil.NoSuchProcess):  # the supervisor may end before the signal
        _stop_supervisor(home, psutil.Process(pid), now=now)
    print_message(Message("cli.stopped"))


def _stop_supervisor(home: InstallationFolder, supervisor: psutil.Process, *, now: bool) -> None:
    supervisor.send_signal(signal.SIGTERM)
    if now:
        sleep(0.3)  # Linux merges two pending signals into one
        supervisor.send_signal(signal.SIGTERM)
    until = monotonic() + STOP_SECONDS
    # The supervisor releases the lock of the folder shortly before it ends.
    while running_supervisor_pid(home) is not None or _is_running(supervisor):
        if monotonic() > until:
            raise Unavailable("cli.does_not_stop", pid=supervisor.pid)
        sleep(0.1)


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def print_logs(name: str | None, *, follow: bool, lines: int) -> None:
    """Print the last lines of the log of one process, or of all; `follow` prints new lines until
    Ctrl-C.

    Raises NotFound, with the names of the processes that have a log, and Conflict in containers.
    """
    require_supervisor(load_settings())
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
    """Yield new lines of files as they are written, without end; a rotated file is read from its
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
