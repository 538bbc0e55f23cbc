"""Uncertain deliveries: resolved with the same card on Home, in Approvals and on the post page."""

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
    """Create an uncertain delivery with its notice."""
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
    """Return the pending resolutions of the delivery."""
    with who.scope() as scope:
        rows = scope.run(
            "SELECT args FROM outbox WHERE kind = :k AND subject_id = :s",
            k=UncertainDeliveryResolved.kind,
            s=delivery_id,
        )
        return [{name: args[name] for name in ("url", "by")} for args in rows.scalars()]


def wait(page: Stream, label: str) -> None:
    """Refresh the page until the confirmation button is enabled."""
    for number in range(900):
        if not page.find(label, "button").drawn.disabled:
            return
        page.tick(number % len(page.ticks))
    raise AssertionError("the button is never enabled")


@pytest.mark.parametrize("place", PLACES)
def test_post_is_confirmed_with_its_url(door: Door, lumiere: Agency, place: str) -> None:
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
def test_pending_check_is_shown_instead_of_no_result(
    door: Door, lumiere: Agency, place: str
) -> None:
    """Members who believe that no check is possible would send the post twice."""
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
            "a check in two hours is too late"
        )


@pytest.mark.parametrize("place", PLACES)
def test_uncertain_part_of_a_thread_is_named(door: Door, lumiere: Agency, place: str) -> None:
    """The member must know what to search for on the account."""
    delivery_id = doubted(lumiere)
    with lumiere.scope() as scope:
        get_delivery(scope, delivery_id).parts = 3
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("doubt.part", part=1, parts=3) in opened(page, lumiere, place, delivery_id)
        with lumiere.scope() as scope:
            get_delivery(scope, delivery_id).parts = 1
        assert word("doubt.part", part=1, parts=1) not in opened(page, lumiere, place, delivery_id)


@pytest.mark.parametrize("place", PLACES)
def test_resending_needs_a_confirmation_that_names_the_risk(
    door: Door, lumiere: Agency, place: str
) -> None:
    """Regression: one careless click was enough."""
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


def test_uncertain_delivery_is_closed(door: Door, lumiere: Agency) -> None:
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
def test_roles_without_rights_have_no_buttons(
    door: Door, lumiere: Agency, place: str, role: Role
) -> None:
    delivery_id = doubted(lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = opened(page, lumiere, place, delivery_id)
        assert word("doubt.again") not in text
        assert word("doubt.there") not in text


def test_removal_of_a_live_post_needs_confirmation(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("en ligne", state="published", minutes=-3)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = opened(page, lumiere, "/calendar", delivery_id)
        assert word("outside.take_away_sure") in text
        assert word("delivery.no_copy") in page.press(word("outside.take_away_sure")), (
            "the post was not sent by this installation"
        )
        assert state(lumiere, delivery_id) is DeliveryState.PUBLISHED


def test_live_post_is_reposted(door: Door, lumiere: Agency) -> None:
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
