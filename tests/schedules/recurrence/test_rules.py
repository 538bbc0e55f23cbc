"""Recurrence rules: local dates compared with dateutil, and instants in every time zone over ten
years."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput
from foundation.ops.wall_time import local_day
from schedules.recurrence.rules import (
    WEEKS_OF_MONTH,
    Recurrence,
    RecurrenceRule,
    RecurrenceUnit,
    find_crowded_time,
    parse_recurrence_rule,
)

DAYS = st.dates(date(2024, 1, 1), date(2033, 12, 31))
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0, fold=0))
ENDS = st.none() | st.integers(1, 60) | DAYS
STEPS = st.integers(1, 14)
ZONES = sorted(available_timezones())
FIRST, LAST = date(2024, 1, 1), date(2034, 1, 1)


@st.composite
def rules(draw: st.DrawFn) -> RecurrenceRule:
    every, end, interval = draw(st.sampled_from(RecurrenceUnit)), draw(ENDS), draw(STEPS)
    if every is RecurrenceUnit.WEEK:
        return RecurrenceRule(
            every, end, interval, weekdays=tuple(sorted(draw(st.sets(st.integers(0, 6)))))
        )
    if every is RecurrenceUnit.MONTH and draw(st.booleans()):
        days = tuple(sorted(draw(st.sets(st.integers(1, 31), min_size=1, max_size=6))))
        return RecurrenceRule(every, end, interval, month_days=days, or_last=draw(st.booleans()))
    if every is RecurrenceUnit.MONTH and draw(st.booleans()):
        return RecurrenceRule(
            every,
            end,
            interval,
            weekdays=(draw(st.integers(0, 6)),),
            which=draw(st.sampled_from(WEEKS_OF_MONTH)),
        )
    return RecurrenceRule(every, end, interval)


@given(rules())
def test_recurrence_rule_round_trips(rule: RecurrenceRule) -> None:
    assert parse_recurrence_rule(str(rule)) == rule


@given(rules(), DAYS)
def test_dates_match_dateutil(rule: RecurrenceRule, starts_on: date) -> None:
    ours = list(islice(Recurrence(rule, starts_on, time(10), "UTC").dates(), 40))
    unsaid = rule.every is RecurrenceUnit.MONTH and not rule.month_days and rule.which is None
    text = str(rule) + (f";BYMONTHDAY={starts_on.day}" if unsaid else "")
    theirs = [
        one.date() for one in islice(rrulestr(f"DTSTART:{starts_on:%Y%m%d}\nRRULE:{text}"), 40)
    ]
    assert ours == theirs


@given(rules(), DAYS, st.integers(0, 40))
def test_recurrence_is_split_without_loss(
    rule: RecurrenceRule, starts_on: date, place: int
) -> None:
    whole = Recurrence(rule, starts_on, time(10), "Europe/Paris")
    dates = list(islice(whole.dates(), 60))
    if place >= len(dates):
        return
    day = dates[place]
    before, after = whole.dates_before(day), whole.recurrence_from(day)
    assert [*before.dates(), *islice(after.dates(), 60 - place)] == dates


@pytest.mark.parametrize(
    ("last", "found"),
    [
        (True, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (False, ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]),
    ],
)
def test_thirty_first_means_last_day_only_on_request(last: bool, found: list[str]) -> None:
    rule = RecurrenceRule(RecurrenceUnit.MONTH, None, month_days=(31,), or_last=last)
    assert [
        str(day) for day in islice(Recurrence(rule, date(2026, 1, 5), time(9), "UTC").dates(), 4)
    ] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO",
            ["2026-01-05", "2026-02-02", "2026-03-02", "2026-04-06"],
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1FR",
            ["2026-01-30", "2026-03-27", "2026-05-29", "2026-07-31"],
        ),
        (
            "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1,15",
            ["2026-01-15", "2026-02-01", "2026-02-15", "2026-03-01"],
        ),
        (
            "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15,30,31,-1;BYSETPOS=1,2,3",
            ["2026-01-15", "2026-01-30", "2026-01-31", "2026-02-15", "2026-02-28", "2026-03-15"],
        ),
    ],
)
def test_monthly_rule_has_weekday_or_several_days(text: str, found: list[str]) -> None:
    repeat = Recurrence(parse_recurrence_rule(text), date(2026, 1, 5), time(9), "UTC")
    assert [str(day) for day in islice(repeat.dates(), len(found))] == found


def test_rule_without_matching_day_has_no_dates() -> None:
    rule = RecurrenceRule(RecurrenceUnit.MONTH, None, 12, month_days=(30,))
    assert list(Recurrence(rule, date(2026, 2, 1), time(9), "UTC").dates()) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=HOURLY;INTERVAL=1",
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1;COUNT=0",
        "FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20260101",
        "FREQ=DAILY;INTERVAL=1;BYDAY=MO",
        "FREQ=WEEKLY;INTERVAL=1;BYDAY=1MO",
        "FREQ=WEEKLY;INTERVAL=1;BYDAY=WE,MO",
        "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=32",
        "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=-1",
        "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=15,1",
        "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=1,15,-1;BYSETPOS=1",
        "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO",
        "FREQ=MONTHLY;INTERVAL=1;BYDAY=5MO",
        "FREQ=MONTHLY;INTERVAL=1;BYDAY=-2MO",
        "FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO,1TU",
        "FREQ=MONTHLY;INTERVAL=1;BYDAY=1MO;BYMONTHDAY=3",
        "FREQ=DAILY;INTERVAL=1;UNTIL=99999999",
        "FREQ=DAILY;INTERVAL=1;X=1",
        "FREQ=DAILY;INTERVAL=" + "9" * 5000,
        "a=b=c;" * 100,
    ],
)
def test_invalid_recurrence_rule_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_recurrence_rule(text)


def test_recurrence_rule_needs_its_end() -> None:
    with pytest.raises(TypeError):
        RecurrenceRule(RecurrenceUnit.DAY)  # type: ignore[call-arg]  # the missing argument is tested


def test_crowded_time_is_found() -> None:
    day = datetime(2026, 3, 1, 10, tzinfo=UTC)
    six, five = timedelta(hours=6), timedelta(hours=5)
    assert find_crowded_time([day, day + six], [day + 2 * six], six) is None
    assert find_crowded_time([day], [day + five], six) == day + five
    assert find_crowded_time([day, day + five], [], six) == day + five
    assert find_crowded_time([day], [day + six, day + six + five], six) is None


# Clock changes


@cache
def changes(zone: str) -> tuple[tuple[datetime, timedelta, timedelta], ...]:
    """Return the instants (UTC, to the minute) at which the offset of a zone changes, with the
    offsets before and after."""
    there, found = ZoneInfo(zone), []
    at, step, end = (datetime.combine(day, time(0), UTC) for day in (FIRST, FIRST, LAST))
    offset = at.astimezone(there).utcoffset()
    while at < end:
        step = at + timedelta(days=5)
        after = step.astimezone(there).utcoffset()
        assert offset is not None
        assert after is not None
        if after != offset:
            low, high = at, step
            while high - low > timedelta(minutes=1):
                middle = low + timedelta(minutes=(high - low) // timedelta(minutes=1) // 2)
                low, high = (
                    (middle, high)
                    if middle.astimezone(there).utcoffset() == offset
                    else (low, middle)
                )
            found.append((high, offset, after))
        at, offset = step, after
    return tuple(found)


def test_daily_series_occurs_once_a_day_across_clock_changes() -> None:
    """In a gap, the instant is that of an unchanged clock; in an overlap, the first of the two.
    Instants never repeat or go back."""
    seen = {"gap": 0, "overlap": 0}
    for zone in ZONES:
        for change, before, after in changes(zone):
            inside = (change + (before + after) / 2).replace(
                tzinfo=None
            )  # the middle of the missing or repeated time
            daily = Recurrence(
                RecurrenceRule(RecurrenceUnit.DAY, 5),
                inside.date() - timedelta(days=2),
                inside.time(),
                zone,
            )
            walls = [daily.occurrence_on(day) for day in daily.dates()]
            instants = [wall.instant() for wall in walls]
            assert instants[2] == (inside - before).replace(tzinfo=UTC), (zone, change)
            steps = [two - one for one, two in pairwise(instants)]
            assert all(timedelta(0) < step < timedelta(hours=49) for step in steps), (zone, change)
            assert walls[2].is_in_dst_gap is (after > before), (zone, change)
            seen["gap" if after > before else "overlap"] += 1
    assert min(seen.values()) > 1000, seen


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), CLOCKS)
def test_daily_series_is_ordered_over_ten_years(zone: str, clock: time) -> None:
    """One occurrence per local date, in order, at the chosen time unless the zone skips that time
    on the date."""
    daily = Recurrence(RecurrenceRule(RecurrenceUnit.DAY, LAST), FIRST, clock, zone)
    last = None
    for day in islice(daily.dates(), 0, None, 3):
        wall = daily.occurrence_on(day)
        at = wall.instant()
        assert last is None or at > last
        last = at
        if not wall.is_in_dst_gap:
            assert local_day(at, zone) == day


@given(
    rules(),
    DAYS,
    st.tuples(CLOCKS, st.sampled_from(ZONES)),
    st.integers(0, 4000),
    st.integers(0, 200),
)
def test_occurrences_between_equals_filtered_dates(
    rule: RecurrenceRule, starts_on: date, where: tuple[time, str], hours: int, days: int
) -> None:
    repeat = Recurrence(rule, starts_on, *where)
    after = datetime.combine(starts_on, time(0), UTC) + timedelta(hours=hours)
    until = after + timedelta(days=days)
    all_of_it = [repeat.occurrence_on(day) for day in islice(repeat.dates(), 500)]
    assert repeat.occurrences_between(after, until) == [
        wall for wall in all_of_it if after < wall.instant() <= until
    ]
