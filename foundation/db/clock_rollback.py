"""Whether the machine's clock was put back: what was written down before stands in a future that is
no more.

The relay looks at the clock at each of its sweeps. What is put back while nothing runs is seen by
as much as the clock is then behind the last look.
"""

from datetime import datetime, timedelta

from foundation.db.database import Scope

SLACK = timedelta(minutes=5)
"""Longer than a fall may go unseen while something is still sent."""


def observe_clock(scope: Scope) -> timedelta | None:
    """Look at the clock, as the relay; by how much it is behind the last look, None when it is
    not."""
    fell: timedelta | None = scope.run("SELECT house_clock_seen()").scalar_one()
    return fell


def rollback_since(scope: Scope, at: datetime) -> timedelta:
    """How far the clock has been put back, in sum, since it may have shown `at` (UTC-aware): too
    much rather than too little, since it shows an hour twice."""
    found: timedelta = scope.run(
        "SELECT coalesce(sum((f ->> 'by')::interval), '0') FROM house_clock, "
        "jsonb_array_elements(falls) f"
        " WHERE (f ->> 'from')::timestamptz >= :at",
        at=at - SLACK,
    ).scalar_one()
    return found
