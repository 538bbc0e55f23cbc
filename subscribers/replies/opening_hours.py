"""Opening hours of a creator's team: the weekly hours in which a person answers. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from foundation.errors import BadInput

MAX_PERIODS = 21
"""Maximum number of periods: three a day."""

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, order=True)
class OpeningHours:
    """A weekly period: `weekday` from 0 (Monday) to 6, local start and end. An end at or before the
    start is on the next day."""

    weekday: int
    start: time
    end: time

    def to_json(self) -> dict[str, Any]:
        """Return the period as JSON values."""
        return {
            "weekday": self.weekday,
            "start": self.start.strftime("%H:%M"),
            "end": self.end.strftime("%H:%M"),
        }

    def __str__(self) -> str:
        return f"{self.weekday} {self.start:%H:%M}-{self.end:%H:%M}"


def parse_opening_hours(stored: Iterable[Mapping[str, Any]]) -> tuple[OpeningHours, ...]:
    """Return the periods of JSON values, sorted. Raises BadInput for an invalid one."""
    found = {
        OpeningHours(_parse_weekday(one), parse_clock(one["start"]), parse_clock(one["end"]))
        for one in stored
    }
    if len(found) > MAX_PERIODS:
        raise BadInput("persona.too_many_hours", most=MAX_PERIODS)
    return tuple(sorted(found))


def parse_clock(text: str) -> time:
    """Return the time of "HH:MM". Raises BadInput."""
    found = _CLOCK.fullmatch(str(text).strip())
    if found is None:
        raise BadInput("persona.bad_clock")
    return time(int(found[1]), int(found[2]))


def _parse_weekday(one: Mapping[str, Any]) -> int:
    weekday = one["weekday"]
    if not isinstance(weekday, int) or not 0 <= weekday <= 6:
        raise BadInput("persona.bad_clock")
    return weekday


def is_open(hours: Iterable[OpeningHours], now: datetime, zone: ZoneInfo) -> bool:
    """Return True if a person answers at `now` (UTC-aware)."""
    return any(start <= now < end for start, end in _periods_around(hours, now, zone))


def next_opening(hours: Iterable[OpeningHours], now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the next start of a period after `now` in the zone, or None without hours."""
    later = [start for start, _ in _periods_around(hours, now, zone) if start > now]
    return min(later, default=None)


def closing_time(hours: Iterable[OpeningHours], now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the period that is open at `now`, the latest if several overlap, or None if
    none is open."""
    ends = [end for start, end in _periods_around(hours, now, zone) if start <= now < end]
    return max(ends, default=None)


def _periods_around(
    hours: Iterable[OpeningHours], now: datetime, zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    """Return the periods that start between yesterday and a week from now, as local times."""
    known = tuple(hours)
    today = now.astimezone(zone).date()
    found = []
    for offset in range(-1, 8):
        day = today + timedelta(days=offset)
        for one in known:
            if one.weekday == day.weekday():
                last = day if one.end > one.start else day + timedelta(days=1)
                found.append(
                    (
                        datetime.combine(day, one.start, zone),
                        datetime.combine(last, one.end, zone),
                    )
                )
    return found
