"""Taking away what stands outside, and what never did."""

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


def test_a_published_post_is_taken_away_and_its_going_is_proven(lea: SandboxAgency) -> None:
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


def test_what_is_gone_already_counts_as_taken_away(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery()
    lea.run()
    lea.network.api("DELETE", lea.accounts["main"], f"posts/{lea.entry(delivery_id).native_id}")
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVED


def test_a_platform_that_does_not_delete_now_is_asked_again(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery()
    lea.run()
    lea.fault("status:503", on="deletes", times=2)
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVING
    lea.live(minutes=30)
    assert lea.state(delivery_id) is DeliveryState.REMOVED


@pytest.mark.parametrize("mode", ["reset_after", "reset_before"])
def test_a_post_in_doubt_is_looked_for_and_taken_away(lea: SandboxAgency, mode: str) -> None:
    """Nothing is sent again meanwhile, and nothing stays outside."""
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


def test_what_never_left_cannot_be_taken_away(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=600)
    with pytest.raises(Conflict):
        lea.act(post_removal.request_post_removal, delivery_id)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED


def test_removal_is_not_stopped_by_a_crash(lea: SandboxAgency) -> None:
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
    """The open alarms of what is there for too long."""
    return [code for cause, code in lea.notices().items() if cause.endswith(":late")]


def later(lea: SandboxAgency, **by: float) -> None:
    """The hours pass, and what is due by then is done once."""
    lea.run()
    lea.pass_time(**by)
    lea.run()


def test_a_site_that_only_says_later_is_told_once_after_a_day(lea: SandboxAgency) -> None:
    """It used to be tried for ever, and nobody heard of it."""
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
    assert late(lea) == [], "once"
    lea.network.clear()
    later(lea, hours=1)
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    with lea.scope() as scope:
        assert tasks.list_due_tasks(scope, creators=[lea.creator_id]) == []


def test_what_must_go_is_told_sooner(lea: SandboxAgency) -> None:
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


def test_a_site_that_wants_us_to_wait_for_hours_is_told_in_time(lea: SandboxAgency) -> None:
    """Nothing is even asked while it does: the clock runs all the same."""
    delivery_id = lea.delivery("regret")
    lea.run()
    lea.fault("status:429", on="deletes", times=99, retry_after=3600)
    lea.act(post_removal.request_post_removal, delivery_id)
    later(lea, hours=23, minutes=30)
    asked = len(lea.asked(kind="deletes"))
    later(lea, minutes=31)
    assert (lea.state(delivery_id), late(lea)) == (DeliveryState.REMOVING, ["copy.still_there"])
    assert len(lea.asked(kind="deletes")) == asked
