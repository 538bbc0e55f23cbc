"""Taking away what stands outside, and what never did."""

import pytest

from foundation.errors import Conflict
from gate import copies
from gate.units import Subject
from schedules import removal
from schedules.states import DeliveryState as S
from tests.schedules.builders import Desk


def test_a_published_post_is_taken_away_and_its_going_is_proven(lea: Desk) -> None:
    delivery_id = lea.delivery("regret", media=(lea.photo(),))
    lea.run()
    assert lea.act(removal.ask, delivery_id) == 1
    assert lea.state(delivery_id) is S.REMOVING
    lea.run()
    assert lea.state(delivery_id) is S.REMOVED
    status, _ = lea.network.api("GET", lea.accounts["main"], f"posts/{lea.entry(delivery_id).native_id}")
    assert status == 404
    with lea.scope() as scope:
        kept = copies.copies(scope, Subject("delivery", delivery_id))
    assert [copy.gone_at is not None for copy in kept] == [True]
    with pytest.raises(Conflict):
        lea.act(removal.ask, delivery_id)


def test_what_is_gone_already_counts_as_taken_away(lea: Desk) -> None:
    delivery_id = lea.delivery()
    lea.run()
    lea.network.api("DELETE", lea.accounts["main"], f"posts/{lea.entry(delivery_id).native_id}")
    lea.act(removal.ask, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is S.REMOVED


def test_a_platform_that_does_not_delete_now_is_asked_again(lea: Desk) -> None:
    delivery_id = lea.delivery()
    lea.run()
    lea.fault("status:503", on="deletes", times=2)
    lea.act(removal.ask, delivery_id)
    lea.run()
    assert lea.state(delivery_id) is S.REMOVING
    lea.live(minutes=30)
    assert lea.state(delivery_id) is S.REMOVED


@pytest.mark.parametrize("mode", ["reset_after", "reset_before"])
def test_a_post_in_doubt_is_looked_for_and_taken_away(lea: Desk, mode: str) -> None:
    """Nothing is sent again meanwhile, and nothing stays outside."""
    lea.fault(mode)
    delivery_id = lea.delivery("maybe", media=(lea.photo(),))
    lea.run()
    assert lea.state(delivery_id) is S.UNCERTAIN
    lea.act(removal.ask, delivery_id)
    lea.live(minutes=30)
    assert lea.state(delivery_id) is S.REMOVED
    _, told = lea.network.api("GET", lea.accounts["main"], "posts?limit=50")
    assert told["posts"] == []
    assert len(lea.asked()) == 1


def test_what_never_left_cannot_be_taken_away(lea: Desk) -> None:
    delivery_id = lea.delivery(after=600)
    with pytest.raises(Conflict):
        lea.act(removal.ask, delivery_id)
    assert lea.state(delivery_id) is S.SCHEDULED


def test_removal_is_not_stopped_by_a_crash(lea: Desk) -> None:
    for at in range(1, 14, 3):
        delivery_id = lea.delivery(f"{at}")
        lea.run()
        lea.act(removal.ask, delivery_id)
        died = lea.crash(at=at)
        lea.live(minutes=2)
        assert lea.state(delivery_id) is S.REMOVED, at
        if not died:
            return
