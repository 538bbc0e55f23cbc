"""The counter of a post as signed changes per local day, computed from all its readings.

The result depends on the set of readings alone, not on the order in which they arrived. Its days
add up to the latest value, plus the last values before resets, minus a first value that is too old
to belong to a day.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from foundation.ops.wall_time import day_bounds, local_day

TRACKED_WITHIN = timedelta(hours=30)
"""Age up to which a first reading counts for its day: 24 hours and the drift of a reading."""

MAX_GAP = timedelta(hours=36)
"""Interval between two readings up to which the change counts for the day of the second one. The
change of a longer interval is spread over its local days."""

RESET_MINIMUM = 100
RESET_SHARE = 0.1
"""A counter of at least `RESET_MINIMUM` that falls below this share of its value was reset by the
platform. Smaller counters fall to zero by themselves."""

RECOVERED_SHARE = 0.5
"""Share of the earlier value at which a reading proves that the low ones before it failed."""


@dataclass(frozen=True)
class CounterReading:
    """A value of a counter; `age_hours` is the age of the post. `native_id` is the ID of the post
    on the platform, "" if unknown; `typed` values were entered by a member."""

    value: int
    observed_at: datetime
    age_hours: int
    native_id: str = ""
    typed: bool = False


@dataclass(frozen=True)
class DayChange:
    """The change on a local day; `interpolated` if a part of it is a share of a longer interval."""

    value: int
    interpolated: bool


@dataclass(frozen=True)
class CounterSeries:
    """The counter by day: sum(days) = latest + earlier_epochs - before_tracking."""

    days: Mapping[date, DayChange]
    latest: int
    observed_at: datetime
    before_tracking: int = 0
    earlier_epochs: int = 0


def compute_counter_series(readings: Iterable[CounterReading], zone: str) -> CounterSeries | None:
    """Return the changes per local day in the IANA time zone `zone`, or None without readings.

    A decrease is a negative change, because platforms remove false likes. Readings that fall to
    almost nothing before the counter comes back are left out. A fall that lasts, or another ID of
    the post, starts a new epoch at zero. Raises BadInput for an unknown time zone.
    """
    ordered = _drop_failed_readings(sorted(readings, key=_chronological))
    if not ordered:
        return None
    first = ordered[0]
    began = first.observed_at - timedelta(hours=first.age_hours)
    is_tracked = first.typed or timedelta(hours=first.age_hours) <= TRACKED_WITHIN
    days = _DaySums(zone)
    if is_tracked:
        days.add(first.value, began, first.observed_at)
    earlier = 0
    for previous, reading in pairwise(ordered):
        change = reading.value - previous.value
        if _starts_epoch(previous, reading):
            earlier += previous.value
            change = reading.value
        days.add(change, previous.observed_at, reading.observed_at)
    return CounterSeries(
        days.changes(),
        ordered[-1].value,
        ordered[-1].observed_at,
        before_tracking=0 if is_tracked else first.value,
        earlier_epochs=earlier,
    )


def _chronological(reading: CounterReading) -> tuple[datetime, int, int]:
    return reading.observed_at, reading.age_hours, reading.value


def _drop_failed_readings(ordered: Sequence[CounterReading]) -> list[CounterReading]:
    failed = find_failed_values(
        [reading.value for reading in ordered],
        # A member's entry and another ID of the post start a new count and never failed.
        trusted=[
            reading.typed or _has_other_id(previous, reading)
            for previous, reading in pairwise([ordered[0], *ordered])
        ]
        if ordered
        else [],
    )
    return [reading for place, reading in enumerate(ordered) if place not in failed]


def find_failed_values(values: Sequence[int], trusted: Sequence[bool] = ()) -> frozenset[int]:
    """Return the places of the values of a counter, in order of time, that a platform reported by
    mistake: any number of them that fall to almost nothing before the counter comes back at once.

    A counter that was really reset grows step by step instead. The values at the end stay, because
    only later ones show whether a fall lasts, and so do values that are `trusted`.
    """
    failed: set[int] = set()
    last = 0
    place = 1
    while place < len(values):
        end = place
        while (
            end < len(values)
            and _has_fallen(values[last], values[end])
            and not (trusted and trusted[end])
        ):
            end += 1
        recovered = end < len(values) and values[end] >= values[last] * RECOVERED_SHARE
        if end > place and recovered and not (trusted and trusted[end]):
            failed.update(range(place, end))
        last = max(end, place) if recovered or end == place else end - 1
        place = last + 1
    return frozenset(failed)


def _has_fallen(before: int, value: int) -> bool:
    return before >= RESET_MINIMUM and value < before * RESET_SHARE


def _has_collapsed(previous: CounterReading, reading: CounterReading) -> bool:
    # A member who types a low value corrects an entry.
    return _has_fallen(previous.value, reading.value) and not reading.typed


def _has_other_id(previous: CounterReading, reading: CounterReading) -> bool:
    both = previous.native_id and reading.native_id
    return bool(both) and previous.native_id != reading.native_id


def _starts_epoch(previous: CounterReading, reading: CounterReading) -> bool:
    return _has_other_id(previous, reading) or _has_collapsed(previous, reading)


class _DaySums:
    """Changes by local day, while they are added up."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.sums: defaultdict[date, int] = defaultdict(int)
        self.spread: set[date] = set()

    def add(self, change: int, start: datetime, end: datetime) -> None:
        """Add a change to its days, in proportion to the time of each. The parts add up to it."""
        day = local_day(start, self.zone)
        last = local_day(end, self.zone)
        if end - start <= MAX_GAP or day == last:
            self.sums[last] += change
            return
        whole = (end - start) // timedelta(microseconds=1)
        before = 0
        while day <= last:
            until = min(day_bounds(day, self.zone)[1], end)
            upto = change * ((until - start) // timedelta(microseconds=1)) // whole
            if upto != before:
                self.sums[day] += upto - before
                self.spread.add(day)
            before = upto
            day += timedelta(days=1)

    def changes(self) -> Mapping[date, DayChange]:
        """Return the days with a change, oldest first."""
        return {
            day: DayChange(self.sums[day], day in self.spread)
            for day in sorted(self.sums)
            if self.sums[day]
        }
