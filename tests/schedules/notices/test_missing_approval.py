"""Notices of missing approvals: once a day before the post is due, and once two hours before."""

from uuid import UUID

import pytest

from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.approvals import decisions
from schedules.approvals.time_changes import reschedule_delivery
from schedules.notices import missing_approval
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.publishing.events import SweepDue
from schedules.publishing.handlers import sweep_deliveries
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tests.schedules.approvals.test_decisions import member, say
from tests.schedules.approvals.test_revisions import refuse, rewrite
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wall_time_after

HOUR = 3600


def swept(at: SandboxAgency) -> list[tuple[str, bool]]:
    """Run the sweep of deliveries and return code and urgency of each open notice."""
    sweep_deliveries(SweepDue(at.tenant_id, uuid7()), tenant=at.services.tenant)
    with at.scope() as scope:
        found = list_open_notices(scope)
    return [
        (one.message.code, one.urgent)
        for one in found
        if one.cause.startswith(missing_approval.CAUSE)
    ]


def move(at: SandboxAgency, delivery_id: UUID, after: float) -> None:
    with at.scope(f"member:{at.author}") as scope:
        reschedule_delivery(scope, delivery_id, at=wall_time_after(scope.now, after))


def test_missing_approval_is_notified_a_day_and_two_hours_before(lea: SandboxAgency) -> None:
    delivery_id = lea.wish(lea.write(), after=25 * HOUR)
    assert swept(lea) == []
    lea.pass_time(hours=1, minutes=1)
    assert swept(lea) == swept(lea) == [("approval.missing", False)]
    lea.pass_time(hours=22)
    assert swept(lea) == [("approval.missing", True)]
    lea.live(hours=2)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.unapproved",
    )
    assert swept(lea) == []  # the notice of the hold replaces it


@pytest.mark.parametrize("how", ["approved", "cancelled", "later"])
def test_notice_closes_when_approval_is_no_longer_missing(lea: SandboxAgency, how: str) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=HOUR)
    assert swept(lea) == [("approval.missing", True)]
    if how == "approved":
        lea.approve(post_id)
    elif how == "cancelled":
        lea.act(deliveries.cancel_delivery, delivery_id)
    else:
        move(lea, delivery_id, 100 * HOUR)
    assert swept(lea) == []


def test_unanswered_change_request_has_its_own_notice(lea: SandboxAgency) -> None:
    post_id = lea.write()
    lea.wish(post_id, after=HOUR)
    lea.approve(post_id)
    lea.plan(post_id)
    assert swept(lea) == []
    refuse(lea, post_id)
    assert swept(lea) == [("approval.change_missing", True)]
    rewrite(lea, post_id, "as wished")
    assert len(swept(lea)) == 1


def test_dismissed_notice_reopens_only_for_another_time(lea: SandboxAgency) -> None:
    delivery_id = lea.wish(lea.write(), after=HOUR)
    swept(lea)
    with lea.scope(f"member:{lea.manager}") as scope:
        for one in list_open_notices(scope):
            notices.dismiss(scope, one.cause, why="known")
    assert swept(lea) == []
    move(lea, delivery_id, 1.5 * HOUR)
    assert swept(lea) == [("approval.missing", True)]


def test_post_without_approval_policy_has_no_notice(lea: SandboxAgency) -> None:
    alone = create_sandbox_agency(lea.services, lea.network, tiers=0)
    alone.wish(alone.write(), after=HOUR)
    assert swept(alone) == []


def test_missing_second_approval_is_notified(lea: SandboxAgency) -> None:
    two = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = two.write()
    two.wish(post_id, after=HOUR)
    two.approve(post_id)
    assert swept(two) == [("approval.half_missing", True)]
    assert swept(lea) == []


def test_first_approval_changes_the_notice(lea: SandboxAgency) -> None:
    two = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = two.write()
    two.wish(post_id, after=HOUR)
    assert swept(two) == [("approval.missing", True)]
    two.approve(post_id)
    assert swept(two) == [("approval.half_missing", True)]


def test_post_with_one_of_two_approvals_is_held(lea: SandboxAgency) -> None:
    two = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = two.write()
    delivery_id = two.wish(post_id, after=HOUR)
    two.approve(post_id)
    two.live(hours=1, minutes=1)
    assert (two.state(delivery_id), two.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.half_approved",
    )
    say(two, post_id, member(two), tier=2)
    two.run()
    assert two.state(delivery_id) in (DeliveryState.SCHEDULED, DeliveryState.PUBLISHED)


def test_number_of_notices_is_limited_and_others_stay(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        notices.put(
            scope,
            Message("approval.change_wanted", {"member": "x", "post": "y"}),
            cause="approval:1",
        )
    for _ in range(missing_approval.MAX_POSTS_NAMED + 3):
        lea.wish(lea.write(), after=HOUR)
    assert len(swept(lea)) == missing_approval.MAX_POSTS_NAMED
    with lea.scope() as scope:
        assert any(one.cause == "approval:1" for one in list_open_notices(scope, limit=1000))
        assert decisions.APPROVAL_LIFETIME > missing_approval.FIRST
