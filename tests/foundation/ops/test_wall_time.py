"""Wall-clock times in all time zones, over ten years of clock changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from foundation.ops.wall_time import (
    WallTime,
    day_bounds,
    load_zone,
    local_day,
    parse_clock_time,
    parse_wall_time,
    to_wall_time,
)

ZONES = sorted(
    zone
    for zone in available_timezones()
    if "/" in zone and not zone.startswith(("posix/", "right/"))
)
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2034, 1, 1, tzinfo=UTC)
DAYS = st.dates(date(2024, 1, 1), date(2033, 12, 31))
CLOCKS = st.times().map(lambda clock: clock.replace(microsecond=0, fold=0))
MINUTE = timedelta(minutes=1)


@cache
def transitions(zone: str) -> tuple[datetime, ...]:
    """The instants at which the zone's offset changes, to the second."""
    found, step, at = [], timedelta(days=7), FIRST
    there = ZoneInfo(zone)
    while at < LAST:
        if at.astimezone(there).utcoffset() != (at + step).astimezone(there).utcoffset():
            found += list(_inside(there, at, at + step))
        at += step
    return tuple(found)


def _inside(there: ZoneInfo, low: datetime, high: datetime) -> Iterator[datetime]:
    before, after = low.astimezone(there).utcoffset(), high.astimezone(there).utcoffset()
    if before == after:
        return
    if high - low <= timedelta(seconds=1):
        yield high
        return
    middle = low + (high - low) / 2
    middle = middle.replace(microsecond=0)
    yield from _inside(there, low, middle)
    yield from _inside(there, middle, high)


def offset(instant: datetime, zone: str) -> timedelta:
    found = instant.astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return found


def test_clock_changes_of_all_zones_resolve() -> None:
    """In a gap, the time is that of a clock that had not moved; in an overlap, it is the first of
    the two instants."""
    seen = {"gap": 0, "overlap": 0}
    for zone in ZONES:
        for change in transitions(zone):
            before, after = offset(change - MINUTE, zone), offset(change, zone)
            middle = (change + (before + after) / 2).replace(
                tzinfo=None
            )  # Within the missing or repeated hour.
            wall = WallTime(middle.date(), middle.time(), zone)
            assert wall.instant() == (middle - before).replace(tzinfo=UTC), (zone, change)
            gap = after > before
            assert wall.is_in_dst_gap is gap, (zone, change)
            if gap:
                assert wall.instant() >= change
            else:
                assert wall.instant() < change
            seen["gap" if gap else "overlap"] += 1
    assert min(seen.values()) > 1000, seen


def test_days_are_contiguous_in_all_zones() -> None:
    for zone in ZONES:
        for change in transitions(zone):
            day = local_day(change, zone)
            for each in (day - timedelta(days=1), day, day + timedelta(days=1)):
                start, end = day_bounds(each, zone)
                assert day_bounds(each + timedelta(days=1), zone)[0] == end
                assert timedelta(hours=22) <= end - start <= timedelta(hours=26), (zone, each)
                assert local_day(start, zone) == each
                assert local_day(end - timedelta(microseconds=1), zone) == each


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_paris_days_have_23_to_25_hours(day: date, hours: int) -> None:
    start, end = day_bounds(day, "Europe/Paris")
    assert end - start == timedelta(hours=hours)


def test_time_in_gap_is_marked_and_moves_one_hour() -> None:
    wall = WallTime(date(2026, 3, 29), time(2, 30), "Europe/Paris")
    assert wall.instant() == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert wall.is_in_dst_gap
    assert str(to_wall_time(wall.instant(), "Europe/Paris")) == "2026-03-29T03:30"


def test_repeated_time_resolves_to_first_instant() -> None:
    first = WallTime(date(2026, 10, 25), time(2, 30), "Europe/Paris")
    second = WallTime(date(2026, 10, 25), time(2, 30, fold=1), "Europe/Paris")
    assert first.instant() == second.instant() == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert not second.is_in_dst_gap


@given(DAYS, CLOCKS, st.sampled_from(ZONES))
def test_wall_time_round_trips_as_text(day: date, clock: time, zone: str) -> None:
    wall = WallTime(day, clock, zone)
    assert parse_wall_time(str(wall), zone) == wall
    assert len(str(wall)) == (16 if clock.second == 0 else 19)


# The test adds the time zone.
@given(st.datetimes(datetime(2024, 1, 1), datetime(2033, 12, 31)), st.sampled_from(ZONES))  # noqa: DTZ001  see above
def test_instant_is_within_its_local_day(naive: datetime, zone: str) -> None:
    instant = naive.replace(tzinfo=UTC)
    start, end = day_bounds(local_day(instant, zone), zone)
    assert start <= instant < end


# The test adds the time zone.
@given(st.datetimes(datetime(2024, 1, 1), datetime(2033, 12, 31)), st.sampled_from(ZONES))  # noqa: DTZ001  see above
def test_wall_time_of_instant_is_equivalent_or_first_of_overlap(naive: datetime, zone: str) -> None:
    instant = naive.replace(tzinfo=UTC)
    back = to_wall_time(instant, zone)
    assert not back.is_in_dst_gap
    assert back.instant() <= instant <= back.instant() + timedelta(hours=2)
    assert to_wall_time(back.instant(), zone) == back


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../../etc/passwd", "Europe", "Europe/Paris\0", "a" * 300]
)
def test_unknown_zone_is_rejected(name: str) -> None:
    with pytest.raises(BadInput) as told:
        load_zone(name)
    assert told.value.message.code == "calendar.zone_unknown"


@pytest.mark.parametrize(
    "text", ["", "25:00", "10", "10:00+02:00", "10:00Z", "ten", "10:61", "10:00; DROP TABLE"]
)
def test_invalid_clock_time_is_rejected(text: str) -> None:
    if text == "10":
        assert parse_clock_time(text) == time(10, 0)
        return
    with pytest.raises(BadInput):
        parse_clock_time(text)
