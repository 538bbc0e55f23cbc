"""The only Python clock, for processes and logs. Decisions take `scope.now`: the database's
`house_now()`."""

import time
import zoneinfo
from datetime import UTC, datetime
from importlib.metadata import version

zoneinfo.reset_tzpath(
    to=()
)  # the locked package, not what a machine happens to have: two would plan apart


def tz_data_version() -> str:
    """The release of the time-zone rules this process plans with."""
    return version("tzdata")


def wall_now() -> datetime:
    """This machine's time, UTC-aware. Not for decisions: those take the scope's clock."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow, for deadlines and durations inside one process."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait in a process loop; never used as a retry."""
    time.sleep(seconds)
