"""What waits for a decision is reminded of after an hour and then daily, once for all; old doubt is the owner's."""

from datetime import UTC, datetime, timedelta

from schedules import doubts, moving, planning, waiting_long
from schedules.states import DeliveryState as S
from tenants import reads as tenant_reads
from tests.schedules.builders import Desk
from tests.schedules.test_waiting import said


def reminded(lea: Desk) -> datetime | None:
    """When the reminder was opened, as the sweep leaves it."""
    lea.act(waiting_long.watch)
    with lea.scope() as scope:
        found = tenant_reads.open_notices(scope)
    return next((one.at for one in found if one.cause == f"waiting:{lea.creator_id}"), None)


def test_after_an_hour_then_daily_and_no_longer_than_they_wait(lea: Desk) -> None:
    lea.fault("refuse", times=3)
    late = [lea.delivery(f"{n}") for n in range(3)]
    lea.run()
    assert {lea.state(one) for one in late} == {S.FAILED}
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
    lea.act(planning.cancel, late[0])
    assert reminded(lea) == second
    assert said(lea, f"waiting:{lea.creator_id}").params == {"posts": 2}
    for one in late[1:]:
        lea.act(planning.cancel, one)
    assert reminded(lea) is None


def test_doubt_of_a_day_is_told_to_the_owner_alone(lea: Desk) -> None:
    delivery_id = lea.delivery(after=60)
    with lea.scope() as scope:
        planning.unplan(scope, delivery_id)
        for state in (S.PUBLISHING, S.UNCERTAIN):
            moving.move(scope, moving.delivery(scope, delivery_id), state)
    with lea.scope() as scope:
        owner, other = (tenant_reads.member(scope, one).principal_id for one in (lea.manager, lea.author))
    cause = f"unsure:{lea.creator_id}:{owner}"
    lea.pass_time(hours=23)
    lea.act(waiting_long.watch)
    assert cause not in lea.notices()
    lea.pass_time(hours=2)
    lea.act(waiting_long.watch)
    assert lea.notices()[cause] == "waiting.unsure"
    with lea.scope() as scope:
        assert cause not in {one.cause for one in tenant_reads.open_notices(scope, to=other)}
    lea.act(doubts.leave, delivery_id, member_id=lea.manager)
    lea.act(waiting_long.watch)
    assert cause not in lea.notices()


def test_another_post_is_no_reason_to_remind_twice_within_an_hour() -> None:
    hour, start = timedelta(hours=1), datetime(2026, 3, 2, tzinfo=UTC)
    last = start + hour
    assert not waiting_long.is_due(last, [start, start + hour / 2], last + hour / 2)
    assert waiting_long.is_due(last, [start, start + hour / 2], last + hour)
    assert not waiting_long.is_due(last, [start], last + 23 * hour)
    assert waiting_long.is_due(last, [start], last + 24 * hour)
