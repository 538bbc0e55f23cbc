"""When a line of a file is to leave, and what is worth knowing about that time. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from foundation.errors import BadInput
from schedules.calendar import FARTHEST, OUT_OF_REACH, WallTime, zone_of
from schedules.imports_rows import Row, Sheet, nearest
from tenants.reads import Creator


def time_of(sheet: Sheet, row: Row, creator: Creator) -> WallTime | None:
    """The time of a line; None, and said, for what is none."""
    zone = row.zone or creator.zone
    try:
        zone_of(zone)
    except BadInput:
        near = nearest(zone, available_timezones())
        code = "import.zone_unknown_near" if near else "import.zone_unknown"
        sheet.say(row.line, "zone", code, zone=zone[:60], near=near)
        return None
    if not row.zone:
        sheet.say(row.line, "zone", "import.zone_taken", grave=False, zone=zone, creator=creator.name)
    if row.day is None or row.clock is None:
        return None
    if not 2000 <= row.day.year <= 2200:  # an instant near the ends of the calendar is in no calendar of another zone
        sheet.say(row.line, "date", OUT_OF_REACH)
        return None
    return WallTime(row.day, row.clock, zone)


def check(sheet: Sheet, line: int, at: WallTime, late: timedelta, now: datetime) -> None:
    """Say of a time that it has passed, is out of reach, or comes never or twice; it may still be `late` by so much."""
    due = at.instant()
    if due + late < now:
        sheet.say(line, "date", "import.past")
    elif due > now + FARTHEST:
        sheet.say(line, "date", OUT_OF_REACH)
    shown = due.astimezone(zone_of(at.zone))
    said: dict[str, str | int] = {"clock": f"{at.clock:%H:%M}", "shown": f"{shown:%H:%M}"}
    if at.moved_by_gap:
        sheet.say(line, "time", "import.clock_skipped", grave=False, **said)
    elif _twice(at):
        sheet.say(line, "time", "import.clock_twice", grave=False, **said)


def _twice(at: WallTime) -> bool:
    """Whether clocks show this hour twice on that day."""
    there = zone_of(at.zone)
    first, second = (datetime.combine(at.day, at.clock.replace(fold=fold), tzinfo=there) for fold in (0, 1))
    return first.astimezone(UTC) < second.astimezone(UTC)  # in a gap it is the other way round
