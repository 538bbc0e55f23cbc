"""Reminders of undecided posts: one per creator after an hour and then daily; old uncertain
deliveries go to the owner."""

from datetime import UTC, datetime, timedelta

from schedules.notices import undecided_posts
from schedules.posts import deliveries, transitions
from schedules.posts.states import DeliveryState
from schedules.publishing import uncertain_deliveries
from tenants.agencies import queries as tenant_reads
from tenants.notices.queries import list_open_notices
from tests.schedules.builders import SandboxAgency
from tests.schedules.notices.test_blocked_account import said


def reminded(lea: SandboxAgency) -> datetime | None:
    """Run the sweep and return the time at which the reminder was opened, or None."""
    lea.act(undecided_posts.refresh_undecided_notices)
    with lea.scope() as scope:
        found = list_open_notices(scope)
    return next((one.at for one in found if one.cause == f"waiting:{lea.creator_id}"), None)


def test_undecided_posts_are_reminded_after_an_hour_then_daily(lea: SandboxAgency) -> None:
    lea.fault("refuse", times=3)
    late = [lea.delivery(f"{n}") for n in range(3)]
    lea.run()
    assert {lea.state(one) for one in late} == {DeliveryState.FAILED}
    assert reminded(lea) is None
    lea.pass_time(minutes=61)
    first = reminded(lea)
    assert first is not None
    assert said(lea, f"waiting:{lea.creator_id}").params == {"posts": 3}
    lea.pass_time(hours=20)
    assert reminded(lea) == first
    lea.pass_time(hours=5)
    second = reminded(lea)
    assert second is not None
    assert second > first
    lea.act(deliveries.cancel_delivery, late[0])
    assert reminded(lea) == second
    assert said(lea, f"waiting:{lea.creator_id}").params == {"posts": 2}
    for one in late[1:]:
        lea.act(deliveries.cancel_delivery, one)
    assert reminded(lea) is None


def test_day_old_uncertain_delivery_notifies_owner_only(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=60)
    with lea.scope() as scope:
        deliveries.cancel_wakeups(scope, delivery_id)
        for state in (DeliveryState.PUBLISHING, DeliveryState.UNCERTAIN):
            transitions.transition_delivery(
                scope, transitions.get_delivery(scope, delivery_id), state
            )
    with lea.scope() as scope:
        owner, other = (
            tenant_reads.get_member(scope, one).principal_id for one in (lea.manager, lea.author)
        )
    cause = f"unsure:{lea.creator_id}:{owner}"
    lea.pass_time(hours=23)
    lea.act(undecided_posts.refresh_undecided_notices)
    assert cause not in lea.notices()
    lea.pass_time(hours=2)
    lea.act(undecided_posts.refresh_undecided_notices)
    assert lea.notices()[cause] == "waiting.unsure"
    with lea.scope() as scope:
        assert cause not in {one.cause for one in list_open_notices(scope, to=other)}
    lea.act(uncertain_deliveries.close_uncertain_delivery, delivery_id, member_id=lea.manager)
    lea.act(undecided_posts.refresh_undecided_notices)
    assert cause not in lea.notices()


def test_reminders_are_at_least_an_hour_apart() -> None:
    hour, start = timedelta(hours=1), datetime(2026, 3, 2, tzinfo=UTC)
    last = start + hour
    assert not undecided_posts.is_reminder_due(last, [start, start + hour / 2], last + hour / 2)
    assert undecided_posts.is_reminder_due(last, [start, start + hour / 2], last + hour)
    assert not undecided_posts.is_reminder_due(last, [start], last + 23 * hour)
    assert undecided_posts.is_reminder_due(last, [start], last + 24 * hour)
