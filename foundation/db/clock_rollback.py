"""Detection of a clock that was set back, which leaves stored times in the future.

The relay checks the clock at each sweep. A rollback while nothing runs is detected only by the
amount by which the clock is then behind the last check.
"""

from datetime import datetime, timedelta

from foundation.db.database import Scope

SLACK = timedelta(minutes=5)
"""Tolerance, longer than a rollback can remain undetected while posts are still being sent."""


def observe_clock(scope: Scope) -> timedelta | None:
    """Check the clock, under the role of the relay. Return the amount by which it is behind the
    last check, or None."""
    fell: timedelta | None = scope.run("SELECT house_clock_seen()").scalar_one()
    return fell


def rollback_since(scope: Scope, at: datetime) -> timedelta:
    """Return the total rollback of the clock since it may have shown `at` (UTC-aware).

    After a rollback the clock shows some times twice, so the result may be too large but never too
    small.
    """
    found: timedelta = scope.run(
        "SELECT coalesce(sum((f ->> 'by')::interval), '0') FROM house_clock, "
        "jsonb_array_elements(falls) f"
        " WHERE (f ->> 'from')::timestamptz >= :at",
        at=at - SLACK,
    ).scalar_one()
    return found
