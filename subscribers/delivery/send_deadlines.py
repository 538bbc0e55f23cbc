"""What one worker is sending, for another that was handed the same row."""

from datetime import datetime, timedelta

from foundation.db.database import Scope

SEND_MARGIN = timedelta(seconds=20)
"""After the time something may take to leave, until its answer is looked for."""

RECHECK_BOUNDS = timedelta(seconds=2)
SELDOM = timedelta(seconds=30)
MAX_SEND_TIME = timedelta(seconds=60)
"""What anything may take to leave: whatever ends later was begun by a clock that has been put back
since."""


def next_check_time(scope: Scope, deadline: datetime | None) -> timedelta | None:
    """When to come back to what somebody is sending until `deadline`: they may hear "later" and
    have lost their row. None after that, when it is looked for."""
    if deadline is None or scope.now >= deadline + SEND_MARGIN:
        return None
    return RECHECK_BOUNDS if deadline - scope.now <= MAX_SEND_TIME else SELDOM
