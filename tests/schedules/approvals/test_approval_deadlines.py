"""A post that is to be published at once can be approved for an hour or the agency's time, however
it was made."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.ops.wall_time import to_wall_time
from schedules.approvals import approval_policy, release
from schedules.approvals.time_changes import reschedule_delivery
from schedules.calendar import versioned_actions
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.lateness import LateLimit
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.rescheduling import priority
from schedules.routines import day_posts
from tenants.agencies import agency_settings
from tests.schedules.builders import ZONE, SandboxAgency, wall_time_after
from tests.schedules.csv_files import FileImporter, format_csv


def draft(at: SandboxAgency, **more: object) -> Draft:
    return Draft(at.creator_id, "", "hello", (), (at.channels["main"],), **more)  # type: ignore[arg-type]  # fields by name


def only_delivery(at: SandboxAgency, post_id: UUID) -> UUID:
    with at.scope() as scope:
        (row,) = deliveries_of_post(scope, post_id)
        return row.id


def compose(at: SandboxAgency) -> UUID:
    with at.scope(f"member:{at.author}") as scope:
        planned = drafts.plan_draft(
            scope,
            draft(at, late=LateLimit.FIVE_MINUTES),
            key=uuid7(),
            at=wall_time_after(scope.now, 15),
            author=scope.actor,
        )
    return planned.post_id


def call_api(at: SandboxAgency) -> UUID:
    with at.scope(f"member:{at.author}") as scope:
        return versioned_actions.create_post_at(
            scope,
            draft(at),
            key=uuid7(),
            at=wall_time_after(scope.now, 120),
            author=scope.actor,
            origin="api",
        )


def propose(at: SandboxAgency) -> UUID:
    with at.scope(f"member:{at.author}") as scope:
        return drafts.propose_draft(
            scope,
            draft(at),
            key=uuid7(),
            at=wall_time_after(scope.now, 60),
            author=scope.actor,
            origin="mcp",
        )


def schedule_stored(at: SandboxAgency) -> UUID:
    post_id = at.write()
    with at.scope(f"member:{at.author}") as scope:
        versioned_actions.schedule_post_on_channels(
            scope, post_id, channels=[at.channels["main"]], at=wall_time_after(scope.now, 1)
        )
    return post_id


def move(at: SandboxAgency) -> UUID:
    post_id = at.write()
    delivery_id = at.wish(post_id, after=86400)
    with at.scope(f"member:{at.author}") as scope:
        reschedule_delivery(scope, delivery_id, at=wall_time_after(scope.now, 30))
    return post_id


def run_routine(at: SandboxAgency) -> UUID:
    post_id = at.write()
    with at.scope() as scope:
        day_posts.add_draft_deliveries(
            scope, post_id, [at.channels["main"]], wall_time_after(scope.now, 30)
        )
    return post_id


def rewrite(at: SandboxAgency) -> UUID:
    delivery_id = at.delivery(after=60)
    with at.scope(f"member:{at.author}") as scope:
        post_id = get_delivery(scope, delivery_id).post_id
        drafts.rewrite_post(scope, post_id, Draft(at.creator_id, "", "new", (), ()), author="x:y")
    return post_id


def require_second_approval(at: SandboxAgency) -> UUID:
    delivery_id = at.delivery(after=60)
    at.act(approval_policy.change_approval_policy, at.creator_id, tiers=2, times=False)
    at.act(approval_policy.change_approval_policy, at.creator_id, tiers=1, times=False)
    at.act(approval_policy.change_approval_policy, at.creator_id, tiers=2, times=False)
    with at.scope() as scope:
        return get_delivery(scope, delivery_id).post_id


def bring_file(at: SandboxAgency) -> UUID:
    clerk = FileImporter(at)
    due = to_wall_time(at.now() + timedelta(minutes=3), ZONE)
    clock = due.clock.isoformat("minutes")
    clerk.write(format_csv([clerk.row(1, date=due.day.isoformat(), time=clock)]))
    with at.scope() as scope:
        return scope.run("SELECT id FROM posts WHERE tenant_id = :t", t=at.tenant_id).scalar_one()


WAYS = [
    compose,
    call_api,
    propose,
    schedule_stored,
    move,
    run_routine,
    rewrite,
    require_second_approval,
    bring_file,
]


@pytest.mark.parametrize("make", WAYS)
def test_post_due_at_once_can_be_approved_for_the_agencys_time(
    lea: SandboxAgency, make: Callable[[SandboxAgency], UUID]
) -> None:
    with lea.scope() as scope:
        agency_settings.set_approval_time(scope, timedelta(hours=4))
    before = lea.now()
    post_id = make(lea)
    delivery_id = only_delivery(lea, post_id)
    with lea.scope() as scope:
        deadline = release.approval_deadline(scope, post_id)
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    assert deadline is not None
    assert before + timedelta(hours=4) <= deadline <= lea.now() + timedelta(hours=4, minutes=5)


@pytest.mark.parametrize(("minutes", "published"), [(55, True), (65, False)])
def test_approval_until_the_deadline_publishes_the_post(
    lea: SandboxAgency, minutes: int, published: bool
) -> None:
    post_id = compose(lea)
    lea.live(minutes=minutes)
    delivery_id = only_delivery(lea, post_id)
    assert lea.state(delivery_id) is DeliveryState.HELD
    with lea.scope(f"member:{lea.manager}") as scope:
        versioned_actions.approve_and_schedule(scope, post_id, member_id=lea.manager)
    lea.live(minutes=1)
    assert len(lea.posts()) == published
    assert (lea.state(delivery_id) is DeliveryState.PUBLISHED) == published


def test_prompt_approval_restores_the_posts_own_limit(lea: SandboxAgency) -> None:
    post_id = compose(lea)
    delivery_id = only_delivery(lea, post_id)
    lea.approve(post_id)
    lea.plan(post_id)
    with lea.scope() as scope:
        row = get_delivery(scope, delivery_id)
    assert row.late_until == row.due_at + timedelta(minutes=5)


def test_later_posts_and_other_limits_are_kept(lea: SandboxAgency) -> None:
    with lea.scope(f"member:{lea.author}") as scope:
        at = wall_time_after(scope.now, 3600)
        planned = drafts.plan_draft(
            scope,
            draft(lea, late=LateLimit.FIVE_MINUTES),
            key=uuid7(),
            at=at,
            author=scope.actor,
        )
        assert release.approval_deadline(scope, planned.post_id) == at.instant() + timedelta(
            minutes=5
        )
    post_id = compose(lea)
    with lea.scope(f"member:{lea.author}") as scope:
        priority.set_late_limit(scope, post_id, LateLimit.ALWAYS, version=1)
    with lea.scope() as scope:
        assert release.approval_deadline(scope, post_id) is None


@pytest.mark.parametrize("minutes", [-1, 0, 59, 7 * 24 * 60 + 1])
def test_time_of_the_agency_is_between_an_hour_and_a_week(lea: SandboxAgency, minutes: int) -> None:
    with pytest.raises(BadInput), lea.scope() as scope:
        agency_settings.set_approval_time(scope, timedelta(minutes=minutes))
