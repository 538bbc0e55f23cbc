"""The table of all processes of an installation: main, readiness check, and order of stopping."""

import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals

import psutil

from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.settings import Settings
from workers.installation import ports
from workers.installation.folder import InstallationFolder, has_announced_ready, write_atomically
from workers.runtime import embedded_servers

CODE_ROOT = Path(__file__).resolve().parents[2]
"""The folder of the packages, from which children import."""

ACT_SECONDS = 35.0
"""Duration of the longest request to a platform; workers get somewhat more to finish it."""


class StopStage(IntEnum):
    """The order of stopping: processes that accept work first, those that store it last."""

    DOOR, RELAY, WORKER, NETWORK, REDIS, POSTGRES = range(6)


@dataclass(frozen=True)
class ProcessDefinition:
    """One row of the table. `main` is "module:attr"; it is called with the settings and blocks
    until SIGTERM.

    The process is ready when `path` answers on the listener of the same name or, without a path,
    when it announces it (`has_announced_ready`).
    """

    name: str
    main: str
    stage: StopStage
    path: str = ""
    on_demand: bool = False
    grace_s: float = 10.0
    is_forked: bool = False
    """True if it is forked from the prefork server. Web processes are not, because they must load
    less code."""
    is_scalable: bool = False
    """True if several of it may run in parallel, as many as the settings say
    (`expand_scaled_processes`)."""
    is_test_network: bool = False
    """True for the test network, which a production installation does not run."""


PROCESS_TABLE = (
    ProcessDefinition(
        "sandbox",
        "workers.processes.sandbox_server:run_sandbox",
        StopStage.NETWORK,
        path="/healthz",
        is_test_network=True,
    ),
    ProcessDefinition(
        "relay", "workers.processes.relay:run_relay", StopStage.RELAY, is_forked=True
    ),
    ProcessDefinition(
        "send",
        "workers.processes.queue_workers:run_sender",
        StopStage.WORKER,
        grace_s=ACT_SECONDS + 5,
        is_forked=True,
        is_scalable=True,
    ),
    ProcessDefinition(
        "make",
        "workers.processes.queue_workers:run_maker",
        StopStage.WORKER,
        grace_s=ACT_SECONDS + 5,
        is_forked=True,
    ),
    ProcessDefinition(
        "llm", "workers.processes.text_server:run_text_server", StopStage.WORKER, on_demand=True
    ),
    ProcessDefinition(
        "listen", "workers.processes.listener:run_listener", StopStage.DOOR, is_forked=True
    ),
    ProcessDefinition(
        "web", "workers.processes.web_servers:run_web", StopStage.DOOR, path="/healthz"
    ),
    ProcessDefinition(
        "dashboard", "workers.processes.web_servers:run_dashboard", StopStage.DOOR, path="/healthz"
    ),
)
"""The processes in the order in which they start."""


WORKER_PROCESSES = ("relay", "send", "make")
"""The processes of a machine that only adds capacity to an installation (`greenroom up
--workers`); its relay is a standby."""


def expand_scaled_processes(
    table: tuple[ProcessDefinition, ...], settings: Settings
) -> tuple[ProcessDefinition, ...]:
    """Return the table with a row for each sender process: `send`, `send-2`, … Python uses one core
    per process, so further processes use the other cores when many posts are due."""
    numbers = range(2, settings.workers.senders + 1)
    return tuple(
        one
        for row in table
        for one in (
            row,
            *(replace(row, name=f"{row.name}-{n}") for n in numbers if row.is_scalable),
        )
    )


@dataclass(frozen=True)
class Program:
    """A row of the table for one installation, as the supervisor starts and watches it."""

    name: str
    command: tuple[str, ...]
    stage: StopStage
    is_ready: Callable[[int], bool] = field(repr=False)
    """Returns True if the process with this ID is ready, within at most a second."""
    grace_s: float = 10.0
    """Seconds after the stop signal before it is killed."""
    stop_signal: Signals = SIGTERM
    """The signal that requests the end."""
    orphan_signal: Signals = SIGKILL
    """The signal that Linux sends when the supervisor is killed."""
    on_demand_port: int | None = None
    """The port whose first connection starts it; until then the supervisor listens on the port."""
    fork_arguments: tuple[str, ...] = ()
    """Arguments of `workers.run` if the program is forked."""
    alike: str = ""
    """A name that programs with the same work share, such as the `main` of all senders."""


def build_programs(
    table: tuple[ProcessDefinition, ...],
    settings: Settings,
    http: HttpClient,
    *,
    probes: Mapping[str, int] | None = None,
) -> tuple[Program, ...]:
    """Return the programs for these settings. `probes` are the metrics ports by process; others
    have none."""
    return tuple(
        _build_program(row, settings, http, (probes or {}).get(row.name, 0)) for row in table
    )


def _build_program(
    row: ProcessDefinition, settings: Settings, http: HttpClient, probes: int
) -> Program:
    listeners = {listener.name: listener for listener in ports.PORT_SETTINGS}
    home = InstallationFolder(settings.home)
    works: Callable[[int], bool] = partial(has_announced_ready, home, row.name)
    if row.on_demand:
        works = bool  # its client waits on the socket
    if row.path:
        works = partial(_is_answering, http, listeners[row.name].port(settings), row.path)
    words = (row.name, row.main, "--probes", str(probes))
    return Program(
        name=row.name,
        alike=row.main,
        command=(sys.executable, "-m", "workers.run", *words),
        fork_arguments=words if row.is_forked else (),
        stage=row.stage,
        is_ready=works,
        grace_s=row.grace_s,
        on_demand_port=listeners[row.name].port(settings) if row.on_demand else None,
    )


def _is_answering(http: HttpClient, port: int, path: str, pid: int) -> bool:
    """Return True if this process serves the port and responds with a status below 500. Another
    installation may use the port."""
    try:
        lines = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    if not any(
        line.status == psutil.CONN_LISTEN and line.laddr[1] == port for line in lines if line.laddr
    ):
        return False
    reply = http.send(HttpRequest("GET", f"http://127.0.0.1:{port}{path}", deadline=1.0))
    return isinstance(reply, HttpResponse) and reply.status < 500


def postgres_program(settings: Settings) -> Program:
    """Return the embedded PostgreSQL. SIGINT is its fast stop, which does not wait for clients."""
    home = InstallationFolder(settings.home)
    folder = home.postgres_folder
    port = settings.workers.postgres_port
    return Program(
        name="postgres",
        command=tuple(
            embedded_servers.postgres_command(
                folder, port, socket_folder=home.postgres_socket_folder
            )
        ),
        stage=StopStage.POSTGRES,
        is_ready=lambda pid: (
            embedded_servers.is_postgres_running(folder, pid)
            and embedded_servers.is_postgres_accepting(port)
        ),
        grace_s=30.0,
        stop_signal=SIGINT,
        orphan_signal=SIGINT,
    )


def redis_program(settings: Settings, password: str) -> Program:
    """Return the embedded Redis. Its password is in a file, not on the command line."""
    home = InstallationFolder(settings.home)
    config = home.run_folder / "redis.conf"
    write_atomically(config, f"requirepass {password}\n")
    port = settings.workers.redis_port
    return Program(
        name="redis",
        command=tuple(embedded_servers.redis_command(home.redis_folder, port, config)),
        stage=StopStage.REDIS,
        is_ready=lambda _: is_redis_answering(port, password),
        orphan_signal=SIGTERM,
    )


def is_redis_answering(port: int, password: str) -> bool:
    """Return True if our Redis listens and has loaded its data.

    While loading, it accepts the password but answers that it loads. Without the password, NOAUTH
    would be answered even while it loads a file that it cannot read.
    """
    asked = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n*1\r\n$4\r\nPING\r\n" % (
        len(password),
        password.encode(),
    )
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=1) as line,
            line.makefile("rb") as told,
        ):
            line.sendall(asked)
            return [told.readline(64), told.readline(64)] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False
