"""Limits for late posts: the choices of users, and the resulting deadlines. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from foundation.ops.wall_time import day_bounds, local_day

DEFAULT_LATE_SPAN = timedelta(minutes=30)
"""The limit for a late post if none is chosen."""

AT_ONCE = timedelta(minutes=5)
"""A draft due this soon is published as soon as it is approved, so its approver needs more time
than its own limit may leave."""


class LateLimit(StrEnum):
    """The limits that users can choose."""

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
    """Return the delay that a limit allows, or None for no limit.

    For `DAY` this is only the default, because the end of the local day depends on the due time.
    """
    return _SPANS[choice]


def late_limit_of(late_ok: timedelta | None, *, until_midnight: bool) -> LateLimit | None:
    """Return the limit of a post, or None if it is not one of the choices, which is possible for
    imported posts."""
    if until_midnight:
        return LateLimit.DAY
    return next(
        (one for one, kept in _SPANS.items() if kept == late_ok and one is not LateLimit.DAY), None
    )


def latest_publish_time(
    late_ok: timedelta | None, due: datetime, zone: str, *, until_midnight: bool
) -> datetime | None:
    """Return the last instant (UTC-aware) at which a post due at `due` may be published, or None
    for no limit."""
    if until_midnight:
        return max(day_bounds(local_day(due, zone), zone)[1], due)
    return None if late_ok is None else due + late_ok


def approval_deadline(
    late_until: datetime | None, due: datetime, now: datetime, approval_time: timedelta
) -> datetime | None:
    """Return the last instant for the approval and publication of a draft, or None for no limit.

    That is its limit for a late post; for a draft that is due at once and not too late, it is not
    earlier than `approval_time` from now. All times are UTC-aware.
    """
    if late_until is None or is_too_late(late_until, now) or due > now + AT_ONCE:
        return late_until
    return max(late_until, due + approval_time, now + approval_time)


def deadline_after_approval(
    late_until: datetime | None, own_limit: datetime | None
) -> datetime | None:
    """Return the last instant for publishing a draft that was approved: `own_limit`, which counts
    from the approval, but not after the deadline of its approver."""
    if late_until is None or own_limit is None:
        return late_until
    return min(late_until, own_limit)


def is_too_late(late_until: datetime | None, now: datetime) -> bool:
    """Return True if the last instant for publishing has passed.

    `late_until` and `now` are UTC-aware; None means no limit.
    """
    return late_until is not None and now > late_until
