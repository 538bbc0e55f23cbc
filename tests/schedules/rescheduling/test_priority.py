"""Priority changed after scheduling: the order of publication, and the states that allow no change."""

import pytest

from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.rescheduling import priority as importance
from tests.schedules.builders import SandboxAgency


def say(
    lea: SandboxAgency, delivery_id: object, priority: int, *, version: int | None = None
) -> None:
    # `delivery_id` is typed as object
    seen = lea.entry(delivery_id).version if version is None else version  # type: ignore[arg-type]  # see above
    lea.act(importance.set_priority, delivery_id, priority, version=seen)


def test_higher_priority_publishes_first(lea: SandboxAgency) -> None:
    first, second = lea.delivery("first", after=120), lea.delivery("second", after=120)
    planned = lea.entry(second)
    say(lea, first, 9)
    say(lea, second, 1)
    lea.pass_time(minutes=3)  # no event is handled in between, so both are due
    lea.live(minutes=5)
    assert lea.texts() == ["second", "first"]
    assert [lea.state(one) for one in (first, second)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ]
    assert lea.entry(second).due_at == planned.due_at


def test_repeated_priority_change_publishes_once(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("once", after=60)
    for priority in (1, 9, 2, 2):
        say(lea, delivery_id, priority)
    assert [row.priority for row in lea.rows("delivery.publish")] == [2]
    lea.live(minutes=5)
    assert lea.texts() == ["once"]


def test_draft_keeps_priority_until_scheduled(lea: SandboxAgency) -> None:
    post_id = lea.write("later")
    delivery_id = lea.wish(post_id, after=60)
    say(lea, delivery_id, 2)
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    lea.approve(post_id)
    lea.plan(post_id)
    assert [row.priority for row in lea.rows("delivery.publish")] == [2]


def test_priority_of_possibly_published_delivery_cannot_change(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("out")
    lea.run()
    with pytest.raises(Conflict):
        say(lea, delivery_id, 1)
    for state in (
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PARTLY,
        DeliveryState.CANCELLED,
        DeliveryState.REMOVED,
    ):
        with lea.scope() as scope:
            scope.run(
                "UPDATE deliveries SET state = :s WHERE tenant_id = :t",
                s=str(state),
                t=lea.tenant_id,
            )
        with pytest.raises(Conflict):
            say(lea, delivery_id, 1)


@pytest.mark.parametrize("priority", [-1, 0, 10, 2**40])
def test_invalid_priority_is_refused(lea: SandboxAgency, priority: int) -> None:
    delivery_id = lea.delivery("later", after=600)
    with pytest.raises(BadInput):
        say(lea, delivery_id, priority)
    with lea.scope() as scope:
        assert get_delivery(scope, delivery_id).priority == 5


def test_outdated_or_unknown_delivery_is_refused(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("later", after=600)
    seen = lea.entry(delivery_id).version
    say(lea, delivery_id, 3)
    with pytest.raises(Conflict):
        say(lea, delivery_id, 4, version=seen)
    with pytest.raises(NotFound):
        say(lea, uuid7(), 4, version=1)
