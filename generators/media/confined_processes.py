"""External programs in confined processes: a private folder, no environment, no shell, and limits
on time, memory and disk.

Input is passed in files or in arguments that we build. Output is read from a file, so that neither
side can block on a full pipe.
"""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from generators.contract.engines import EngineError, EngineMissing, EngineUnreachable

MAX_MEMORY = 3 * 2**30
MAX_WRITTEN = 256 * 2**20
"""Limits in bytes on the address space of a process and on the size of each file it writes."""

MAX_OUTPUT = 2**20
"""Maximum number of bytes read from a program's output."""

_TOLD = "told"
_SAID = "said"
_LOG = "log"


def find_program(name: str) -> str:
    """Return the full path of a program, by its name on PATH or its path. Raises EngineMissing if
    it does not exist."""
    found = shutil.which(name)
    if found is None:
        raise EngineMissing("engine.no_program", program=Path(name).name)
    return str(Path(found).resolve())


def run_program(
    name: str, arguments: Sequence[str], *, folder: Path, seconds: float, told: str = ""
) -> str:
    """Run a program in `folder` with `told` as its standard input, and return its output.

    Raises EngineMissing if the program does not exist, EngineUnreachable after `seconds`, and
    EngineError if it fails. No error contains the program's output, which may repeat its input.
    """
    program = find_program(name)
    short = Path(name).name
    (folder / _TOLD).write_text(told, "utf-8")
    with (
        (folder / _TOLD).open("rb") as ear,
        (folder / _SAID).open("wb") as said,
        (folder / _LOG).open("wb") as log,
    ):
        try:
            # Only our own arguments; user input is passed in a file.
            process = subprocess.Popen(  # noqa: S603  see above
                [program, *arguments],
                cwd=folder,
                stdin=ear,
                stdout=said,
                stderr=log,
                env={},
                start_new_session=True,
            )
        except OSError as error:
            raise EngineMissing("engine.no_program", program=short) from error
    limit_resources(process, seconds)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise EngineUnreachable(
            "engine.program_slow", program=short, seconds=round(seconds)
        ) from error
    finally:
        kill_process_group(process)
        process.wait()
    if process.returncode == -signal.SIGXCPU:
        raise EngineUnreachable("engine.program_slow", program=short, seconds=round(seconds))
    if process.returncode != 0:
        raise EngineError("engine.program_failed", program=short, status=process.returncode)
    with (folder / _SAID).open("rb") as answer:
        return answer.read(MAX_OUTPUT).decode("utf-8", "replace")


def limit_resources(
    process: "subprocess.Popen[bytes]", seconds: float, *, threads: int = 2
) -> None:
    """Limit a process that was just started: `seconds` of CPU time on each of `threads` cores,
    memory, and disk."""
    work = int(seconds * threads) + 1
    limits = (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, work),
        (resource.RLIMIT_FSIZE, MAX_WRITTEN),
        (resource.RLIMIT_CORE, 0),
    )
    # The process may have ended already; the caller reads its status.
    with suppress(ProcessLookupError, PermissionError):
        for kind, most in limits:
            resource.prlimit(process.pid, kind, (most, most))


def kill_process_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and its children. Does nothing if the process was already waited for, because
    its group no longer exists."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
