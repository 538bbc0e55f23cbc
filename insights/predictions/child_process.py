"""Functions that run in a child process, which loads the packages of the extra `analysis` and ends
with the job.

A server process never imports them: they take seconds to load and hundreds of megabytes of memory.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foundation.errors import BadInput, GreenroomError, Refused, Unavailable
from foundation.ops import telemetry
from foundation.ops.settings import public_environment
from generators.media.confined_processes import kill_process_group, limit_resources
from insights.predictions.analysis_packages import (
    ReportProgress,
    find_packages,
    ignore_progress,
    install_packages,
    is_installed,
)

THREADS = 2
"""Cores that the process may use: work is divided among processes, because threads of one process
wait for each other on a busy machine."""

DEFAULT_SECONDS = 300.0
MAX_RESULT = 64 * 2**20
"""Maximum size of a result in bytes."""

_CODE = Path(__file__).resolve().parents[2]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ERRORS = {"BadInput": BadInput, "Refused": Refused, "Unavailable": Unavailable}

log = telemetry.get_logger("insights.predictions.child_process")


def run_in_child(
    function: str,
    payload: Mapping[str, object],
    *,
    home: Path,
    seconds: float = DEFAULT_SECONDS,
    report: ReportProgress = ignore_progress,
    needs_packages: bool = True,
) -> Any:
    """Return the result of `function` ("module:attr"), called with `payload` in a new process.

    Payload and result are values of JSON. The process has no secrets in its environment, at most
    `seconds` of time and the limits of `confined_processes`. The packages are installed first if
    they are missing, unless `needs_packages` is False; `report` receives the progress.

    Raises the GreenroomError of the function, or Unavailable if the packages cannot be installed,
    the process fails or its time is over.
    """
    if needs_packages:
        packages: Path | None = install_packages(home, report)
    else:
        packages = find_packages(home) if is_installed(home) else None
    with tempfile.TemporaryDirectory(prefix="greenroom-analysis-") as name:
        folder = Path(name)
        (folder / "payload").write_text(json.dumps(payload), "utf-8")
        status = _run_process(function, folder, packages, seconds)
        return _read_result(function, folder / "result", status)


def _run_process(function: str, folder: Path, packages: Path | None, seconds: float) -> int:
    """Run the child and return its exit status. Raises Unavailable after `seconds`."""
    with (folder / "log").open("wb") as written:
        process = subprocess.Popen(  # noqa: S603  our own arguments
            [
                sys.executable,
                "-m",
                "insights.predictions.child_main",
                function,
                str(packages or ""),
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env=_child_environment(),
            start_new_session=True,
        )
        limit_resources(process, seconds, threads=THREADS)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Unavailable("analysis.slow", seconds=round(seconds)) from error
        finally:
            kill_process_group(process)
            process.wait()


def _child_environment() -> dict[str, str]:
    """Return an environment without secrets, in which numerical libraries use one thread."""
    threads = dict.fromkeys(_THREAD_VARIABLES, "1")
    return public_environment() | threads | {"PYTHONPATH": str(_CODE)}


def _read_result(function: str, file: Path, status: int) -> Any:
    """Return the result. Raises the error of the function, or Unavailable without a result."""
    if status != 0 or not file.exists() or file.stat().st_size > MAX_RESULT:
        log.warning("analysis.failed", function=function, status=status)
        raise Unavailable("analysis.failed", status=status)
    answer = json.loads(file.read_text("utf-8"))
    if "error" in answer:
        kind: type[GreenroomError] = _ERRORS.get(answer["error"], GreenroomError)
        raise kind(answer["code"], **answer["params"])
    if "failure" in answer:
        log.warning("analysis.failed", function=function, error=answer["failure"])
        raise Unavailable("analysis.failed", status=os.EX_SOFTWARE)
    return answer["result"]
