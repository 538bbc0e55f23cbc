"""The process clock, for process loops and logs. Decisions use `scope.now`, the database's
`house_now()`."""

import time
import zoneinfo
from datetime import UTC, datetime
from importlib.metadata import version

zoneinfo.reset_tzpath(
    to=()
)  # Uses the locked tzdata package, not the system's: two machines must plan alike.


def tz_data_version() -> str:
    """Return the release of the time zone rules of this process."""
    return version("tzdata")


def wall_now() -> datetime:
    """Return the system time, UTC-aware. Decisions use the scope's clock instead."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that only increase, for deadlines and durations within a process."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Sleep in a process loop; never used for retries."""
    time.sleep(seconds)
