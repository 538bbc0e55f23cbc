"""Deadlines of sends in progress, for another worker that receives the same outbox row."""

from datetime import datetime, timedelta

from foundation.db.database import Scope

SEND_MARGIN = timedelta(seconds=20)
"""Time after the deadline of a send from which its outcome is looked up."""

RECHECK_BOUNDS = timedelta(seconds=2)
SELDOM = timedelta(seconds=30)
MAX_SEND_TIME = timedelta(seconds=60)
"""Longest duration of a send. A deadline further ahead was set before the clock was moved back."""


def next_check_time(scope: Scope, deadline: datetime | None) -> timedelta | None:
    """Return the delay before a send in progress is checked again, because its worker may retry
    later and lose its row.

    Return None once the outcome is looked up instead.
    """
    if deadline is None or scope.now >= deadline + SEND_MARGIN:
        return None
    return RECHECK_BOUNDS if deadline - scope.now <= MAX_SEND_TIME else SELDOM
