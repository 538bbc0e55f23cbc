"""An installation of real processes in a temporary folder, with access to its processes, database
and sandbox."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import psutil
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from demo.agency import lifecycle
from foundation.db.database import Scope
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ids import INSTALLATION_ID
from foundation.ops import settings as house_settings
from foundation.ops.clock import monotonic, sleep, wall_now
from foundation.ops.settings import Settings
from foundation.outbox import row_leases
from tests.chaos import small_disks
from tests.chaos.small_disks import Disk
from tests.stack.conftest import ROOT, assign_free_ports
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import InstallationStatus, read_status
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT
from workers.runtime.subprocess_task import last_log_line
from workers.wiring import Services, build_services

T = TypeVar("T")

START_SECONDS = 300.0
PATIENCE_SECONDS = 180.0
"""Seconds to wait for an unavailable database or sandbox: the machine is shared."""

LATENCY_MS = 120
"""Latency of the sandbox, so that faults hit requests in progress."""

ACTOR = "system:chaos"
SEND, MAKE = ("urgent", "chat", "publish", "notify"), ("make", "gpu", "buy")
"""The queues of the two kinds of workers."""
SENDERS = ("send", "send-2", "send-3")


class InstallationBroken(AssertionError):
    """Raised if the installation does not recover."""


def retry_without_database(act: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """Return the result of `act`, retried while the database is unavailable. `act` must be safe to
    repeat."""
    until = monotonic() + seconds
    while True:
        try:
            return act()
        except (DBAPIError, PoolTimeout):
            if monotonic() > until:
                raise
            sleep(0.1)


def expire_leases(scope: Scope, queues: tuple[str, ...], died: datetime) -> int:
    """Expire the leases that were taken before `died` and return their number."""
    done = scope.run(
        "UPDATE outbox SET lease_until = house_now() - interval '1 ms' WHERE state = 'leased'"
        " AND started_at < :died AND queue = ANY(CAST(:queues AS text[]))",
        died=died,
        queues=list(queues),
    )
    row_leases.sweep_expired_leases(scope)
    return int(done.rowcount)


@dataclass
class Installation:
    """A running installation for many seeds, each with separate tenants."""

    home: InstallationFolder
    process: "subprocess.Popen[bytes]"
    settings: Settings
    services: Services
    stack: ExitStack
    disks: Mapping[str, Disk] = field(default_factory=dict)
    """The mounted disks by folder; empty without the right to mount."""
    http: HttpClient = field(default_factory=HttpClient)
    shift: timedelta = timedelta()
    """The shift of the database clock ahead of the machine's."""

    # processes

    def report(self) -> InstallationStatus:
        """Return the status as `greenroom status --json` reports it."""
        return read_status(self.home)

    def pid(self, name: str) -> int | None:
        """Return the process ID of a named process; None between two processes."""
        return next((found.pid for found in self.report().processes if found.name == name), None)

    def signal(self, name: str, number: signal.Signals) -> int | None:
        """Signal a named process and return its ID; None if it is not running."""
        pid = self.pid(name)
        try:
            if pid is not None:
                psutil.Process(pid).send_signal(number)
        except psutil.NoSuchProcess:
            return None
        return pid

    def wait_ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Return once every process is ready. Raises InstallationBroken."""
        until = monotonic() + seconds
        while not self.report().is_ready:
            if self.process.poll() is not None or monotonic() > until:
                late = [found.name for found in self.report().processes if not found.ready]
                said = {name: last_log_line(self.home, name) for name in late}
                raise InstallationBroken(f"the installation does not recover: {said}")
            sleep(0.1)

    def power_cut(self) -> datetime:
        """Kill the supervisor and thereby every process, then start again. Return the database time
        of the kill. Raises InstallationBroken.

        Only in the main thread: Linux ends a child with the thread that started it.
        """
        self.process.kill()
        self.process.wait(30)
        died = self.now()
        self.process = _rise(self.home)
        return died

    def logs(self) -> Mapping[str, int]:
        """Return the current size of each log; a seed's lines follow after it."""
        return {
            path.stem: path.stat().st_size for path in (self.home.folder / "logs").glob("*.log")
        }

    def said_since(self, before: Mapping[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield process and line of everything that was logged after `before`, log by log in order."""
        for name, now in sorted(self.logs().items()):
            start = before.get(name, 0)
            with self.home.log_file(name).open("rb") as file:
                file.seek(start if start <= now else 0)
                lines = file.read().decode("utf-8", "replace").splitlines()
            for line in lines:
                try:
                    yield name, dict(json.loads(line))
                except ValueError:
                    yield name, {"event": line}

    # database

    @contextmanager
    def scope(self, tenant_id: UUID) -> Iterator[Scope]:
        """Open a transaction of one tenant."""
        with self.services.tenant(tenant_id, ACTOR) as scope:
            yield scope

    def read(self, tenant_id: UUID, ask: Callable[[Scope], T]) -> T:
        """Return the result of `ask` in a scope of a tenant, retried while the database is
        unavailable."""

        def once() -> T:
            with self.scope(tenant_id) as scope:
                return ask(scope)

        return retry_without_database(once)

    def as_relay(self, act: Callable[[Scope], T]) -> T:
        """Run `act` with the relay role, for the outbox of all tenants and the clock."""

        def once() -> T:
            with self.services.tenant(INSTALLATION_ID, ACTOR, role="relay") as scope:
                return act(scope)

        return retry_without_database(once)

    def now(self) -> datetime:
        """Return the database time without a query."""
        return wall_now() + self.shift

    def learn_shift(self) -> None:
        """Read the shift of the database clock."""
        self.shift = self.as_relay(lambda scope: scope.now) - wall_now()

    def jump(self, by: timedelta) -> None:
        """Shift the database clock; leases move along."""
        self.as_relay(lambda scope: scope.run("SELECT house_shift(:by)", by=by))
        self.learn_shift()

    def step(self, by: timedelta) -> None:
        """Set the machine's clock: leases do not move."""
        self.as_relay(lambda scope: scope.run("SELECT house_clock_move(:by)", by=by))
        self.learn_shift()

    def leap(self, until: datetime) -> bool:
        """Advance the clock to the next due time. Return False while any work is in progress."""
        moved = self.as_relay(lambda scope: row_leases.advance_database_clock(scope, until))
        if moved:
            self.learn_shift()
        return moved

    def wait_busy(self, queues: tuple[str, ...], *, seconds: float) -> None:
        """Return as soon as a worker has a leased row of these queues, or after `seconds`."""

        def busy(scope: Scope) -> bool:
            return bool(
                scope.run(
                    "SELECT 1 FROM outbox WHERE state = 'leased' AND started_at IS NOT NULL"
                    " AND queue = ANY(CAST(:queues AS text[])) LIMIT 1",
                    queues=list(queues),
                ).scalar()
            )

        until = monotonic() + seconds
        while monotonic() < until and not self.as_relay(busy):
            sleep(0.005)

    def bury(self, queues: tuple[str, ...], died: datetime) -> int:
        """Expire the leases of a dead worker at once, instead of within 135 s, and return their
        number.

        Only the time distinguishes them: every lease taken before `died` (database time) belongs to
        it.
        """
        return self.as_relay(lambda scope: expire_leases(scope, queues, died))

    # sandbox

    @property
    def sandbox(self) -> str:
        """The address of the sandbox."""
        return f"http://127.0.0.1:{self.settings.sandbox.port}"

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """Return the sandbox's response to a repeatable request, retried while it restarts."""
        headers = {"content-type": "application/json"} | (
            {"authorization": f"Bearer {token}"} if token else {}
        )
        data = b"" if body is None else json.dumps(body).encode()
        until = monotonic() + PATIENCE_SECONDS
        while True:
            reply = self.http.send(HttpRequest(method, self.sandbox + path, headers, data, 10.0))
            if isinstance(reply, HttpResponse) and reply.status < 300:
                return json.loads(reply.body)
            if monotonic() > until:
                raise InstallationBroken(
                    f"the sandbox does not respond to {method} {path}: {reply}"
                )
            sleep(0.1)

    def open_account(self, name: str) -> str:
        """Create an account and return its token."""
        return str(self.ask("POST", "/control/accounts", {"account": name})["token"])

    def truth(self, account: str) -> Any:
        """Return everything that an account received."""
        return self.ask("GET", f"/control/truth/{quote(account, safe='')}")

    # end

    def stop(self) -> None:
        """End every process, by force if it does not respond."""
        self.stack.close()
        self.http.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
        for disk in reversed(self.disks.values()):
            disk.remove()


def start_installation(folder: Path) -> Installation:
    """Start an installation in an empty folder. Raises InstallationBroken."""
    laid = small_disks.mount_disks(folder)
    home = assign_free_ports(folder)
    (folder / lifecycle.REMOVED_MARKER).touch()  # without the demo
    process = _rise(home)
    settings = house_settings.load_settings_of(folder)
    stack = ExitStack()
    services = stack.enter_context(build_services(settings, pool_size=4, application="chaos"))
    made = Installation(home, process, settings, services, stack, laid)
    made.learn_shift()
    return made


def _rise(home: InstallationFolder) -> "subprocess.Popen[bytes]":
    """Start the supervisor and wait until every process is ready. Raises InstallationBroken."""
    environment = house_settings.child_environment(home.folder, code=CODE_ROOT) | {
        "PYTHONPATH": str(ROOT),
        "GREENROOM_ENVIRONMENT": "test",
        # no model server: chats use template sentences
        "GREENROOM_GENERATORS__OLLAMA_URL": "http://127.0.0.1:9",
        "GREENROOM_SANDBOX__LATENCY_MS": str(LATENCY_MS),
        "GREENROOM_WORKERS__SENDERS": str(len(SENDERS)),
    }
    command = [sys.executable, "-m", "tests.chaos.start_command"]
    process = spawn_process(
        command, home.log_file("up"), environment=environment, ending=signal.SIGTERM
    )
    until = monotonic() + START_SECONDS
    while not read_status(home).is_ready:
        if process.poll() is not None or monotonic() > until:
            process.kill()
            said = home.log_file("up").read_text("utf-8", "replace")[-2000:]
            raise InstallationBroken(f"the installation did not start: {said}")
        sleep(0.1)
    return process
