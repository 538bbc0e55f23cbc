"""Members are told a day and two hours before, once each, that a post has nobody's yes."""

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
    """The open notices once the minute's sweep is done: code, and whether it is urgent."""
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


def test_told_a_day_before_and_two_hours_before(lea: SandboxAgency) -> None:
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
    assert swept(lea) == []  # the notice of the hold says it now


@pytest.mark.parametrize("how", ["approved", "cancelled", "later"])
def test_no_longer_said_once_it_is_not_true(lea: SandboxAgency, how: str) -> None:
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


def test_a_change_that_is_wanted_is_said_otherwise(lea: SandboxAgency) -> None:
    post_id = lea.write()
    lea.wish(post_id, after=HOUR)
    lea.approve(post_id)
    lea.plan(post_id)
    assert swept(lea) == []
    refuse(lea, post_id)
    assert swept(lea) == [("approval.change_missing", True)]
    rewrite(lea, post_id, "as wished")
    assert len(swept(lea)) == 1


def test_put_away_it_is_not_said_again_but_another_hour_is(lea: SandboxAgency) -> None:
    delivery_id = lea.wish(lea.write(), after=HOUR)
    swept(lea)
    with lea.scope(f"member:{lea.manager}") as scope:
        for one in list_open_notices(scope):
            notices.dismiss(scope, one.cause, why="known")
    assert swept(lea) == []
    move(lea, delivery_id, 1.5 * HOUR)
    assert swept(lea) == [("approval.missing", True)]


def test_a_creator_whose_posts_need_nobody_is_not_mentioned(lea: SandboxAgency) -> None:
    alone = create_sandbox_agency(lea.services, lea.network, tiers=0)
    alone.wish(alone.write(), after=HOUR)
    assert swept(alone) == []


def test_the_second_of_two_is_missed_too(lea: SandboxAgency) -> None:
    two = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = two.write()
    two.wish(post_id, after=HOUR)
    two.approve(post_id)
    assert swept(two) == [("approval.half_missing", True)]
    assert swept(lea) == []


def test_what_was_told_before_the_first_yes_is_put_otherwise_after_it(lea: SandboxAgency) -> None:
    two = create_sandbox_agency(lea.services, lea.network, tiers=2)
    post_id = two.write()
    two.wish(post_id, after=HOUR)
    assert swept(two) == [("approval.missing", True)]
    two.approve(post_id)
    assert swept(two) == [("approval.half_missing", True)]


def test_at_its_hour_with_one_yes_of_two_it_says_so(lea: SandboxAgency) -> None:
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


def test_other_notices_stay_and_a_hundred_posts_are_thirty(lea: SandboxAgency) -> None:
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
