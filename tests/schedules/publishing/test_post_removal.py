"""Removal of live posts, of uncertain posts, and of posts that were never published."""

import pytest

from channels.manual_tasks import tasks
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from gate.contract.units import Subject
from gate.copies import live_copies
from gate.removal import recall
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tests.schedules.builders import SandboxAgency


def test_published_post_is_removed_and_verified(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("regret", media=(lea.photo(),))
    lea.run()
    assert lea.act(post_removal.request_post_removal, delivery_id) == 1
    assert lea.state(delivery_id) is DeliveryState.REMOVING
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    status, _ = lea.network.api(
        "GET", lea.accounts["main"], f"posts/{lea.entry(delivery_id).native_id}"
    )
    assert status == 404
    with lea.scope() as scope:
        kept = live_copies.list_copies(scope, Subject("delivery", delivery_id))
    assert [copy.removed_at is not None for copy in kept] == [True]
    with pytest.raises(Conflict):
        lea.act(post_removal.request_post_removal, delivery_id)


def test_externally_deleted_post_counts_as_removed(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery()
    lea.run()
    lea.network.api("DELETE", lea.accounts["main"], f"posts/{lea.entry(delivery_id).native_id}")
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVED


def test_failed_removal_is_retried(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery()
    lea.run()
    lea.fault("status:503", on="deletes", times=2)
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVING
    lea.live(minutes=30)
    assert lea.state(delivery_id) is DeliveryState.REMOVED


@pytest.mark.parametrize("mode", ["reset_after", "reset_before"])
def test_uncertain_post_is_looked_up_and_removed(lea: SandboxAgency, mode: str) -> None:
    """The post is not sent again during the removal, and none stays live."""
    lea.fault(mode)
    delivery_id = lea.delivery("maybe", media=(lea.photo(),))
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.UNCERTAIN
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.live(minutes=30)
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    _, told = lea.network.api("GET", lea.accounts["main"], "posts?limit=50")
    assert told["posts"] == []
    assert len(lea.asked()) == 1


def test_unpublished_post_cannot_be_removed(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=600)
    with pytest.raises(Conflict):
        lea.act(post_removal.request_post_removal, delivery_id)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED


def test_removal_survives_crash(lea: SandboxAgency) -> None:
    for at in range(1, 14, 3):
        delivery_id = lea.delivery(f"{at}")
        lea.run()
        lea.act(post_removal.request_post_removal, delivery_id)
        died = lea.crash(at=at)
        lea.live(minutes=2)
        assert lea.state(delivery_id) is DeliveryState.REMOVED, at
        if not died:
            return


def late(lea: SandboxAgency) -> list[str]:
    """Return the open notices of removals that take too long."""
    return [code for cause, code in lea.notices().items() if cause.endswith(":late")]


def later(lea: SandboxAgency, **by: float) -> None:
    """Advance the time in one step and handle the events due by then."""
    lea.run()
    lea.pass_time(**by)
    lea.run()


def test_endless_removal_is_reported_once_after_a_day(lea: SandboxAgency) -> None:
    """Such removals were once retried forever without a notice."""
    delivery_id = lea.delivery("regret")
    lea.run()
    lea.fault("status:503", on="deletes", times=9999)
    lea.act(post_removal.request_post_removal, delivery_id)
    later(lea, hours=23)
    assert (lea.state(delivery_id), late(lea)) == (DeliveryState.REMOVING, [])
    later(lea, hours=2)
    assert (lea.state(delivery_id), late(lea)) == (DeliveryState.REMOVING, ["copy.still_there"])
    with lea.scope() as scope:
        told = [one for one in list_open_notices(scope) if one.cause.endswith(":late")]
        assert [
            (one.urgent, one.message.params["account"], one.message.params["hours"]) for one in told
        ] == [(True, "main", 24)]
        (task,) = tasks.list_due_tasks(scope, creators=[lea.creator_id])
        assert (task.is_removal, bool(task.url)) == (True, True)
        notices.dismiss(scope, told[0].cause, why="later")
    later(lea, hours=3)
    assert late(lea) == [], "the notice is opened once"
    lea.network.clear()
    later(lea, hours=1)
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    with lea.scope() as scope:
        assert tasks.list_due_tasks(scope, creators=[lea.creator_id]) == []


def test_takedown_is_reported_after_twelve_hours(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("harm")
    lea.run()
    lea.fault("status:503", on="deletes", times=9999)
    with lea.services.tenant(lea.tenant_id, "system:test", role="gate") as scope:
        found = live_copies.list_copies(scope, Subject("delivery", delivery_id))
        recall.open_takedowns(scope, found, Message("recall.thread"))
    later(lea, hours=11)
    assert late(lea) == []
    later(lea, hours=2)
    assert late(lea) == ["copy.still_there"]


def test_rate_limited_removal_is_reported_after_a_day(lea: SandboxAgency) -> None:
    """The time until the notice counts although no request is sent during the wait."""
    delivery_id = lea.delivery("regret")
    lea.run()
    lea.fault("status:429", on="deletes", times=99, retry_after=3600)
    lea.act(post_removal.request_post_removal, delivery_id)
    later(lea, hours=23, minutes=30)
    asked = len(lea.asked(kind="deletes"))
    later(lea, minutes=31)
    assert (lea.state(delivery_id), late(lea)) == (DeliveryState.REMOVING, ["copy.still_there"])
    assert len(lea.asked(kind="deletes")) == asked
