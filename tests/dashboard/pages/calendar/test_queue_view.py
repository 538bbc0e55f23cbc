"""The queue view: every slot is either occupied by a post or listed as open."""

from datetime import time, timedelta

from dashboard.pages.calendar.queries import CalendarFilter, load_calendar
from dashboard.pages.calendar.queue_queries import AccountQueue, load_queues
from foundation.ops.wall_time import local_day
from schedules.availability import quiet_periods, slots
from schedules.posts.transitions import get_delivery
from schedules.rescheduling import queue as queueing
from tenants.agencies import queries as tenant_reads
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.components import choose_item
from tests.dashboard.pages.queue.test_page import every_day
from tests.dashboard.streamlit_client import stream

DAYS = 14


def queued(who: Agency, *bodies: str, clock: time = time(10)) -> None:
    """Create an account with a daily slot and these posts in its queue."""
    made = [who.post(body, minutes=60) for body in bodies]
    assert who.channel_id is not None
    every_day(who, who.channel_id, clock)
    for delivery_id in made:
        with who.scope() as scope:
            queueing.queue_delivery(scope, delivery_id)


def only_queue(who: Agency, **narrow: object) -> AccountQueue:
    with who.scope() as scope:
        first = local_day(scope.now, ZONE)
        wanted = CalendarFilter(first, DAYS, most=4, **narrow)  # type: ignore[arg-type]  # filters
        found = load_queues(scope, tenant_reads.list_creators(scope), wanted)
    (queue,) = found.accounts
    return queue


def test_every_slot_is_occupied_or_open(lumiere: Agency) -> None:
    queued(lumiere, "une", "deux")
    found = only_queue(lumiere)
    with lumiere.scope() as scope:
        (slot, *_) = slots.list_slots(scope, found.account.id)
        first = local_day(scope.now, ZONE)
        ahead = [slot.place_on(first + timedelta(days=number)).instant() for number in range(DAYS)]
        ahead = [one for one in ahead if one > scope.now]
    listed = sorted(one.at for day in found.days.values() for one in day.items)
    assert listed == ahead
    assert (found.post_count, found.free_count) == (2, len(ahead) - 2)


def test_week_shows_the_open_slots_of_the_queue(lumiere: Agency) -> None:
    queued(lumiere, "une")
    with lumiere.scope() as scope:
        first = local_day(scope.now, ZONE)
        mine = tenant_reads.list_creators(scope)
        week = load_calendar(scope, mine, CalendarFilter(first, DAYS))
    open_times = [one for day in week.days for one in day.free]
    places = [one.at for day in only_queue(lumiere).days.values() for one in day.items if one.place]
    assert [one.at.instant() for one in open_times] == sorted(places)
    assert not any(one.is_usual for one in open_times)


def test_quiet_days_have_no_open_slot(lumiere: Agency) -> None:
    queued(lumiere, "une")
    with lumiere.scope() as scope:
        first = local_day(scope.now, ZONE)
        quiet = {"label": "Repos", "zone": ZONE, "first": first, "last": first + timedelta(days=60)}
        quiet_periods.add_quiet_days(scope, lumiere.creator_id, None, **quiet)
    found = only_queue(lumiere)
    assert (found.post_count, found.free_count) == (1, 0)


def test_filter_that_hides_posts_shows_no_open_slot(lumiere: Agency) -> None:
    queued(lumiere, "une")
    assert only_queue(lumiere, group="out").free_count == 0


def test_busy_day_counts_hidden_posts(lumiere: Agency) -> None:
    for number in range(6):
        lumiere.post(f"note {number}", minutes=90 + number)
    found = only_queue(lumiere)
    assert found.post_count == 6
    assert sum(day.more for day in found.days.values()) == 2


def test_open_slot_of_an_account_starts_a_post_there(door: Door, lumiere: Agency) -> None:
    queued(lumiere, "en file")
    with lumiere.scope() as scope:
        day = local_day(scope.now, ZONE) + timedelta(days=9)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.frames.clear()
        text = page.open("/calendar", view="queue")
        assert "en file" in text
        assert "10:00 créneau libre" in text
        assert f'data-gr-at="{day}T10:00"' in text
        assert f'data-gr-account="{lumiere.channel_id}"' in text
        slot = {"creator": "mia", "account": lumiere.channel_id, "at": f"{day}T10:00"}
        choose_item(page, kind="slot", **slot)
        assert "new=1" in page.query
        assert "Prêt à publier sur Sandbox" in page.type("Texte", "pour ce créneau")


def test_account_without_slots_links_to_its_schedule(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("seule", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", view="queue")
    with lumiere.scope() as scope:
        channel_id = get_delivery(scope, delivery_id).channel_id
    assert "seule" in text
    assert "Pas encore de planning de publication. Heures habituelles" in text
    assert f"/calendar?queue={channel_id}" in text
