"""Cost of a start: seconds of the first and the second start, memory at rest, and seconds of
`greenroom --help`."""

import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from foundation.db.connection_pool import IDLE_SECONDS
from foundation.ops import settings
from foundation.ops.clock import monotonic, sleep
from workers.installation.folder import MIB, InstallationFolder
from workers.installation.state_file import read_status
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT
from workers.runtime.subprocess_task import start_failure

PATIENCE_SECONDS = 600.0
REST_SECONDS = IDLE_SECONDS + 15
"""Seconds after the start until memory is read; connections for the start have been closed by then.
"""
HELPS = 5


def measure_startup() -> dict[str, float]:
    """Start an installation twice in a temporary folder; returns seconds and MiB.

    `rss_mib` counts shared pages once per process, `pss_mib` once in total. The virtual environment
    is not part of it. Raises Unavailable if a start fails.
    """
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder:
        home = InstallationFolder(Path(folder) / "home")
        first, _ = _measure_start(home)
        again, memory = _measure_start(home, measured=True)
    return {"up_first_s": first, "up_again_s": again, **memory, "help_s": _time_help()}


def _measure_start(
    home: InstallationFolder, *, measured: bool = False
) -> tuple[float, dict[str, float]]:
    """Start and stop once; returns the seconds until it is up, and its memory."""
    started = monotonic()
    process = spawn_process(
        [sys.executable, "-m", "workers.cli.main", "up", "--no-browser"],
        home.log_file("bench"),
        environment=settings.child_environment(home.folder, code=CODE_ROOT),
        ending=signal.SIGKILL,
    )
    try:
        while not read_status(home).is_ready:
            if process.poll() is not None or monotonic() - started > PATIENCE_SECONDS:
                raise start_failure(home, "bench")
            sleep(0.05)
        seconds = monotonic() - started
        if measured:
            sleep(REST_SECONDS)
        return seconds, _measure_memory(process.pid) if measured else {}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def _measure_memory(supervisor: int) -> dict[str, float]:
    parent = psutil.Process(supervisor)
    memory = [process.memory_full_info() for process in (parent, *parent.children(recursive=True))]
    return {
        "rss_mib": sum(one.rss for one in memory) / MIB,
        "pss_mib": sum(one.pss for one in memory) / MIB,
    }


def _time_help() -> float:
    command = [sys.executable, "-m", "workers.cli.main", "--help"]
    taken = []
    for _ in range(HELPS):
        started = monotonic()
        subprocess.run(  # noqa: S603  our own command
            command, capture_output=True, check=True, cwd=CODE_ROOT
        )
        taken.append(monotonic() - started)
    return statistics.median(taken)
