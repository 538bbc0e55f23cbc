"""A yes that ends before its post leaves: told as soon as it is planned, asked anew a week before,
and renewed."""

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
    """Léa, whose posts two people have to approve."""
    return create_sandbox_agency(services, sandbox, tiers=2)


def ahead(at: SandboxAgency, delivery_id: UUID) -> NextStepReport:
    entry = at.entry(delivery_id)
    with at.scope() as scope:
        return next_steps.next_step_of_delivery(scope, entry, at.services.connectors)


def asked(at: SandboxAgency) -> list[ReviewItem]:
    with at.scope() as scope:
        return review_queue.list_review_queue(scope, [at.creator_id])


@pytest.mark.parametrize(("days", "lasts"), [(LIFE - 1, True), (LIFE + 1, False), (700, False)])
def test_what_outlives_its_yes_is_told_at_once(lea: SandboxAgency, days: int, lasts: bool) -> None:
    found = ahead(lea, lea.delivery("far", after=days * DAY))
    assert [one.code for one in found.troubles] == ([] if lasts else [ENDS])
    assert found.next.code == ("calendar.next.scheduled" if lasts else WILL_NOT_PUBLISH)


def test_the_days_ahead_tell_it_too(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=(LIFE + 1) * DAY)
    lea.pass_time(days=30)
    with lea.scope() as scope:
        found = publishing_forecast.forecast_publishing(
            scope, [lea.creator_id], days=90, connectors=dict(lea.services.connectors)
        )
    assert [(one.delivery_id, one.trouble.code) for one in found.ahead if one.trouble] == [
        (late, ENDS)
    ]


def test_it_is_asked_anew_a_week_before_and_renewed_it_leaves(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=150 * DAY)
    lea.delivery("in time", after=99 * DAY)
    lea.pass_time(days=98)
    assert asked(lea) == []  # what is in time is not asked, and of the other there is time
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


def test_before_it_has_run_out_the_same_person_renews_it_once(lea: SandboxAgency) -> None:
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


def test_of_two_yeses_the_first_to_end_counts_and_each_is_renewed_by_another(
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
    assert list(tiers.values()) == [1, None, 1]  # the second yes lasts
    two.approve(post_id)
    assert asked(two) == []
    assert ahead(two, late).troubles == ()


def test_a_no_at_that_time_is_a_no(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=(LIFE + 2) * DAY)
    lea.pass_time(days=LIFE - 4)
    (found,) = asked(lea)
    say(lea, found.post_id, lea.manager, no="it is old by now")
    assert lea.state(late) is DeliveryState.DRAFT
    assert asked(lea) == []


def test_members_are_told_when_nobody_renews_it(lea: SandboxAgency) -> None:
    lea.delivery("late", after=(LIFE + 2) * DAY)
    lea.pass_time(days=LIFE + 1, hours=1)
    assert swept(lea) == [("approval.over_missing", False)]
    (found,) = asked(lea)
    lea.approve(found.post_id)
    assert swept(lea) == []
    assert missing_approval.FIRST < decisions.APPROVAL_LIFETIME


def test_one_that_has_run_out_is_told_of_once(lea: SandboxAgency) -> None:
    """On its last day there were two lines of it, one by each look ahead."""
    lea.delivery("late", after=(LIFE + 1) * DAY)
    lea.pass_time(days=LIFE, hours=1)
    lea.live(hours=2)
    assert swept(lea) == [("approval.over_missing", False)]
    assert list(lea.notices().values()) == ["approval.over_missing"]


def test_where_nobody_is_asked_nothing_ends(lea: SandboxAgency) -> None:
    late = lea.delivery("late", after=(LIFE + 2) * DAY)
    with lea.scope() as scope:
        scope.run("UPDATE creators SET approval_tiers = 0 WHERE id = :c", c=lea.creator_id)
    assert ahead(lea, late).troubles == ()
    lea.pass_time(days=LIFE)
    assert asked(lea) == []


def test_the_dates_of_a_series_behind_its_yes_are_asked_anew(lea: SandboxAgency) -> None:
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
