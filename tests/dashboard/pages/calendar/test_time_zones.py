"""Time zones and lanes of the calendar: a post may be scheduled in another zone than its creator's
and shown in any zone."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from dashboard.pages.calendar.lane_queries import find_too_close
from dashboard.pages.calendar.queries import group_cards
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, load_zone, local_day, to_wall_time
from schedules.availability import quiet_periods
from schedules.availability.minimum_interval import FREE_STATES
from schedules.posts import queries as schedule_reads
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from tenants.agencies.queries import Creator
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.test_drag_and_drop import drawn, dropped, seen
from tests.dashboard.streamlit_client import stream
from tests.foundation.ops.test_wall_time import ZONES

ELSEWHERE = "America/New_York"
CREATOR = uuid7()
START = datetime(2026, 3, 28, 22, tzinfo=UTC)


def entry(
    channel_id: UUID, at: datetime, state: DeliveryState, *, zone: str = ZONE
) -> DeliveryEntry:
    """Return a delivery as the calendar reads it."""
    words = ("a", "", "", state, None, at, zone, None, None, None, 1)
    return DeliveryEntry(
        uuid7(), uuid7(), channel_id, *words, CREATOR, str(to_wall_time(at, zone)), (), None
    )


def planned(who: Agency, delivery_id: UUID) -> tuple[str, str]:
    with who.scope() as scope:
        row = get_delivery(scope, delivery_id)
        return row.wall_time, row.zone


def test_post_keeps_the_zone_it_was_scheduled_in(door: Door, lumiere: Agency) -> None:
    found = lumiere.post("à New York")
    with lumiere.scope() as scope:
        post_id, first = (
            schedule_reads.post_id_of_delivery(scope, found),
            local_day(scope.now, ZONE) + timedelta(days=30),
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_id)
        page.choose("Fuseau horaire", ELSEWHERE)
        page.pick("Date", first)
        page.type("Heure", "20:00")
        assert "20:00 (New York)" in page.press("Reprogrammer")
        assert planned(lumiere, found) == (f"{first}T20:00", ELSEWHERE)
        shown = page.open("/calendar", post=post_id)
        assert "(Paris)" in shown
        assert "20:00 (New York)" in shown
        later = first + timedelta(
            days=150
        )  # the clocks change in between, on different days in both zones
        page.pick("Date", later)
        page.press("Reprogrammer")
        assert planned(lumiere, found) == (f"{later}T20:00", ELSEWHERE)
        page.press("Dupliquer")
        assert "Fuseau : New York" in page.choose("Programmation", "Choisir la date et l’heure")


def test_lanes_show_every_account_and_quiet_period(door: Door, lumiere: Agency) -> None:
    found = lumiere.post("dans sa ligne", minutes=4)
    lumiere.post("tout près", minutes=4)
    with lumiere.scope() as scope:
        due = get_delivery(scope, found).due_at
        today, day = local_day(scope.now, ZONE), local_day(due, ZONE)
        last, hers = today + timedelta(days=9), lumiere.creator_id
        quiet_periods.add_quiet_days(
            scope, hers, None, label="Congé d’été", zone=ZONE, first=today, last=last
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", day=day)
        shown = page.choose("Regrouper par", "Compte")
        assert "by=account" in page.query
        said = (
            "Sandbox",
            "dans sa ligne",
            "tout près",
            "trop proche d’une autre publication",
            "Congé d’été",
            "2 publications",
        )
        assert [one for one in said if one not in shown] == []
        assert f"{due.astimezone(load_zone(ZONE)):%H:%M}" in shown
        clocks = "Fuseau horaire"
        assert len(page.find(clocks).options) <= 3, (
            "the zone of each creator, Paris, and the option for others"
        )
        assert "Fuseau : Paris" in page.choose(clocks, "Autre fuseau"), (
            "the zone has not changed yet"
        )
        tokyo = page.choose(clocks, "Asia/Tokyo")
        assert [one for one in page.find(clocks).options if "Tokyo" in one], (
            "the chosen zone remains in the short list"
        )
        assert len(page.find(clocks).options) <= 4
        assert "Fuseau : Tokyo" in tokyo
        assert "zone=Asia" in page.query
        later = page.open(
            "/calendar", day=local_day(due, "Asia/Tokyo"), view="day"
        )  # with the same settings as before
        assert f"{due.astimezone(load_zone('Asia/Tokyo')):%H:%M}" in later
        assert "2 publications" in later
        assert "dans sa ligne" in page.choose("Regrouper par", "Aucun")


def test_drop_in_another_zone_uses_the_creators_zone(door: Door, lumiere: Agency) -> None:
    found, looked = lumiere.post("déplacée", minutes=30), "Asia/Tokyo"
    with lumiere.scope() as scope:
        day = local_day(scope.now, looked) + timedelta(days=3)
    with stream(door.url, door.cookie(lumiere)) as page:
        place = drawn(page, view="day", by="account", zone=looked)
        said = dropped(page, place, {"seen": seen(lumiere, found)[1], "day": str(day), "hour": 7})
        hers = to_wall_time(WallTime(day, time(7), looked).instant(), ZONE)
        assert f"Reprogrammé au {hers.day:%d/%m/%Y} à {hers.clock:%H:%M} (Paris)" in said
    assert planned(lumiere, found) == (str(hers), ZONE)


@given(
    some.lists(
        some.tuples(
            some.integers(0, 2), some.integers(0, 400), some.sampled_from(list(DeliveryState))
        )
    ),
    some.tuples(*[some.integers(0, 90)] * 3),
)
def test_too_close_are_posts_within_the_minimum_interval(
    rows: list[tuple[int, int, DeliveryState]], gaps: tuple[int, int, int]
) -> None:
    accounts = [uuid7() for _ in gaps]
    entries = [
        entry(accounts[which], START + timedelta(minutes=at), state) for which, at, state in rows
    ]
    alive = [one for one in entries if one.state not in FREE_STATES]
    waits = {one: timedelta(minutes=gap) for one, gap in zip(accounts, gaps, strict=True)}
    near = {
        one.delivery_id
        for one in alive
        for other in alive
        if one is not other and one.channel_id == other.channel_id
        if abs(one.due_at - other.due_at) < waits[one.channel_id]
    }
    assert find_too_close(entries, waits) == near


@given(some.integers(0, 5_000_000), some.sampled_from(ZONES), some.sampled_from(ZONES))
def test_post_is_shown_on_the_day_and_hour_of_the_viewed_zone(
    minutes: int, hers: str, looked: str
) -> None:
    at = START + timedelta(minutes=minutes)  # ten years of clock changes
    mia = Creator(uuid7(), "mia", "Mia", "human", hers, ("fr",), "explicit", 0, False)
    (turn,) = group_cards(
        [entry(uuid7(), at, DeliveryState.SCHEDULED, zone=hers)], {CREATOR: mia}, looked
    )
    wall = to_wall_time(at, looked)
    assert (turn.local_time.date(), turn.local_time.time(), turn.zone) == (
        wall.day,
        wall.clock,
        looked,
    )
    assert (turn.planned_elsewhere is None) == (hers == looked)
    assert turn.planned_elsewhere in (None, to_wall_time(at, hers))
