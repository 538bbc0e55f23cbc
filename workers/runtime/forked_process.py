"""Client of the prefork server (`workers.processes.fork_server`, ADR 0159), and the processes that
it forks."""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from foundation.errors import Unavailable
from foundation.ops.clock import monotonic, sleep
from workers.runtime import embedded_servers

START_SECONDS = 60.0
"""Maximum seconds to wait for the prefork server, which may still be loading on a busy machine."""

ANSWER_BYTES = 65536

TRIES = 2
"""Attempts per request: a killed prefork server is restarted once, and a second failure is an
error."""

_PR_SET_CHILD_SUBREAPER = 36


@dataclass
class ForkedProcess:
    """A forked process with the part of the interface of `subprocess.Popen` that the supervisor
    needs."""

    pid: int
    answers: int | None = None
    """Descriptor of its standard output."""
    returncode: int | None = field(default=None, init=False)
    _said: bytes = field(default=b"", init=False)

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the process runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        while (code := self.poll()) is None:
            sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float) -> tuple[bytes, None]:
        """Return the output after the process has ended. Raises subprocess.TimeoutExpired after
        `timeout` seconds; the call can then be repeated."""
        until = monotonic() + timeout
        while self.answers is not None:
            if not select.select([self.answers], [], [], max(0.0, until - monotonic()))[0]:
                raise subprocess.TimeoutExpired("", timeout)
            read = os.read(self.answers, ANSWER_BYTES)
            self._said += read
            if not read:
                os.close(self.answers)
                self.answers = None
        self.wait()
        return self._said, None


class ForkServer:
    """The supervisor's client of the prefork server. Use it in the main thread only, like
    everything that starts children."""

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        self._log = log
        self._environment = environment
        self._template: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def start_server(self) -> None:
        """Start the prefork server; the first fork waits until it has loaded."""
        self._line, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._template = embedded_servers.spawn_process(
                [sys.executable, "-m", "workers.processes.fork_server", str(its.fileno())],
                self._log,
                ending=signal.SIGKILL,
                environment=self._environment,
                keep_open=(its.fileno(),),
            )

    def fork_process(
        self,
        words: Sequence[str],
        log: Path,
        *,
        ending: signal.Signals = signal.SIGTERM,
        answers: bool = False,
    ) -> ForkedProcess:
        """Run `python -m workers.run WORDS` as a fork, with the same session, log and `ending`
        signal as `embedded_servers.spawn_process`.

        Raises Unavailable if the prefork server repeatedly ends.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(TRIES):
            if self._template is None or self._template.poll() is not None:
                self.stop_server()
                self.start_server()
            with log.open("ab") as file, suppress(OSError, ValueError):
                return self._request_fork(words, ending, file.fileno(), answers=answers)
            self.stop_server()
        raise Unavailable("stack.did_not_start", name="template", log=str(self._log), detail="-")

    def _request_fork(
        self, words: Sequence[str], ending: signal.Signals, log: int, *, answers: bool
    ) -> ForkedProcess:
        """Request a fork. Raises OSError or ValueError if the prefork server does not answer."""
        assert self._line is not None  # noqa: S101  a template has one
        self._line.settimeout(START_SECONDS)
        asked = json.dumps({"words": list(words), "ending": int(ending)}).encode()
        with _adopt_orphans(), ExitStack() as done, ExitStack() as failed:
            hears, heard = _open_pipe(done, done)
            reading, writing = _open_pipe(failed, done) if answers else (None, log)
            socket.send_fds(self._line, [asked], [writing, log, hears])
            forked = ForkedProcess(int(self._line.recv(32)), reading)
            # without it the process ends, since the supervisor would not know it
            os.write(heard, b"1")
            failed.pop_all()
            return forked

    def stop_server(self) -> None:
        """Stop the prefork server. The forked processes continue."""
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._template is not None:
            self._template.kill()
            self._template.wait()
            self._template = None


@contextmanager
def _adopt_orphans() -> Iterator[None]:
    """Let orphaned descendants become our children (prctl(2)) during the block, since a forked
    process loses its parent at once.

    The block is short, because other orphans, such as those of a killed PostgreSQL, belong to init.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _open_pipe(reads: ExitStack, writes: ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe()
    reads.callback(os.close, reading)
    writes.callback(os.close, writing)
    return reading, writing
