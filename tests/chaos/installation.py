"""A whole house of real processes in a temporary folder, and everything a storm needs to know of
it."""

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
"""How long a harness that meets a dead database or sandbox waits for it: the machine is shared."""

LATENCY_MS = 120
"""How long the sandbox takes: an act is long enough to be hit in the middle."""

ACTOR = "system:chaos"
SEND, MAKE = ("urgent", "chat", "publish", "notify"), ("make", "gpu", "buy")
"""The queues of the two kinds of workers."""
SENDERS = ("send", "send-2", "send-3")


class InstallationBroken(AssertionError):
    """The house does not come back by itself."""


def retry_without_database(act: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """What `act` returns, tried again while the database is away. `act` must be harmless to
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
    """Let the leases that were taken before `died` run out; how many."""
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
    """A running house. One for many seeds: each has tenants of its own."""

    home: InstallationFolder
    process: "subprocess.Popen[bytes]"
    settings: Settings
    services: Services
    stack: ExitStack
    disks: Mapping[str, Disk] = field(default_factory=dict)
    """What it stands on, by the folder; none where nobody may mount."""
    http: HttpClient = field(default_factory=HttpClient)
    shift: timedelta = timedelta()
    """How far the house's clock is ahead of the machine's."""

    # its processes

    def report(self) -> InstallationStatus:
        """What `greenroom status --json` says."""
        return read_status(self.home)

    def pid(self, name: str) -> int | None:
        """The process that runs now under a name; None between two of them."""
        return next((found.pid for found in self.report().processes if found.name == name), None)

    def signal(self, name: str, number: signal.Signals) -> int | None:
        """Signal the process of a name; its ID, None when it is down at this moment."""
        pid = self.pid(name)
        try:
            if pid is not None:
                psutil.Process(pid).send_signal(number)
        except psutil.NoSuchProcess:
            return None
        return pid

    def wait_ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Return once every process is ready. Raises Broken."""
        until = monotonic() + seconds
        while not self.report().is_ready:
            if self.process.poll() is not None or monotonic() > until:
                late = [found.name for found in self.report().processes if not found.ready]
                said = {name: last_log_line(self.home, name) for name in late}
                raise InstallationBroken(f"the house does not come back: {said}")
            sleep(0.1)

    def power_cut(self) -> datetime:
        """Kill the supervisor, and so everything; then start it again. When that was, by the house.
        Raises Broken.

        In the main thread only: Linux ends a child with the thread that started it.
        """
        self.process.kill()
        self.process.wait(30)
        died = self.now()
        self.process = _rise(self.home)
        return died

    def logs(self) -> Mapping[str, int]:
        """How long each log is now: what a seed adds comes after that."""
        return {
            path.stem: path.stat().st_size for path in (self.home.folder / "logs").glob("*.log")
        }

    def said_since(self, before: Mapping[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Process and line of everything that was logged after `before`, in the order of each
        log."""
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

    # its database

    @contextmanager
    def scope(self, tenant_id: UUID) -> Iterator[Scope]:
        """A transaction of one tenant."""
        with self.services.tenant(tenant_id, ACTOR) as scope:
            yield scope

    def read(self, tenant_id: UUID, ask: Callable[[Scope], T]) -> T:
        """What `ask` says in a scope of a tenant; the database may be on its way back."""

        def once() -> T:
            with self.scope(tenant_id) as scope:
                return ask(scope)

        return retry_without_database(once)

    def as_relay(self, act: Callable[[Scope], T]) -> T:
        """The same for the outbox of all tenants and for the clock."""

        def once() -> T:
            with self.services.tenant(INSTALLATION_ID, ACTOR, role="relay") as scope:
                return act(scope)

        return retry_without_database(once)

    def now(self) -> datetime:
        """The house's time, without asking the database."""
        return wall_now() + self.shift

    def learn_shift(self) -> None:
        """Read how far the house's clock is ahead."""
        self.shift = self.as_relay(lambda scope: scope.now) - wall_now()

    def jump(self, by: timedelta) -> None:
        """The clock of the house jumps, whatever is under way; leases move along."""
        self.as_relay(lambda scope: scope.run("SELECT house_shift(:by)", by=by))
        self.learn_shift()

    def step(self, by: timedelta) -> None:
        """The clock of the machine is set: it moves, and nothing with it."""
        self.as_relay(lambda scope: scope.run("SELECT house_clock_move(:by)", by=by))
        self.learn_shift()

    def leap(self, until: datetime) -> bool:
        """Pass over waiting, never over work: on to the next thing due. False while anything is
        under way."""
        moved = self.as_relay(lambda scope: row_leases.advance_database_clock(scope, until))
        if moved:
            self.learn_shift()
        return moved

    def wait_busy(self, queues: tuple[str, ...], *, seconds: float) -> None:
        """Return as soon as a worker has a row of these queues in hand, or when the time is
        over."""

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
        """Let the leases that a dead worker had taken run out now; by itself each does within 135
        s. How many.

        Time alone separates the two: whatever holds a lease that was taken before `died` (the
        house's time) is dead.
        """
        return self.as_relay(lambda scope: expire_leases(scope, queues, died))

    # its sandbox

    @property
    def sandbox(self) -> str:
        """Where the sandbox is."""
        return f"http://127.0.0.1:{self.settings.sandbox.port}"

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """The sandbox's answer to a request that may be repeated; it may be on its way back."""
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
                raise InstallationBroken(f"the sandbox does not answer {method} {path}: {reply}")
            sleep(0.1)

    def open_account(self, name: str) -> str:
        """Make an account; its token."""
        return str(self.ask("POST", "/control/accounts", {"account": name})["token"])

    def truth(self, account: str) -> Any:
        """Everything an account took in."""
        return self.ask("GET", f"/control/truth/{quote(account, safe='')}")

    # its end

    def stop(self) -> None:
        """End every process; by force when it does not listen."""
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
    """Start a house in an empty folder. Raises Broken."""
    laid = small_disks.mount_disks(folder)
    home = assign_free_ports(folder)
    (folder / lifecycle.REMOVED_MARKER).touch()  # no demo here
    process = _rise(home)
    settings = house_settings.load_settings_of(folder)
    stack = ExitStack()
    services = stack.enter_context(build_services(settings, pool_size=4, application="chaos"))
    made = Installation(home, process, settings, services, stack, laid)
    made.learn_shift()
    return made


def _rise(home: InstallationFolder) -> "subprocess.Popen[bytes]":
    """Start the supervisor and wait until everything is ready. Raises Broken."""
    environment = house_settings.child_environment(home.folder, code=CODE_ROOT) | {
        "PYTHONPATH": str(ROOT),
        "GREENROOM_ENVIRONMENT": "test",
        # nobody there: a chat of this machine's own words
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
            raise InstallationBroken(f"the house did not start: {said}")
        sleep(0.1)
    return process
