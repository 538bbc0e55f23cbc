"""What one worker is sending, for another that was handed the same row."""

from datetime import datetime, timedelta

from foundation.database import Scope

MARGIN = timedelta(seconds=20)
"""After the time something may take to leave, until its answer is looked for."""

SOON, SELDOM = timedelta(seconds=2), timedelta(seconds=30)
LONGEST = timedelta(seconds=60)
"""What anything may take to leave: whatever ends later was begun by a clock that has been put back since."""


def again(scope: Scope, deadline: datetime | None) -> timedelta | None:
    """When to come back to what somebody is sending until `deadline`: they may hear "later" and have lost their row.
    None after that, when it is looked for."""
    if deadline is None or scope.now >= deadline + MARGIN:
        return None
    return SOON if deadline - scope.now <= LONGEST else SELDOM
