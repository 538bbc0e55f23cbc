"""Approvals with history: the second approval needs another member, and an expiring approval is
renewed."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from gate.policy import emergency_stops
from schedules.approvals import decisions, review_queue
from schedules.approvals.release import release_post
from schedules.posts.states import DeliveryState
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import asked, state, word
from tests.dashboard.pages.home.test_page import shown
from tests.dashboard.pages.posts.test_recurrence import begun
from tests.dashboard.streamlit_client import stream


@pytest.mark.parametrize("language", LANGUAGES)
def test_second_approval_needs_another_member(door: Door, tenant: OpenScope, language: str) -> None:
    who = create_agency(tenant, language=language)
    with who.scope() as scope:
        scope.run("UPDATE creators SET approval_tiers = 2 WHERE id = :c", c=who.creator_id)
    asked(who, "Le matin")
    with stream(door.url, door.cookie(who)) as page:
        page.open("/approvals")
        text = page.press(word("approvals.approve", language))
        assert word("approvals.agreed", language) in text
        assert (
            word("approvals.counted", language, what=word("approvals.posts", language), count=0)
            in text
        )
        with pytest.raises(AssertionError):
            page.press(word("approvals.approve", language))
        assert word("approvals.undone", language) in page.press(word("approvals.undo", language))
        page.open("/approvals")
        assert word("approvals.approved", language) in page.press(
            word("approvals.approve", language)
        )


def said_long_ago(who: Agency, post_id: UUID) -> None:
    """Record an approval of the owner from 99 days ago, which expires tomorrow."""
    with who.scope() as scope:
        scope.run(
            "INSERT INTO approvals (tenant_id, id, creator_id, post_id, digest, tier, "
            "principal_id, verdict, note,"
            " expires_at, created_at) SELECT p.tenant_id, :id, p.creator_id, p.id, p.digest, 1, "
            "m.principal_id,"
            " 'yes', '', :soon, :then FROM posts p JOIN members m ON m.id = :owner WHERE p.id = "
            ":post",
            id=uuid7(),
            owner=who.members[Role.OWNER],
            post=post_id,
            soon=scope.now + timedelta(days=1),
            then=scope.now - timedelta(days=99),
        )
        release_post(scope, post_id)


def test_member_who_may_approve_is_not_referred_to_others(door: Door, lumiere: Agency) -> None:
    """Regression: the post page told the creator to have the post approved again, and then that
    others must act."""
    post_id, _ = asked(lumiere, "Le soir", minutes=3 * 24 * 60)
    said_long_ago(lumiere, post_id)
    others = word("calendar.others_act", "fr")
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        text = page.open("/calendar", post=post_id)
        assert word("delivery.yes_ends", "fr", at="@").partition("@")[2] in text
        assert others not in text
        lumiere.post("La nuit", minutes=60)
        with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
            emergency_stops.close_switch(
                scope, "creator", str(lumiere.creator_id), "sending", reason="essai"
            )
        assert others in page.open("/calendar", post=lumiere.posts[-1])


def test_missed_date_of_a_series_is_distinguished_from_future_ones(
    door: Door, lumiere: Agency
) -> None:
    begun(lumiere, weeks=10, approved=False)
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE deliveries SET due_at = house_now() - interval '1 day',"
            " late_until = house_now() - interval '1 hour' WHERE tenant_id = :t",
            t=lumiere.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
    assert word("approvals.date_missed") in text
    assert word("approvals.due_late") not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_expiring_approval_is_renewed(door: Door, tenant: OpenScope, language: str) -> None:
    who = create_agency(tenant, language=language)
    post_id, delivery_id = asked(who, "Le matin", minutes=150 * 24 * 60)
    with stream(door.url, door.cookie(who)) as page:
        assert word("approvals.ends_before", language, day="@").partition("@")[2] in page.open(
            "/approvals"
        )
        page.press(word("approvals.approve", language))
        text = page.open("/calendar", post=post_id)
        assert word("delivery.yes_ends", language, at="@").partition("@")[2] in text
        post_id, delivery_id = asked(who, "Le soir", minutes=3 * 24 * 60)
        said_long_ago(who, post_id)
        assert state(who, delivery_id) is DeliveryState.SCHEDULED
        assert word("home.to_approve_one", language) in page.open("/")
        text = page.open("/approvals")
        assert word("approvals.renews", language) in text
        assert word("approvals.approved", language) in page.press(
            word("approvals.approve", language)
        )
        assert word("approvals.renews", language) not in page.open("/approvals")
    assert state(who, delivery_id) is DeliveryState.SCHEDULED
    with who.scope() as scope:
        assert review_queue.list_review_queue(scope, [who.creator_id]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_counts_the_same_posts_as_approvals(
    door: Door, tenant: OpenScope, language: str
) -> None:
    """Neither posts that the author must answer nor posts of this member are counted."""
    who = create_agency(tenant, language=language)
    said = word("home.to_approve_one", language)
    post_id, _ = asked(who, "Le matin")
    assert said in shown(door, who)
    assert said not in shown(door, who, Role.MANAGER)
    owner = who.members[Role.OWNER]
    with who.scope(who.act_as(Role.OWNER)) as scope:
        decisions.request_changes(scope, post_id, member_id=owner, note="plus clair")
    assert said not in shown(door, who)
    with stream(door.url, door.cookie(who)) as page:
        assert word("approvals.nothing", language) in page.open("/approvals")
