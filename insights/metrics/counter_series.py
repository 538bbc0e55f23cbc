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
"""Share of the earlier value at which the next reading proves that a fall was a failed reading."""


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

    A decrease is a negative change, because platforms remove false likes. A reading that falls to
    almost nothing and recovers is left out. A fall that lasts, or another ID of the post, starts a
    new epoch at zero. Raises BadInput for an unknown time zone.
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
    kept: list[CounterReading] = []
    for place, reading in enumerate(ordered):
        after = ordered[place + 1] if place + 1 < len(ordered) else None
        if (
            kept
            and after is not None
            and _has_collapsed(kept[-1], reading)
            and after.value >= kept[-1].value * RECOVERED_SHARE
        ):
            continue
        kept.append(reading)
    return kept


def _has_collapsed(previous: CounterReading, reading: CounterReading) -> bool:
    return (
        previous.value >= RESET_MINIMUM
        and reading.value < previous.value * RESET_SHARE
        and not reading.typed  # a member corrects an entry
    )


def _starts_epoch(previous: CounterReading, reading: CounterReading) -> bool:
    both = previous.native_id and reading.native_id
    return bool(both and previous.native_id != reading.native_id) or _has_collapsed(
        previous, reading
    )


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
