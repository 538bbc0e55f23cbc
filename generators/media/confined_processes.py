"""Programs of others in the box of FFmpeg: a folder of their own, no environment, no shell, an end
to time, memory and disk.

What they are told stands in files or in arguments of ours; what they say is read from a file, so
that none can block the other by a full pipe.
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
"""Bytes of address space, and of one file."""

MAX_OUTPUT = 2**20
"""Bytes read of what a program says."""

_TOLD = "told"
_SAID = "said"
_LOG = "log"


def find_program(name: str) -> str:
    """The full path of a program, by its name on PATH or by its own path. Raises EngineMissing
    without one."""
    found = shutil.which(name)
    if found is None:
        raise EngineMissing("engine.no_program", program=Path(name).name)
    return str(Path(found).resolve())


def run_program(
    name: str, arguments: Sequence[str], *, folder: Path, seconds: float, told: str = ""
) -> str:
    """Run a program to its end in `folder`, `told` at its standard input; returns what it says.

    Raises EngineMissing without the program, EngineUnreachable when its `seconds` are up,
    EngineError when it gave up; its own words, which may repeat what it was told, are in none of
    them.
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
            # our own words; what people wrote comes by a file
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
    """Limit what a process that was just started may take: `seconds` of work on each of so many
    cores, memory, disk."""
    work = int(seconds * threads) + 1
    limits = (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, work),
        (resource.RLIMIT_FSIZE, MAX_WRITTEN),
        (resource.RLIMIT_CORE, 0),
    )
    with suppress(
        ProcessLookupError, PermissionError
    ):  # over already: what it says of itself is read by who waits
        for kind, most in limits:
            resource.prlimit(process.pid, kind, (most, most))


def kill_process_group(process: "subprocess.Popen[bytes]") -> None:
    """End it and all it started; one that has been waited for has no group any more."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
