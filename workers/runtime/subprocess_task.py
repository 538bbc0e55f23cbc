"""One step in a process of its own: what it loads does not stay in the supervisor's memory, and
Ctrl-C ends it."""

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
    """Whether the module of a "module:attr" exists; its errors are its own."""
    return importlib.util.find_spec(path.partition(":")[0]) is not None


def last_log_line(home: InstallationFolder, name: str, lines: int = 1) -> str:
    """The last thing a process said, or the last few lines with a slash between; a dash where it
    said nothing."""
    said = [line.strip() for line in read_log_since(home, name, 0).split("\n") if line.strip()]
    return " / ".join(said[-lines:]) or "-"


def log_size(home: InstallationFolder, name: str) -> int:
    """How many bytes a process and those before it have said."""
    log = home.log_file(name)
    return log.stat().st_size if log.exists() else 0


def read_log_since(home: InstallationFolder, name: str, size: int) -> str:
    """What was said since the log had `size` bytes; all of it where a new log was begun."""
    log = home.log_file(name)
    said = log.read_bytes() if log.exists() else b""
    return said[size if size <= len(said) else 0 :].decode("utf-8", "replace")


def start_failure(home: InstallationFolder, name: str) -> Unavailable:
    """The error for a process that ended at once: the end of its log (Redis names the cause a line
    before)."""
    detail = last_log_line(home, name, 2)
    return Unavailable(
        "stack.did_not_start", name=name, log=str(home.log_file(name)), detail=detail
    )


class SubprocessTask:
    """A function of the house, "module:attr" called with the settings, running once in a child of
    this process.

    It is forked where there is somebody to fork it.
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
        """What the function returned; `waiting` is called ten times a second meanwhile and may
        raise to give up.

        Raises the function's own GreenroomError; Unavailable when it ended without a word or took
        ten minutes.
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
