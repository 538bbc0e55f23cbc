"""Eligible approvers: members who approved one tier are not requested for the other."""

from typing import Any
from uuid import UUID

import pytest

from foundation.errors import Refused
from schedules.approvals import decisions, review_queue
from schedules.approvals.release import eligible_approvers
from schedules.approvals.review_queue import ReviewItem
from schedules.posts.states import DeliveryState
from tenants.agencies import queries as tenant_reads
from tests.schedules.approvals.test_added_channels import add
from tests.schedules.approvals.test_decisions import member, say
from tests.schedules.builders import SandboxAgency, create_sandbox_agency

HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
def two(services: Any, sandbox: Any) -> SandboxAgency:
    """Return an agency whose posts need two approvals."""
    return create_sandbox_agency(services, sandbox, tiers=2)


def principal(at: SandboxAgency, member_id: UUID) -> UUID:
    with at.scope() as scope:
        return tenant_reads.get_member(scope, member_id).principal_id


def asked(at: SandboxAgency) -> list[ReviewItem]:
    with at.scope() as scope:
        return review_queue.list_review_queue(scope, [at.creator_id])


def able(at: SandboxAgency, post_id: UUID) -> set[UUID]:
    with at.scope() as scope:
        return {one.id for one in eligible_approvers(scope, post_id)}


def test_first_approver_is_not_eligible_for_second_tier(two: SandboxAgency) -> None:
    post_id, other = two.write(), member(two)
    two.wish(post_id, after=HOUR)
    assert able(two, post_id) == {two.manager, other}
    two.approve(post_id)
    assert able(two, post_id) == {other}
    (found,) = asked(two)
    assert found.tier_for(principal(two, two.manager)) is None
    assert found.tier_for(principal(two, other)) == 2
    waits = {
        one: found.can_be_approved_by(principal(two, one))
        for one in (two.manager, two.author, other)
    }
    assert waits == {two.manager: False, two.author: False, other: True}


def test_second_approval_by_same_member_is_refused(two: SandboxAgency) -> None:
    post_id, other = two.write(), member(two)
    delivery_id = two.wish(post_id, after=HOUR)
    two.approve(post_id)
    with pytest.raises(Refused) as told:
        two.approve(post_id)
    assert told.value.message.code == "approval.two_people"
    say(two, post_id, other, tier=2)
    two.approve(post_id)  # with both approvals present, a third is accepted without effect
    assert two.state(delivery_id) is DeliveryState.APPROVED


def test_second_tier_approver_is_not_eligible_for_first(two: SandboxAgency) -> None:
    post_id, other = two.write(), member(two)
    two.wish(post_id, after=HOUR)
    say(two, post_id, other, tier=2)
    (found,) = asked(two)
    assert found.tier_for(principal(two, two.manager)) == 1
    assert not found.can_be_approved_by(principal(two, other))
    assert able(two, post_id) == {two.manager}


def test_added_channel_makes_same_approvers_eligible_again(two: SandboxAgency) -> None:
    post_id, other = two.write(), member(two)
    two.wish(post_id, after=HOUR)
    say(two, post_id, two.manager)
    say(two, post_id, other, tier=2)
    two.connect("second")
    add(two, post_id, "second")
    (found,) = asked(two)
    assert found.tier_for(principal(two, two.manager)) == 1
    assert found.tier_for(principal(two, other)) == 2


def test_withdrawn_rejection_lets_any_approver_release_post(two: SandboxAgency) -> None:
    post_id, other = two.write(), member(two)
    delivery_id = two.wish(post_id, after=HOUR)
    two.approve(post_id)
    say(two, post_id, other, tier=2)
    third = member(two)
    say(two, post_id, third, no="wait")
    with two.scope(f"member:{third}") as scope:
        decisions.withdraw_verdict(scope, post_id, member_id=third)
    assert two.state(delivery_id) is DeliveryState.DRAFT
    (found,) = asked(two)
    assert [found.tier_for(principal(two, one)) for one in (two.manager, other, third)] == [1, 2, 1]
    two.approve(post_id)
    assert two.state(delivery_id) is DeliveryState.APPROVED
