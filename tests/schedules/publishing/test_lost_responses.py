"""Lost responses: a post is never sent twice, is found if it was published, and is left to a member
if no lookup is possible."""

from datetime import timedelta

import pytest

from foundation.errors import Conflict
from schedules.posts.states import DeliveryState
from schedules.publishing import settlement, uncertain_deliveries
from tests.schedules.builders import SandboxAgency, create_sandbox_agency

TAKEN_IN = ["accept_then_hang", "reset_after", "status:503_after", "garbage"]
LOST = ["reset_before", "hang"]


@pytest.fixture(params=[False, True], ids=["no keys", "keys"])
def account(request: pytest.FixtureRequest, lea: SandboxAgency) -> SandboxAgency:
    """Return an agency whose account honours idempotency keys, and one whose account does not."""
    return (
        create_sandbox_agency(lea.services, lea.network, keys=request.param)
        if request.param
        else lea
    )


@pytest.mark.parametrize("mode", TAKEN_IN)
def test_accepted_post_is_found_and_never_sent_twice(account: SandboxAgency, mode: str) -> None:
    account.fault(mode)
    delivery_id = account.delivery("once", media=(account.photo(),))
    account.run()
    assert account.state(delivery_id) is DeliveryState.UNCERTAIN
    assert list(account.notices()) == [f"delivery:{delivery_id}"]
    account.live(minutes=3)
    assert account.state(delivery_id) is DeliveryState.PUBLISHED
    assert account.texts() == ["once"]
    assert len(account.asked()) == 1
    assert account.entry(delivery_id).native_id == account.posts()[0]["id"]
    assert account.notices() == {}


@pytest.mark.parametrize("mode", LOST)
def test_lost_request_is_sent_again_after_absence_is_proven(
    account: SandboxAgency, mode: str
) -> None:
    account.fault(mode)
    delivery_id = account.delivery("once")
    account.run()
    assert account.state(delivery_id) is DeliveryState.UNCERTAIN
    account.live(minutes=9)
    assert account.state(delivery_id) is DeliveryState.UNCERTAIN, "the listing may lag"
    account.live(minutes=3)
    assert account.state(delivery_id) is DeliveryState.PUBLISHED
    assert account.texts() == ["once"]
    assert len(account.asked()) == 2
    looks = [
        step.answered for attempt in account.attempts(delivery_id, "look") for step in attempt.steps
    ]
    assert len(looks) >= 2 or account.accounts["main"].endswith("+key")


def test_delivery_proven_absent_too_late_is_held(lea: SandboxAgency) -> None:
    lea.fault("reset_before")
    delivery_id = lea.delivery(late_ok=timedelta(seconds=50))
    lea.live(minutes=10)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.too_late",
    )
    assert lea.posts() == []


def test_idempotency_key_prevents_second_post_after_late_lookup(lea: SandboxAgency) -> None:
    """Two lookups miss the published post. Because of the idempotency key, the second request
    returns the first post."""
    mia = create_sandbox_agency(lea.services, lea.network, keys=True)
    mia.fault("accept_then_hang")
    mia.fault("lag", on="lookups", lookup_lag=900)
    delivery_id = mia.delivery("once")
    mia.live(minutes=25)
    assert len(mia.asked()) == 2
    assert mia.texts() == ["once"]
    assert mia.state(delivery_id) is DeliveryState.PUBLISHED
    assert mia.entry(delivery_id).native_id == mia.posts()[0]["id"]


def test_short_listing_lag_does_not_hide_post(lea: SandboxAgency) -> None:
    lea.fault("accept_then_hang")
    lea.fault("lag", on="lookups", lookup_lag=50)
    delivery_id = lea.delivery("once")
    lea.live(minutes=25)
    assert lea.texts() == ["once"]
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_failed_lookup_proves_nothing(lea: SandboxAgency) -> None:
    lea.fault("reset_after")
    lea.fault("status:503", on="lookups", times=3)
    delivery_id = lea.delivery("once")
    lea.live(minutes=10)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts() == ["once"]


def in_doubt(lea: SandboxAgency, mode: str) -> object:
    """Return an uncertain delivery of an account whose platform refuses every lookup."""
    lea.fault(mode)
    lea.fault("status:403", on="lookups", times=1000)
    delivery_id = lea.delivery("once", late_ok=None)
    lea.live(minutes=30)
    assert lea.state(delivery_id) is DeliveryState.UNCERTAIN
    return delivery_id


def test_member_confirms_uncertain_delivery_with_link(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea, "reset_after")
    lea.act(
        settlement.record_live_link,
        delivery_id,
        native_id=lea.posts()[0]["id"],
        url="https://example.test/1",
    )
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.story(delivery_id)[-1].by == f"member:{lea.manager}"
    lea.live(days=2)
    assert lea.texts() == ["once"]
    with pytest.raises(Conflict):
        lea.act(settlement.resend_absent_delivery, delivery_id)


def test_member_resends_absent_delivery(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea, "reset_before")
    lea.act(settlement.resend_absent_delivery, delivery_id)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts() == ["once"]
    with pytest.raises(Conflict):
        lea.act(settlement.resend_absent_delivery, delivery_id)


def test_member_closes_uncertain_delivery(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea, "reset_after")
    lea.act(uncertain_deliveries.close_uncertain_delivery, delivery_id, member_id=lea.manager)
    lea.live(days=2)
    assert lea.state(delivery_id) is DeliveryState.CANCELLED
    assert lea.texts() == ["once"]
    assert lea.rows("delivery.reconcile") == []


def test_live_post_belongs_to_one_delivery(lea: SandboxAgency) -> None:
    other = lea.delivery("other")
    lea.run()
    delivery_id = in_doubt(lea, "reset_after")
    taken = lea.entry(other).native_id
    with pytest.raises(Conflict) as told:
        lea.act(settlement.record_live_link, delivery_id, native_id=taken, url="")
    assert told.value.message.code == "delivery.linked_elsewhere"


def test_uncertain_delivery_stays_open_after_last_lookup(lea: SandboxAgency) -> None:
    delivery_id = in_doubt(lea, "reset_after")
    lea.pass_time(days=1)
    lea.live(hours=1)
    assert lea.state(delivery_id) is DeliveryState.UNCERTAIN
    assert lea.rows("delivery.reconcile") == []
    assert list(lea.notices()) == [f"delivery:{delivery_id}"]
    assert lea.texts() == ["once"]


def test_uncertain_delivery_has_one_chain_of_lookups(lea: SandboxAgency) -> None:
    """Separate lookups of claim and settlement would double the requests to the platform."""
    in_doubt(lea, "reset_after")
    assert len(lea.rows("delivery.reconcile")) == 1


def test_outage_makes_at_most_one_delivery_uncertain(lea: SandboxAgency) -> None:
    lea.fault("status:503", on="*", times=6)
    deliveries = [lea.delivery(f"{n}", after=60 + n) for n in range(4)]
    lea.live(minutes=25)
    assert sorted(lea.texts()) == ["0", "1", "2", "3"]
    assert {lea.state(each) for each in deliveries} == {DeliveryState.PUBLISHED}
    doubtful = [each for each in deliveries if "uncertain" in lea.states(each)]
    assert len(doubtful) <= 1
