"""A post in doubt as members settle it: on the first page, in the approvals and on its own page, by
one card."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.outbox import outbox
from schedules.posts.events import ReconcileDue
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.publishing.events import UncertainDeliveryResolved
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.pages.calendar.test_page import post_of, state
from tests.dashboard.streamlit_client import Stream, stream

PLACES = ("/", "/approvals", "/calendar")
URL = "https://example.test/p/12"


def doubted(who: Agency, body: str = "Peut-être") -> UUID:
    """A post nobody knows the fate of, with its notice."""
    delivery_id = who.post(body, state="uncertain", minutes=-5)
    with who.scope() as scope:
        scope.run(
            "INSERT INTO notices (tenant_id, id, cause, message, urgent, creator_id) VALUES (:t, "
            "gen_random_uuid(),"
            """ :cause, '{"code": "delivery.no_answer", "params": {}}', true, :c)""",
            t=who.tenant_id,
            cause=f"delivery:{delivery_id}",
            c=who.creator_id,
        )
    return delivery_id


def opened(page: Stream, who: Agency, place: str, delivery_id: UUID) -> str:
    return page.open(place, **({"post": post_of(who, delivery_id)} if place == "/calendar" else {}))


def said(who: Agency, delivery_id: UUID) -> list[dict[str, str]]:
    """What was said of it, and waits to be settled."""
    with who.scope() as scope:
        rows = scope.run(
            "SELECT args FROM outbox WHERE kind = :k AND subject_id = :s",
            k=UncertainDeliveryResolved.kind,
            s=delivery_id,
        )
        return [{name: args[name] for name in ("url", "by")} for args in rows.scalars()]


def wait(page: Stream, label: str) -> None:
    """Until the second press works; the page draws itself anew meanwhile."""
    for number in range(900):
        if not page.find(label, "button").drawn.disabled:
            return
        page.tick(number % len(page.ticks))
    raise AssertionError("it never can be pressed")


@pytest.mark.parametrize("place", PLACES)
def test_it_is_there(door: Door, lumiere: Agency, place: str) -> None:
    delivery_id = doubted(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = opened(page, lumiere, place, delivery_id)
        assert "Peut-être" in text
        assert word("doubt.no_look") in text
        assert word("delivery.no_link") in page.press(word("doubt.there"))
        page.type(word("doubt.link"), URL)
        assert word("doubt.looked_at") in page.press(word("doubt.there"))
    assert said(lumiere, delivery_id) == [{"url": URL, "by": lumiere.act_as(Role.OWNER)}]


@pytest.mark.parametrize("place", PLACES)
def test_while_the_house_is_still_to_look_nobody_is_told_that_it_could_not(
    door: Door, lumiere: Agency, place: str
) -> None:
    """Whoever believes that they alone can see sends it a second time."""
    delivery_id = doubted(lumiere)
    with lumiere.scope() as scope:
        outbox.put(
            scope,
            ReconcileDue(lumiere.tenant_id, delivery_id),
            at=scope.now + timedelta(seconds=20),
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = opened(page, lumiere, place, delivery_id)
        assert word("doubt.looks_soon") in text
        assert word("doubt.no_look") not in text
        with lumiere.scope() as scope:
            outbox.cancel(scope, ReconcileDue.kind, delivery_id)
            outbox.put(
                scope,
                ReconcileDue(lumiere.tenant_id, delivery_id),
                at=scope.now + timedelta(hours=2),
            )
        assert word("doubt.looks_soon") not in opened(page, lumiere, place, delivery_id), (
            "nobody waits two hours"
        )


@pytest.mark.parametrize("place", PLACES)
def test_of_a_thread_it_is_said_which_part_is_in_doubt(
    door: Door, lumiere: Agency, place: str
) -> None:
    """Whoever looks at the account has to know what to look for."""
    delivery_id = doubted(lumiere)
    with lumiere.scope() as scope:
        get_delivery(scope, delivery_id).parts = 3
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("doubt.part", part=1, parts=3) in opened(page, lumiere, place, delivery_id)
        with lumiere.scope() as scope:
            get_delivery(scope, delivery_id).parts = 1
        assert word("doubt.part", part=1, parts=1) not in opened(page, lumiere, place, delivery_id)


@pytest.mark.parametrize("place", PLACES)
def test_sending_again_takes_a_second_press_that_names_the_risk(
    door: Door, lumiere: Agency, place: str
) -> None:
    """One careless press used to be enough."""
    delivery_id = doubted(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page, lumiere, place, delivery_id)
        text = page.press(word("doubt.again"))
        assert "deux fois" in text
        assert page.find(word("doubt.again_sure"), "button").drawn.disabled
        assert said(lumiere, delivery_id) == []
        wait(page, word("doubt.again_sure"))
        page.press(word("doubt.again_sure"))
    assert said(lumiere, delivery_id) == [{"url": "", "by": lumiere.act_as(Role.OWNER)}]


def test_it_is_left_at_that(door: Door, lumiere: Agency) -> None:
    delivery_id = doubted(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page, lumiere, "/calendar", delivery_id)
        page.press(word("doubt.leave"))
        page.press(word("doubt.back"))
        assert word("doubt.leave_sure") not in page.again()
        page.press(word("doubt.leave"))
        wait(page, word("doubt.leave_sure"))
        page.press(word("doubt.leave_sure"))
    assert state(lumiere, delivery_id) is DeliveryState.CANCELLED


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", [Role.CHATTER, Role.ACCOUNTANT])
def test_who_may_not_decide_has_no_buttons(
    door: Door, lumiere: Agency, place: str, role: Role
) -> None:
    delivery_id = doubted(lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = opened(page, lumiere, place, delivery_id)
        assert word("doubt.again") not in text
        assert word("doubt.there") not in text


def test_what_is_out_is_taken_away_by_two_presses(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("en ligne", state="published", minutes=-3)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = opened(page, lumiere, "/calendar", delivery_id)
        assert word("outside.take_away_sure") in text
        assert word("delivery.no_copy") in page.press(word("outside.take_away_sure")), (
            "it was never sent by us"
        )
        assert state(lumiere, delivery_id) is DeliveryState.PUBLISHED


def test_what_is_out_is_posted_once_more(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post(
        "en ligne", state="published", minutes=-3, url="https://example.test/p/1"
    )
    with stream(door.url, door.cookie(lumiere)) as page:
        opened(page, lumiere, "/calendar", delivery_id)
        page.type(word("compose.clock"), "25:00")
        assert state(lumiere, delivery_id) is DeliveryState.PUBLISHED
        page.press(word("outside.once_more_sure"))
        page.type(word("compose.clock"), "10:00")
        text = page.press(word("outside.once_more_sure"))
        assert "Republication programmée" in text
        assert "première publication :" in opened(page, lumiere, "/calendar", delivery_id)
        assert word("delivery.again_waits") in page.press(word("outside.once_more_sure"))
    with lumiere.scope() as scope:
        keys = scope.run(
            "SELECT occurrence_key FROM deliveries WHERE tenant_id = :t ORDER BY 1",
            t=lumiere.tenant_id,
        )
        assert list(keys.scalars()) == ["", "again-1"]
