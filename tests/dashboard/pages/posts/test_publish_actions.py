"""Publish now, retry and reschedule: offered only where possible, with the actual outcome in the
message."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message
from gate.policy import emergency_stops
from schedules.approvals import approval_policy, decisions
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import asked, state, word
from tests.dashboard.pages.calendar.test_page import post_of
from tests.dashboard.streamlit_client import stream


def hours_too(who: Agency) -> None:
    """Require two approvals, the second also of the time."""
    with who.scope(who.act_as(Role.OWNER)) as scope:
        approval_policy.change_approval_policy(scope, who.creator_id, tiers=2, times=True)


def agreed(who: Agency, body: str = "à son heure") -> UUID:
    """Create a post with both approvals, scheduled in an hour."""
    post_id, delivery_id = asked(who, body)
    for tier, role in ((1, Role.OWNER), (2, Role.CREATOR)):
        with who.scope(who.act_as(role)) as scope:
            decisions.approve_post(scope, post_id, member_id=who.members[role], tier=tier)
    with who.scope(who.act_as(Role.OWNER)) as scope:
        deliveries.schedule_post(scope, post_id)
    return delivery_id


def unapproved(who: Agency) -> UUID:
    """Create a post that was not approved before its time."""
    _, delivery_id = asked(who, "sans accord", minutes=-2)
    with who.scope() as scope:
        transition_delivery(
            scope,
            get_delivery(scope, delivery_id),
            DeliveryState.HELD,
            reason=Message("delivery.unapproved"),
        )
    return delivery_id


@pytest.mark.parametrize("language", LANGUAGES)
def test_publish_now_is_refused_where_the_time_was_approved(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    hours_too(who)
    delivery_id = agreed(who)
    with who.scope() as scope:
        before = get_delivery(scope, delivery_id).due_at
    with stream(door.url, door.cookie(who)) as page:
        page.open("/calendar", post=post_of(who, delivery_id))
        text = page.press(word("calendar.send_now", language))
    assert word("calendar.now_done", language) not in text
    assert word("delivery.hour_agreed", language, at="|").partition("|")[0] in text
    with who.scope() as scope:
        row = get_delivery(scope, delivery_id)
        assert (row.state, row.due_at) == (DeliveryState.SCHEDULED, before)


@pytest.mark.parametrize("where", ["home", "week", "post"])
def test_post_without_approval_links_to_approvals_instead_of_retry(
    door: Door, lumiere: Agency, where: str
) -> None:
    delivery_id = unapproved(lumiere)
    shown = {
        "home": ("/", {}),
        "week": ("/calendar", {}),
        "post": ("/calendar", {"post": post_of(lumiere, delivery_id)}),
    }
    path, query = shown[where]
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open(path, **query)
        assert "sans accord" in text
        assert not [label for label in page.labels() if label.startswith("Réessayer")]
    if where != "week":
        assert 'href="/approvals"' in text
    if where == "post":
        assert word("calendar.next.held_until", late="|").partition("|")[0] in text


def test_post_that_no_longer_needs_approval_is_retried(door: Door, lumiere: Agency) -> None:
    delivery_id = unapproved(lumiere)
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        approval_policy.change_approval_policy(scope, lumiere.creator_id, tiers=0, times=False)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=post_of(lumiere, delivery_id))
        assert "Nouvel essai" in page.press(word("calendar.retry_now"))
    assert state(lumiere, delivery_id) is DeliveryState.SCHEDULED


def test_post_that_cannot_be_published_is_not_announced(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("arrêtée", minutes=-2, state="publishing")
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        transition_delivery(
            scope,
            get_delivery(scope, delivery_id),
            DeliveryState.HELD,
            reason=Message("gate.CONSENT_MISSING"),
        )
        emergency_stops.close_switch(scope, "tenant", "", "sending", reason="essai")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open()
        text = page.press(word("home.again"))
    assert word("calendar.again_done") not in text
    assert word("calendar.again_done_not", why="|").partition("|")[0].strip() in text


def test_draft_that_cannot_be_published_is_not_announced(door: Door, lumiere: Agency) -> None:
    """Regression: the message promised automatic publishing next to the reason why it is
    impossible."""
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        approval_policy.change_approval_policy(scope, lumiere.creator_id, tiers=0, times=False)
    refused, _ = asked(lumiere, "À l’aube", media=(picture(door, lumiere, rating=None),))
    fine, _ = asked(lumiere, "Le phare")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", post=refused)
        text = page.press(word("calendar.plan"))
        assert word("calendar.planned") not in text
        assert word("calendar.planned_stays", accounts="Sandbox") in text
        page.open("/calendar", post=fine)
        assert word("calendar.planned") in page.press(word("calendar.plan"))


def test_refused_post_links_to_its_reason(door: Door, lumiere: Agency) -> None:
    """Unchanged, it would be refused again."""
    delivery_id = lumiere.post("refusée", minutes=-2, state="publishing")
    with lumiere.scope() as scope:
        transition_delivery(
            scope,
            get_delivery(scope, delivery_id),
            DeliveryState.FAILED,
            reason=Message("delivery.media_missing"),
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open()
        assert word("home.again") not in page.labels()
        assert (
            f'<a href="/calendar?post={post_of(lumiere, delivery_id)}" target="_self">Voir le motif'
            in text
        )


def keeps(page_text: str, language: str = "fr") -> set[str]:
    """Return the codes of the notes about approvals that the page shows."""
    codes = ("calendar.move_keeps", "calendar.move_asks", "calendar.move_waits")
    return {code for code in codes if word(code, language) in page_text}


@pytest.mark.parametrize("language", LANGUAGES)
def test_rescheduling_explains_what_happens_to_the_approval(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    planned, (wished, _) = who.post("prévue", minutes=60), asked(who, "à approuver")
    with stream(door.url, door.cookie(who)) as page:
        assert keeps(page.open("/calendar", post=post_of(who, planned)), language) == {
            "calendar.move_keeps"
        }
        assert keeps(page.open("/calendar", post=wished), language) == {"calendar.move_waits"}
        moved = page.press(word("calendar.move", language))
        assert word("calendar.moved_waits", language, moved="").strip() in moved
        hours_too(who)
        post_id = post_of(who, agreed(who))
        assert keeps(page.open("/calendar", post=post_id), language) == {"calendar.move_asks"}
        page.type(word("move_form.clock", language), "23:50")
        moved = page.press(word("calendar.move", language))
        assert word("calendar.moved_asks", language, moved="").strip() in moved


def test_approvals_are_not_mentioned_where_none_is_needed(door: Door, lumiere: Agency) -> None:
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        approval_policy.change_approval_policy(scope, lumiere.creator_id, tiers=0, times=False)
    planned = lumiere.post("prévue", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert keeps(page.open("/calendar", post=post_of(lumiere, planned))) == set()
        assert word("calendar.moved_waits", moved="").strip() not in page.press(
            word("calendar.move")
        )
