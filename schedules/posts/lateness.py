"""Lateness of posts: the choices of users for a late post, and the deadline of each choice.
Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from foundation.ops.wall_time import day_bounds, local_day

DEFAULT_LATE_SPAN = timedelta(minutes=30)
"""Used where no choice is made."""


class LateLimit(StrEnum):
    """The choices of a user."""

    FIVE_MINUTES = "5m"
    HALF_AN_HOUR = "30m"
    TWO_HOURS = "2h"
    DAY = "day"  # until the local day ends
    ALWAYS = "always"


_SPANS = {
    LateLimit.FIVE_MINUTES: timedelta(minutes=5),
    LateLimit.HALF_AN_HOUR: DEFAULT_LATE_SPAN,
    LateLimit.TWO_HOURS: timedelta(hours=2),
    LateLimit.DAY: DEFAULT_LATE_SPAN,
    LateLimit.ALWAYS: None,
}


def late_span(choice: LateLimit) -> timedelta | None:
    """Return the delay that a choice allows; None for always.

    For `DAY` it is only the default: the end of the local day depends on the due time.
    """
    return _SPANS[choice]


def late_limit_of(late_ok: timedelta | None, *, until_midnight: bool) -> LateLimit | None:
    """Return the choice that a post has; None for another span, which an import file can set."""
    if until_midnight:
        return LateLimit.DAY
    return next(
        (one for one, kept in _SPANS.items() if kept == late_ok and one is not LateLimit.DAY), None
    )


def latest_publish_time(
    late_ok: timedelta | None, due: datetime, zone: str, *, until_midnight: bool
) -> datetime | None:
    """Return the last instant (UTC-aware) at which a post due at `due` can be published; None for
    always."""
    if until_midnight:
        return max(day_bounds(local_day(due, zone), zone)[1], due)
    return None if late_ok is None else due + late_ok


def is_too_late(late_until: datetime | None, now: datetime) -> bool:
    """Return True if a delivery has passed its last instant (UTC-aware; None for always)."""
    return late_until is not None and now > late_until
