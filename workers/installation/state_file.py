"""Status of a running installation: written by its supervisor, read by commands."""

from datetime import datetime

from pydantic import BaseModel

from workers.installation import folder
from workers.installation.folder import InstallationFolder


class ProcessStatus(BaseModel):
    """The status of one process, as the supervisor sees it."""

    name: str
    state: str
    ready: bool
    pid: int | None = None
    born: float | None = None
    """Start time in seconds since 1970; with `pid` it identifies a process."""
    restarts: int = 0
    since: datetime | None = None
    last_exit: int | None = None
    metrics: int | None = None
    """The local port of its metrics and probes."""


class InstallationStatus(BaseModel):
    """The status of the installation: `<home>/run/state.json`, printed by `greenroom status
    --json`."""

    phase: str
    """One of starting, up, stopping and stopped."""
    pid: int | None = None
    addresses: dict[str, str] = {}
    ports: dict[str, int] = {}
    processes: list[ProcessStatus] = []

    @property
    def is_ready(self) -> bool:
        """True if every process that should run is ready."""
        return self.phase == "up" and not self.unready_processes

    @property
    def unready_processes(self) -> dict[str, str]:
        """The state of each process that is not ready, by name."""
        return {process.name: process.state for process in self.processes if not process.ready}


def read_recorded_status(home: InstallationFolder) -> InstallationStatus:
    """Return the last status that a supervisor wrote; it may be outdated."""
    try:
        return InstallationStatus.model_validate_json(home.state_file.read_text("utf-8"))
    except (OSError, ValueError):
        return InstallationStatus(phase="stopped")


def read_status(home: InstallationFolder) -> InstallationStatus:
    """Return the current status. A killed supervisor leaves its last status, so the lock
    decides."""
    found = read_recorded_status(home)
    pid = folder.running_supervisor_pid(home)
    if pid is None:
        gone = [
            p.model_copy(update={"state": "stopped", "ready": False, "pid": None})
            for p in found.processes
        ]
        return found.model_copy(update={"phase": "stopped", "pid": None, "processes": gone})
    if found.pid != pid:
        # The file is still that of an earlier run.
        return InstallationStatus(phase="starting", pid=pid)
    return found
