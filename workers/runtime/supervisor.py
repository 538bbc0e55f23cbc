"""The supervisor: starts programs, watches and restarts them, and stops them in order. It does not
know their purpose.

If the supervisor is killed, Linux sends its children SIGKILL (PostgreSQL a fast stop), so that none
is left running.
"""

import os
import select
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import psutil

from foundation.errors import Unavailable
from foundation.ops import settings
from foundation.ops.clock import monotonic, sleep, wall_now
from workers.installation.folder import rotate_log
from workers.runtime import embedded_servers
from workers.runtime.forked_process import ForkedProcess, ForkServer
from workers.runtime.process_table import CODE_ROOT, Program

TICK_SECONDS = 0.1
CHECK_SECONDS = 5.0
"""Interval of the health checks of a ready process."""


class ProcessState(StrEnum):
    """The state of a process."""

    IDLE = "idle"  # on demand, no connection yet
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"  # ended; waits for its restart
    DEGRADED = "degraded"  # ended too often; retried from time to time
    STOPPED = "stopped"


HEALTHY_STATES = frozenset({ProcessState.IDLE, ProcessState.READY})


@dataclass(frozen=True)
class RestartPolicy:
    """Delays of restarts in seconds."""

    first_delay: float = 1.0
    longest_delay: float = 30.0
    limit: int = 5
    """Number of restarts within `window` after which a process is degraded."""
    window: float = 300.0
    degraded_delay: float = 300.0
    """Delay of the next attempt of a degraded process."""
    alone_delay: float = 2.0
    """Maximum delay while no other process does the same work, so that senders that are killed
    again and again never stop publishing. A process that starts on demand may be away longer,
    because its clients have a fallback."""


@dataclass
class SupervisedProcess:
    """A program and the process that runs it."""

    program: Program
    state: ProcessState = ProcessState.STOPPED
    process: "subprocess.Popen[bytes] | ForkedProcess | None" = None
    since: datetime = field(default_factory=wall_now)
    restarts: int = 0
    ended: deque[float] = field(default_factory=deque)
    start_at: float = 0.0
    check_at: float = 0.0
    last_exit: int | None = None
    born: float | None = None
    """Creation time in Unix seconds, which together with the process ID identifies a process."""
    listening_socket: socket.socket | None = None
    missed_check: bool = False
    """True if a ready process did not respond to its last check. On a busy machine one missing
    response is ignored."""

    def set_state(self, state: ProcessState) -> None:
        """Change the state and record the time."""
        if state is not self.state:
            self.state = state
            self.since = wall_now()


class Supervisor:
    """The child processes of one installation. Not thread-safe: children must be started from the
    main thread because of PDEATHSIG."""

    def __init__(
        self, folder: Path, *, log: Callable[[str], Path], pace: RestartPolicy | None = None
    ) -> None:
        self._folder = folder
        self._log = log
        self._pace = pace or RestartPolicy()
        self._environment = settings.child_environment(folder, code=CODE_ROOT)
        self.fork_server = ForkServer(log("template"), self._environment)
        self.children: dict[str, SupervisedProcess] = {}
        self.skip_grace = False
        """Set by a second Ctrl-C: stop without waiting for work in progress."""

    def start_process(self, program: Program) -> SupervisedProcess:
        """Start a program, or listen on the port of an on-demand one."""
        child = self.children[program.name] = SupervisedProcess(program)
        rotate_log(self._log(program.name))
        if program.on_demand_port is not None:
            self._wait_at_door(child)
        else:
            self._spawn_child(child)
        return child

    def _wait_at_door(self, child: SupervisedProcess) -> None:
        if child.listening_socket is None:
            port = child.program.on_demand_port or 0
            try:
                child.listening_socket = socket.create_server(("127.0.0.1", port), backlog=64)
            except OSError as taken:  # free when the ports were chosen, perhaps minutes ago
                raise Unavailable("stack.port_lost", port=port) from taken
        child.set_state(ProcessState.IDLE)

    def _spawn_child(self, child: SupervisedProcess) -> None:
        log = self._log(child.program.name)
        try:
            child.process = self._start_process(child.program, child.listening_socket, log)
        except (
            Unavailable,
            OSError,
        ) as error:  # no prefork server or no memory: as if it had ended at once
            with suppress(OSError), log.open("a", encoding="utf-8") as said:
                said.write(f"{error}\n")
            self._schedule_restart(child)
            return
        child.born = psutil.Process(child.process.pid).create_time()
        child.set_state(ProcessState.STARTING)
        child.check_at = 0.0

    def _start_process(
        self, program: Program, door: socket.socket | None, log: Path
    ) -> "subprocess.Popen[bytes] | ForkedProcess":
        """Start the process. Raises Unavailable or OSError if it cannot be started now."""
        if program.fork_arguments:
            return self.fork_server.fork_process(
                program.fork_arguments, log, ending=program.orphan_signal
            )
        handed = ("--door", str(door.fileno())) if door is not None else ()
        return embedded_servers.spawn_process(
            [*program.command, *handed],
            log,
            ending=program.orphan_signal,
            environment=self._environment,
            keep_open=(door.fileno(),) if door is not None else (),
        )

    def stop_process(self, name: str) -> None:
        """Stop one child and remove it."""
        self._stop_stage([self.children[name]])
        del self.children[name]

    def check_processes(self) -> None:
        """Check every child once: record ready and ended ones, and restart those that are due."""
        for child in self.children.values():
            match child.state:
                case ProcessState.IDLE:
                    self._open_door(child)
                case ProcessState.STARTING | ProcessState.READY:
                    self._check_child(child)
                case ProcessState.RESTARTING | ProcessState.DEGRADED if (
                    monotonic() >= child.start_at
                ):
                    self._restart_child(child)
                case _:
                    pass

    def _open_door(self, child: SupervisedProcess) -> None:
        if (
            child.listening_socket is not None
            and select.select([child.listening_socket], [], [], 0)[0]
        ):
            self._spawn_child(child)

    def _check_child(self, child: SupervisedProcess) -> None:
        process = child.process
        if process is not None and process.poll() is not None:
            self._record_exit(child, process)
        elif process is not None and monotonic() >= child.check_at:
            is_ready = _says_so(child.program, process.pid)
            child.missed_check = (
                not is_ready and child.state is ProcessState.READY and not child.missed_check
            )
            if not child.missed_check:
                child.set_state(ProcessState.READY if is_ready else ProcessState.STARTING)
            child.check_at = monotonic() + (CHECK_SECONDS if is_ready else TICK_SECONDS)

    def _record_exit(
        self, child: SupervisedProcess, process: "subprocess.Popen[bytes] | ForkedProcess"
    ) -> None:
        stop_process_group(process.pid)  # stop its children too
        child.process = None
        child.last_exit = process.returncode
        if child.listening_socket is not None and process.returncode == 0:
            child.set_state(ProcessState.IDLE)  # it ended because it was idle
            return
        self._schedule_restart(child)

    def _schedule_restart(self, child: SupervisedProcess) -> None:
        """Schedule the restart of an ended child, with a delay that grows with each exit."""
        now = monotonic()
        pace = self._pace
        child.ended.append(now)
        while child.ended[0] < now - pace.window:
            child.ended.popleft()
        often = len(child.ended)
        delay = min(pace.longest_delay, pace.first_delay * 2 ** (often - 1))
        child.set_state(ProcessState.RESTARTING)
        if often > pace.limit:
            child.set_state(ProcessState.DEGRADED)
            delay = pace.degraded_delay
            _close_door(child)  # connections are refused at once, so that clients use a fallback
        if child.program.on_demand_port is None and not self._is_work_covered(child):
            delay = min(delay, pace.alone_delay)
        child.start_at = now + delay

    def _is_work_covered(self, child: SupervisedProcess) -> bool:
        """Return True if another process that does the same work is running."""
        return any(
            other.program.alike == child.program.alike and other.process is not None
            for other in self.children.values()
            if other is not child and other.program.alike
        )

    def _restart_child(self, child: SupervisedProcess) -> None:
        child.restarts += 1
        if child.program.on_demand_port is None:
            self._spawn_child(child)
            return
        try:
            self._wait_at_door(child)
        except Unavailable:  # the port was taken in between; the other processes continue
            self._schedule_restart(child)

    def stop_all(self) -> None:
        """Stop all children stage by stage: request the stop, wait for the grace period, then kill
        them with their children."""
        for stage in sorted({child.program.stage for child in self.children.values()}):
            self._stop_stage(
                [child for child in self.children.values() if child.program.stage == stage]
            )

    def _stop_stage(self, children: list[SupervisedProcess]) -> None:
        running = [
            child
            for child in children
            if child.process is not None and child.process.poll() is None
        ]
        asked = monotonic()
        for child in running:
            _send_signal(child, child.program.stop_signal)
        while running and not all(
            self._is_stopped(child, monotonic() - asked) for child in running
        ):
            sleep(TICK_SECONDS / 2)
        for child in children:
            if child.process is not None:
                stop_process_group(child.process.pid)
                child.last_exit = child.process.returncode
                child.process = None
            _close_door(child)
            child.set_state(ProcessState.STOPPED)

    def _is_stopped(self, child: SupervisedProcess, waited: float) -> bool:
        grace = min(child.program.grace_s, 2.0) if self.skip_grace else child.program.grace_s
        if child.process is None or child.process.poll() is not None:
            return True
        if waited > grace:
            stop_process_group(child.process.pid)
        return False


def _says_so(program: Program, pid: int) -> bool:
    """Return True if the process is ready. A check that cannot be run counts as failed."""
    try:
        return program.is_ready(pid)
    except OSError:
        return False


def _send_signal(child: SupervisedProcess, signum: signal.Signals) -> None:
    if child.process is not None:
        child.process.send_signal(signum)


def _close_door(child: SupervisedProcess) -> None:
    if child.listening_socket is not None:
        child.listening_socket.close()
        child.listening_socket = None


def stop_process_group(leader: int) -> None:
    """Kill the rest of a child's process group; each child leads one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def find_leftover_processes(
    recorded: Iterable[tuple[int, float]], folder: Path
) -> list[psutil.Process]:
    """Return running processes of an earlier, killed run: those it recorded (ID and creation time),
    and servers on our data."""
    births = dict(recorded)
    found = []
    for process in psutil.process_iter(["pid", "create_time", "cmdline", "status"]):
        known = abs(births.get(process.pid, 0.0) - process.info["create_time"]) < 1.0
        words = process.info["cmdline"] or []
        on_our_data = str(folder / "pg") in words or str(folder / "redis") in words
        if (known or on_our_data) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def stop_processes(processes: list[psutil.Process]) -> None:
    """Stop processes with PostgreSQL's fast stop, then its immediate stop, then SIGKILL. A stopped
    process is continued to receive the signal."""
    for rung in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(rung)
                process.send_signal(signal.SIGCONT)
        _, processes = psutil.wait_procs(processes, timeout=5)
        if not processes:
            return
