"""The hour each module of tests begins at, and the house clock that is put back to it."""

import os
from calendar import monthrange
from datetime import UTC, datetime

from sqlalchemy import create_engine, text

from foundation.ops.clock import wall_now

HOUR = int(os.environ.get("GREENROOM_TEST_HOUR", "10"))
"""The hour each module begins at; another one, tried now and then, finds the tests that hold only
before noon."""

DAY = int(os.environ.get("GREENROOM_TEST_DAY", "0"))
"""The day of this month each module begins on, or its last where it has no such day; 0 is today.
The first and the last find the tests that hold only in the middle of a month."""

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
"""Today at ten in the morning: what has a day's edge in it is tried on purpose, not because the run
is at night."""


_began: list[datetime] = []


def module_start_time() -> datetime:
    """What the house clock said when this module began: asked of it once, since the machine's day
    may end meanwhile. What it will say, while tests are still collected."""
    if _began:
        return _began[-1]
    now = wall_now()
    day = min(DAY, monthrange(now.year, now.month)[1]) or now.day
    return now.replace(day=day, hour=HOUR, minute=0, second=0, microsecond=0)


def reset_database_clock(url: str) -> None:
    """Put the house clock of a database back to the hour modules begin at, with no agency left and
    the form of removals just reached.

    The cluster that is copied may have been made hours ago, and what is for adults leaves for an
    hour after a sign.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(AT_THE_HOUR))
        connection.execute(
            text("UPDATE house_clock SET seen_at = NULL, falls = '[]'")
        )  # that was no fall
        _began[:] = [connection.execute(text("SELECT house_now()")).scalar_one().astimezone(UTC)]
        connection.execute(text("UPDATE intake_beats SET seen_at = people_now()"))
        connection.execute(
            text("DELETE FROM agencies")
        )  # nothing refers to them: whoever asks for all finds no other
    engine.dispose()
