"""How late a post may still leave: the choices people have, and what each means at an hour.
Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from foundation.ops.wall_time import day_bounds, local_day

DEFAULT_LATE_SPAN = timedelta(minutes=30)
"""Where nobody chooses."""


class LateLimit(StrEnum):
    """What people choose from."""

    FIVE_MINUTES = "5m"
    HALF_AN_HOUR = "30m"
    TWO_HOURS = "2h"
    DAY = "day"  # until its local day is over
    ALWAYS = "always"


_SPANS = {
    LateLimit.FIVE_MINUTES: timedelta(minutes=5),
    LateLimit.HALF_AN_HOUR: DEFAULT_LATE_SPAN,
    LateLimit.TWO_HOURS: timedelta(hours=2),
    LateLimit.DAY: DEFAULT_LATE_SPAN,
    LateLimit.ALWAYS: None,
}


def late_span(choice: LateLimit) -> timedelta | None:
    """So much later it may leave; None for always. Of the end of its day it says nothing: that
    depends on the hour."""
    return _SPANS[choice]


def late_limit_of(late_ok: timedelta | None, *, until_midnight: bool) -> LateLimit | None:
    """The choice that a post has; None for another span, as files bring them."""
    if until_midnight:
        return LateLimit.DAY
    return next(
        (one for one, kept in _SPANS.items() if kept == late_ok and one is not LateLimit.DAY), None
    )


def latest_publish_time(
    late_ok: timedelta | None, due: datetime, zone: str, *, until_midnight: bool
) -> datetime | None:
    """Until when what is due at an instant (UTC-aware) may leave, on the clocks of a zone; None for
    always."""
    if until_midnight:
        return max(day_bounds(local_day(due, zone), zone)[1], due)
    return None if late_ok is None else due + late_ok


def is_too_late(late_until: datetime | None, now: datetime) -> bool:
    """Whether it is too late for what may leave until an instant (UTC-aware; None for always) to
    leave by itself."""
    return late_until is not None and now > late_until
