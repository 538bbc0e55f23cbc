"""Wall-clock time: what people plan in. An instant is derived from it, and derived again when rules
change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from foundation.errors import BadInput


def load_zone(name: str) -> ZoneInfo:
    """The IANA zone. Raises BadInput for a name tzdata does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("calendar.zone_unknown", zone=name[:60]) from error


@dataclass(frozen=True)
class WallTime:
    """A local date and time in an IANA zone, as somebody would say it."""

    day: date
    clock: time
    zone: str

    def instant(self) -> datetime:
        """The UTC instant. In a spring gap the clock is taken as if it had not moved (02:30 → 03:30
        local); in an autumn overlap the first of the two (PEP 495, fold=0). Raises BadInput for a
        zone nobody knows.
        """
        first = self.clock.replace(fold=0)
        return datetime.combine(self.day, first, tzinfo=load_zone(self.zone)).astimezone(UTC)

    @property
    def is_in_dst_gap(self) -> bool:
        """Whether this local time does not exist on that day, so that it is shown with a mark."""
        back = self.instant().astimezone(load_zone(self.zone))
        return (back.date(), back.time()) != (self.day, self.clock.replace(fold=0))

    def __str__(self) -> str:
        whole = not (self.clock.second or self.clock.microsecond)
        return f"{self.day.isoformat()}T{self.clock.isoformat('minutes' if whole else 'auto')}"


def parse_clock_time(text: str) -> time:
    """A clock time from `"10:00"`. Raises BadInput."""
    try:
        found = time.fromisoformat(text)
    except ValueError as error:
        raise BadInput("calendar.clock_unreadable", clock=text[:20]) from error
    if found.tzinfo is not None:
        raise BadInput("calendar.clock_unreadable", clock=text[:20])
    return found


def parse_wall_time(stored: str, zone: str) -> WallTime:
    """The wall time that `str(wall)` wrote."""
    day, clock = stored.split("T")
    return WallTime(date.fromisoformat(day), time.fromisoformat(clock), zone)


def to_wall_time(instant: datetime, zone: str) -> WallTime:
    """What clocks in the zone show at an instant; in an autumn overlap both of two instants show
    the same."""
    local = instant.astimezone(load_zone(zone))
    return WallTime(local.date(), local.time().replace(fold=0), zone)


def local_day(instant: datetime, zone: str) -> date:
    """The local date of a UTC instant."""
    return instant.astimezone(load_zone(zone)).date()


def day_bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """The UTC instants at which a local day begins and the next begins: 23, 24 or 25 hours apart in
    most zones."""
    midnight = time(0, 0)
    return WallTime(day, midnight, zone).instant(), WallTime(
        day + timedelta(days=1), midnight, zone
    ).instant()
