"""What the running house says of itself: written by its supervisor, read by everybody else."""

from datetime import datetime

from pydantic import BaseModel

from workers import home as places
from workers.home import Home


class ProcessReport(BaseModel):
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


class HouseReport(BaseModel):
    """The whole house; `<home>/run/state.json`, and what `greenroom status --json` prints."""

    phase: str
    """starting, up, stopping or stopped."""
    pid: int | None = None
    addresses: dict[str, str] = {}
    ports: dict[str, int] = {}
    processes: list[ProcessReport] = []

    @property
    def ready(self) -> bool:
        """Whether everything that should run does."""
        return self.phase == "up" and not self.missing

    @property
    def missing(self) -> dict[str, str]:
        """The state of each process that is not ready."""
        return {process.name: process.state for process in self.processes if not process.ready}


def recorded(home: Home) -> HouseReport:
    """The last words of a supervisor, true or not any more."""
    try:
        return HouseReport.model_validate_json(home.state.read_text("utf-8"))
    except (OSError, ValueError):
        return HouseReport(phase="stopped")


def read(home: Home) -> HouseReport:
    """The present state: a supervisor that was killed says nothing any more."""
    found, pid = recorded(home), places.holder(home)
    if pid is None:
        gone = [p.model_copy(update={"state": "stopped", "ready": False, "pid": None}) for p in found.processes]
        return found.model_copy(update={"phase": "stopped", "pid": None, "processes": gone})
    if found.pid != pid:
        return HouseReport(phase="starting", pid=pid)  # the last words are still those of an earlier run
    return found
