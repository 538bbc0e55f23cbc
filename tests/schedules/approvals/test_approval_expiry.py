"""Approvals that expire before the post publishes: the early warning, the renewal request a week
before, and the renewal."""

from typing import Any
from uuid import UUID

import pytest

from schedules.approvals import decisions, review_queue
from schedules.approvals.release import release_post
from schedules.approvals.review_queue import ReviewItem
from schedules.calendar import next_steps, publishing_forecast
from schedules.calendar.next_steps import WILL_NOT_PUBLISH, NextStepReport
from schedules.notices import missing_approval
from schedules.posts.states import DeliveryState
from tests.schedules import series_builders
from tests.schedules.approvals.test_decisions import member, say
from tests.schedules.approvals.test_eligible_approvers import principal
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.notices.test_missing_approval import swept

DAY = 86_400.0
LIFE = decisions.APPROVAL_LIFETIME.days
ENDS = "delivery.yes_ends"


@pytest.fixture
def two(services: Any, sandbox: Any) -> SandboxAgency:
    """Return an agency whose posts need two approvals."""
    return create_sandbox_agency(services, sandbox, tiers=2)


def ahead(at: SandboxAgency, delivery_id: UUID) -> NextStepReport:
    entry = at.entry(delivery_id)
    with at.scope() as scope:
        return next_steps.next_step_of_delivery(scope, entry, at.services.connectors)


def asked(at: SandboxAgency) -> list[ReviewItem]:
    with at.scope() as scope:
        return review_queue.list_review_queue(scope, [at.creator_id])


@pytest.mark.parametrize(("days", "lasts"), [(LIFE - 1, True), (LIFE + 1, False), (700, False)])
def test_post_scheduled_after_approval_expiry_has_warning(
    lea: SandboxAgency, days: int, lasts: bool
) -> None:
    found = ahead(lea, lea.delivery("far", after=days * DAY))
    assert [one.code for one in found.troubles] == ([] if lasts else [ENDS])
    assert found.next.code == ("calendar.next.scheduled" if lasts else WILL_NOT_PUBLISH)


def test_forecast_reports_approval_expiry(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=(LIFE + 1) * DAY)
    lea.pass_time(days=30)
    with lea.scope() as scope:
        found = publishing_forecast.forecast_publishing(
            scope, [lea.creator_id], days=90, connectors=dict(lea.services.connectors)
        )
    assert [(one.delivery_id, one.trouble.code) for one in found.ahead if one.trouble] == [
        (late, ENDS)
    ]


def test_renewal_is_requested_a_week_before_expiry(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=150 * DAY)
    lea.delivery("in time", after=99 * DAY)
    lea.pass_time(days=98)
    # the first is renewable only near its expiry, the second publishes in time
    assert asked(lea) == []
    lea.pass_time(days=46)
    (found,) = asked(lea)
    me = principal(lea, lea.manager)
    assert ([wish.delivery_id for wish in found.wishes], found.needs_renewal) == ([late], True)
    assert (found.words, found.tier_for(me), found.can_be_approved_by(me)) == ((), 1, True)
    assert not found.can_be_approved_by(principal(lea, lea.author))
    lea.approve(found.post_id)
    assert asked(lea) == []
    assert ahead(lea, late).troubles == ()
    lea.live(days=6, hours=1)
    assert lea.state(late) is DeliveryState.PUBLISHED


def test_repeated_renewal_is_stored_once(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=(LIFE + 2) * DAY)
    lea.pass_time(days=LIFE - 4)
    (found,) = asked(lea)
    assert [word.principal_id for word in found.past] == [principal(lea, lea.manager)]
    for _ in range(2):  # pressed twice
        lea.approve(found.post_id)
    assert asked(lea) == []
    with lea.scope() as scope:
        said = scope.run(
            "SELECT count(*) FROM approvals WHERE post_id = :post", post=found.post_id
        ).scalar_one()
    assert said == 2
    assert ahead(lea, late).troubles == ()


def test_earlier_of_two_expiries_counts_and_each_tier_is_renewed(
    two: SandboxAgency,
) -> None:
    post_id, other = two.write(), member(two)
    late = two.wish(post_id, after=(LIFE + 1.5) * DAY)
    say(two, post_id, two.manager)
    two.pass_time(days=2)
    say(two, post_id, other, tier=2)
    two.plan(post_id)
    assert [one.code for one in ahead(two, late).troubles] == [ENDS]
    two.pass_time(days=LIFE - 5)
    (found,) = asked(two)
    tiers = {one: found.tier_for(principal(two, one)) for one in (two.manager, other, member(two))}
    assert list(tiers.values()) == [1, None, 1]  # the second approval is still valid
    two.approve(post_id)
    assert asked(two) == []
    assert ahead(two, late).troubles == ()


def test_rejection_during_renewal_unschedules_post(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=(LIFE + 2) * DAY)
    lea.pass_time(days=LIFE - 4)
    (found,) = asked(lea)
    say(lea, found.post_id, lea.manager, no="it is old by now")
    assert lea.state(late) is DeliveryState.DRAFT
    assert asked(lea) == []


def test_expired_approval_notifies_members(lea: SandboxAgency) -> None:
    lea.delivery("late", after=(LIFE + 2) * DAY)
    lea.pass_time(days=LIFE + 1, hours=1)
    assert swept(lea) == [("approval.over_missing", False)]
    (found,) = asked(lea)
    lea.approve(found.post_id)
    assert swept(lea) == []
    assert missing_approval.FIRST < decisions.APPROVAL_LIFETIME


def test_expired_approval_has_one_notice(lea: SandboxAgency) -> None:
    """On its last day it had two notices, one from each sweep."""
    lea.delivery("late", after=(LIFE + 1) * DAY)
    lea.pass_time(days=LIFE, hours=1)
    lea.live(hours=2)
    assert swept(lea) == [("approval.over_missing", False)]
    assert list(lea.notices().values()) == ["approval.over_missing"]


def test_approval_does_not_expire_without_approval_policy(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=(LIFE + 2) * DAY)
    with lea.scope() as scope:
        scope.run("UPDATE creators SET approval_tiers = 0 WHERE id = :c", c=lea.creator_id)
    assert ahead(lea, late).troubles == ()
    lea.pass_time(days=LIFE)
    assert asked(lea) == []


def test_series_occurrences_after_expiry_need_renewal(lea: SandboxAgency) -> None:
    post_id = series_builders.start_series(
        lea, series_builders.build_recurrence(lea, series_builders.WEEKLY)
    )
    lea.approve(post_id)
    lea.act(release_post, post_id)
    lea.live(days=LIFE - 14)
    assert asked(lea) == []
    coming_dates = [
        one
        for one in series_builders.list_deliveries(lea, post_id)
        if one.state == DeliveryState.SCHEDULED
    ]
    ends = min(one.due_at for one in coming_dates if ahead(lea, one.id).troubles)
    assert all((one.due_at >= ends) == bool(ahead(lea, one.id).troubles) for one in coming_dates)
    lea.live(days=(ends - lea.now()).days - 6)
    (found,) = asked(lea)
    assert ([wish.due_at for wish in found.wishes], found.repeats) == ([ends], True)
    lea.approve(post_id)
    assert asked(lea) == []
    lea.live(days=8)
    assert [
        one.state for one in series_builders.list_deliveries(lea, post_id) if one.due_at == ends
    ] == [DeliveryState.PUBLISHED]
