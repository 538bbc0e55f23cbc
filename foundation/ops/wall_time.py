"""Wall-clock times, in which users plan. The UTC instant is derived and recomputed when rules
change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from foundation.errors import BadInput


def load_zone(name: str) -> ZoneInfo:
    """Return an IANA time zone. Raises BadInput for an unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("calendar.zone_unknown", zone=name[:60]) from error


@dataclass(frozen=True)
class WallTime:
    """A local date and time in an IANA time zone."""

    day: date
    clock: time
    zone: str

    def instant(self) -> datetime:
        """Return the UTC instant.

        In a spring gap the time is shifted forward (02:30 becomes 03:30 local). In an autumn
        overlap it is the first of the two (PEP 495, fold=0). Raises BadInput for an unknown time
        zone.
        """
        first = self.clock.replace(fold=0)
        return datetime.combine(self.day, first, tzinfo=load_zone(self.zone)).astimezone(UTC)

    @property
    def is_in_dst_gap(self) -> bool:
        """Return True if this local time does not exist on that day; pages mark it."""
        back = self.instant().astimezone(load_zone(self.zone))
        return (back.date(), back.time()) != (self.day, self.clock.replace(fold=0))

    def __str__(self) -> str:
        whole = not (self.clock.second or self.clock.microsecond)
        return f"{self.day.isoformat()}T{self.clock.isoformat('minutes' if whole else 'auto')}"


def parse_clock_time(text: str) -> time:
    """Parse a clock time such as `"10:00"`. Raises BadInput."""
    try:
        found = time.fromisoformat(text)
    except ValueError as error:
        raise BadInput("calendar.clock_unreadable", clock=text[:20]).about("clock") from error
    if found.tzinfo is not None:
        raise BadInput("calendar.clock_unreadable", clock=text[:20]).about("clock")
    return found


def parse_wall_time(stored: str, zone: str) -> WallTime:
    """Parse the result of `str(wall)`."""
    day, clock = stored.split("T")
    return WallTime(date.fromisoformat(day), time.fromisoformat(clock), zone)


def to_wall_time(instant: datetime, zone: str) -> WallTime:
    """Return the local time of an instant; in an autumn overlap two instants have the same one."""
    local = instant.astimezone(load_zone(zone))
    return WallTime(local.date(), local.time().replace(fold=0), zone)


def local_day(instant: datetime, zone: str) -> date:
    """Return the local date of a UTC instant."""
    return instant.astimezone(load_zone(zone)).date()


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the UTC instants of the start and end of a local day, usually 23, 24 or 25 hours
    apart."""
    midnight = time(0, 0)
    return WallTime(day, midnight, zone).instant(), WallTime(
        day + timedelta(days=1), midnight, zone
    ).instant()
