"""The start hour of each test module, and the reset of the database clock to it."""

import os
from calendar import monthrange
from datetime import UTC, datetime

from sqlalchemy import create_engine, text

from foundation.ops.clock import wall_now

HOUR = int(os.environ.get("GREENROOM_TEST_HOUR", "10"))
"""The hour at which each module starts. Another value, tried now and then, finds tests that pass
only before noon."""

DAY = int(os.environ.get("GREENROOM_TEST_DAY", "0"))
"""The day of the month on which each module starts, limited to the length of the month; 0 is today.
The first and the last day find tests that pass only in the middle of a month."""

DAYS = (
    f"(least({DAY}, extract(day FROM date_trunc('month', today) + interval '1 month - 1 "
    "day')::int) - 1)"
)
AT_THE_HOUR = f"""
UPDATE house_clock SET shift =
{f"date_trunc('month', today) + {DAYS} * interval '1 d'" if DAY else "today"}
  + interval '{HOUR} h' - (house_now() - shift)
FROM (SELECT date_trunc('day', house_now() - shift, 'UTC') AS today FROM house_clock) now
"""
"""Sets the clock to today at `HOUR`. Edges of a day are tested deliberately, not because a run is
at night."""


_began: list[datetime] = []


def module_start_time() -> datetime:
    """Return the database time at which this module started. It is read once, since the machine's
    day may end during the module. While tests are collected, return the time at which the module
    will start."""
    if _began:
        return _began[-1]
    now = wall_now()
    day = min(DAY, monthrange(now.year, now.month)[1]) or now.day
    return now.replace(day=day, hour=HOUR, minute=0, second=0, microsecond=0)


def reset_database_clock(url: str) -> None:
    """Reset the clock of a database to the start hour, delete its agencies and mark the removal
    form as reachable.

    The copied cluster may be hours old, and content for adults is published only within an hour of
    a sign of the removal form.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(AT_THE_HOUR))
        connection.execute(
            text("UPDATE house_clock SET seen_at = NULL, falls = '[]'")
        )  # the reset is no clock rollback
        _began[:] = [connection.execute(text("SELECT house_now()")).scalar_one().astimezone(UTC)]
        connection.execute(text("UPDATE intake_beats SET seen_at = people_now()"))
        connection.execute(
            text("DELETE FROM agencies")
        )  # nothing refers to them: jobs for all agencies find no others
    engine.dispose()
