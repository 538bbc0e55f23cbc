"""What the running house says of itself: written by its supervisor, read by everybody else."""

from datetime import datetime

from pydantic import BaseModel

from workers.installation import folder
from workers.installation.folder import InstallationFolder


class ProcessStatus(BaseModel):
    """One process, as the supervisor sees it."""

    name: str
    state: str
    ready: bool
    pid: int | None = None
    born: float | None = None
    """Seconds since 1970: with `pid`, it says whether a process is still the same one."""
    restarts: int = 0
    since: datetime | None = None
    last_exit: int | None = None
    metrics: int | None = None
    """The port of its figures and probes on this machine."""


class InstallationStatus(BaseModel):
    """The whole house; `<home>/run/state.json`, and what `greenroom status --json` prints."""

    phase: str
    """starting, up, stopping or stopped."""
    pid: int | None = None
    addresses: dict[str, str] = {}
    ports: dict[str, int] = {}
    processes: list[ProcessStatus] = []

    @property
    def is_ready(self) -> bool:
        """Whether everything that should run does."""
        return self.phase == "up" and not self.unready_processes

    @property
    def unready_processes(self) -> dict[str, str]:
        """The state of each process that is not ready."""
        return {process.name: process.state for process in self.processes if not process.ready}


def read_recorded_status(home: InstallationFolder) -> InstallationStatus:
    """The last words of a supervisor, true or not any more."""
    try:
        return InstallationStatus.model_validate_json(home.state_file.read_text("utf-8"))
    except (OSError, ValueError):
        return InstallationStatus(phase="stopped")


def read_status(home: InstallationFolder) -> InstallationStatus:
    """The present state: a supervisor that was killed says nothing any more."""
    found = read_recorded_status(home)
    pid = folder.running_supervisor_pid(home)
    if pid is None:
        gone = [
            p.model_copy(update={"state": "stopped", "ready": False, "pid": None})
            for p in found.processes
        ]
        return found.model_copy(update={"phase": "stopped", "pid": None, "processes": gone})
    if found.pid != pid:
        return InstallationStatus(
            phase="starting", pid=pid
        )  # the last words are still those of an earlier run
    return found
