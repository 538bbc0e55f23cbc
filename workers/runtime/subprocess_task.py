"""A function that runs once in a separate process, so that the supervisor does not keep its modules
in memory and Ctrl-C can end it."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable

from foundation.errors import GreenroomError, Unavailable
from foundation.ops import settings
from foundation.ops.clock import monotonic
from workers.installation.folder import InstallationFolder, rotate_log
from workers.runtime import embedded_servers
from workers.runtime.forked_process import ForkedProcess, ForkServer
from workers.runtime.process_table import CODE_ROOT

STEP_SECONDS = 600.0
LOOK_SECONDS = 0.1
TaskResult = str | dict[str, str] | None


def is_installed(path: str) -> bool:
    """Return True if the module of a "module:attr" exists. Errors of its import are not caught."""
    return importlib.util.find_spec(path.partition(":")[0]) is not None


def last_log_line(home: InstallationFolder, name: str, lines: int = 1) -> str:
    """Return the last lines of a process's log, separated by slashes, or a dash if it is empty."""
    said = [line.strip() for line in read_log_since(home, name, 0).split("\n") if line.strip()]
    return " / ".join(said[-lines:]) or "-"


def log_size(home: InstallationFolder, name: str) -> int:
    """Return the size of a process's log in bytes."""
    log = home.log_file(name)
    return log.stat().st_size if log.exists() else 0


def read_log_since(home: InstallationFolder, name: str, size: int) -> str:
    """Return the log from a position, or all of it if it was rotated."""
    log = home.log_file(name)
    said = log.read_bytes() if log.exists() else b""
    return said[size if size <= len(said) else 0 :].decode("utf-8", "replace")


def start_failure(home: InstallationFolder, name: str) -> Unavailable:
    """Return the error for a process that ended at its start, with the end of its log. Redis names
    the cause one line before the last."""
    detail = last_log_line(home, name, 2)
    return Unavailable(
        "stack.did_not_start", name=name, log=str(home.log_file(name)), detail=detail
    )


class SubprocessTask:
    """A function "module:attr", called with the settings once in a child process.

    The process is forked if there is a prefork server.
    """

    def __init__(
        self, home: InstallationFolder, name: str, main: str, forks: ForkServer | None = None
    ) -> None:
        self._home = home
        self._name = name
        words = (name, main, "--step")
        log = home.log_file(name)
        rotate_log(log)
        self._process: subprocess.Popen[bytes] | ForkedProcess
        if forks is not None:
            self._process = forks.fork_process(words, log, answers=True)
        else:
            environment = settings.child_environment(home.folder, code=CODE_ROOT)
            command = [sys.executable, "-m", "workers.run", *words]
            self._process = embedded_servers.spawn_process(
                command, log, environment=environment, answers=True
            )

    def wait_for_result(self, *, waiting: Callable[[], None]) -> TaskResult:
        """Return the function's result. `waiting` is called ten times a second in the meantime and
        may raise to abort.

        Raises the function's GreenroomError, or Unavailable if the process ended without a result
        or took ten minutes.
        """
        until = monotonic() + STEP_SECONDS
        try:
            while True:
                try:
                    written, _ = self._process.communicate(timeout=LOOK_SECONDS)
                    return self._parse_result(written)
                except subprocess.TimeoutExpired:
                    waiting()
                    if monotonic() > until:
                        raise start_failure(self._home, self._name) from None
        finally:
            self._process.kill()
            self._process.wait()

    def _parse_result(self, written: bytes) -> TaskResult:
        try:
            answer = json.loads(written.decode().splitlines()[-1])
        except (IndexError, ValueError):
            raise start_failure(self._home, self._name) from None
        if "code" in answer:
            error = GreenroomError(answer["code"], **answer["params"])
            error.exit_code = int(answer["exit_code"])
            raise error
        result: TaskResult = answer["result"]
        return result
