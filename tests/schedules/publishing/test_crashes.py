"""A process that dies at any point of a publication: no post is published twice, and none is lost."""

from collections.abc import Callable
from uuid import UUID

import pytest

from foundation.db.database import Scope
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal, settlement, uncertain_deliveries
from tests.schedules.builders import SandboxAgency, create_sandbox_agency

MOST = 40
"""More points than one publication with a photo has."""


def recovered(lea: SandboxAgency) -> None:
    """Let another process continue, with time for every deadline and lookup."""
    lea.live(minutes=12)


@pytest.mark.parametrize(
    ("mode", "pictures", "step"),
    [("", 0, 1), ("", 1, 4), ("reset_after", 1, 4)],
    ids=["words", "picture", "lost"],
)
def test_killed_process_neither_repeats_nor_loses_post(
    lea: SandboxAgency, mode: str, pictures: int, step: int
) -> None:
    """The process dies before, during or after each transaction, and before or after each request."""
    for at in range(0, MOST, step):
        mia = create_sandbox_agency(lea.services, lea.network)
        if mode:
            mia.fault(mode)
        delivery_id = mia.delivery("once", media=(mia.photo(),) if pictures else ())
        died = mia.crash(at=at)
        asked = any(
            step.kind == "publish" for one in mia.attempts(delivery_id) for step in one.steps
        )
        recovered(mia)
        assert mia.texts() == ["once"], (at, mia.states(delivery_id))
        assert mia.state(delivery_id) is DeliveryState.PUBLISHED, (at, mia.states(delivery_id))
        assert mia.rows("delivery.publish") == [], at
        if asked:  # the delivery becomes uncertain at once, not after a second claim
            assert mia.states(delivery_id)[3] in ("uncertain", "published"), (
                at,
                mia.states(delivery_id),
            )
        if not died:
            break
    assert not died
    assert at > 9, "the shortest run has at least this many points"


def test_refusal_is_known_after_crash(lea: SandboxAgency) -> None:
    """A refused post costs one request, wherever the process dies after the response was stored
    (P8)."""
    unknown = 0
    for at in range(8, MOST, 2):
        mia = create_sandbox_agency(lea.services, lea.network)
        mia.fault("refuse", times=9)
        delivery_id = mia.delivery("never", media=(mia.photo(),))
        died = mia.crash(at=at)
        known = any(
            step.answered
            for one in mia.attempts(delivery_id)
            for step in one.steps
            if step.kind == "publish"
        )
        recovered(mia)
        assert mia.state(delivery_id) is DeliveryState.FAILED, (at, mia.states(delivery_id))
        assert mia.texts() == []
        if "uncertain" in mia.states(delivery_id):
            assert not known, at
            # it died with the request or with the response; the two are indistinguishable
            unknown += 1
        else:
            assert len(mia.asked()) == 1, at
        if not died:
            break
    assert not died
    assert unknown >= 1


def test_killed_process_does_not_keep_delivery_publishing(lea: SandboxAgency) -> None:
    """P2: three minutes after its deadline, a delivery is in a state that a member can act on."""
    for at in (4, 9, 13):
        delivery_id = lea.delivery(f"{at}")
        lea.crash(at=at)
        lea.live(minutes=4)
        assert lea.state(delivery_id) is not DeliveryState.PUBLISHING, at


def test_killed_upload_of_late_delivery_is_settled(
    lea: SandboxAgency,
) -> None:
    """No other worker claims the delivery again, so the sweep has to settle the attempt."""
    open_ones = 0
    for at in range(8, MOST, 2):
        mia = create_sandbox_agency(lea.services, lea.network)
        delivery_id = mia.delivery("late", media=(mia.photo(),))
        died = mia.crash(at=at)
        if not died:
            break
        begun = [one for one in mia.attempts(delivery_id) if one.outcome is None]
        asked = any(step.kind == "publish" for one in begun for step in one.steps)
        mia.pass_time(hours=1)
        mia.live(minutes=5)
        if begun and not asked:
            open_ones += 1
            assert mia.state(delivery_id) is DeliveryState.HELD, at
        assert all(one.outcome is not None for one in mia.attempts(delivery_id)), at
    assert not died
    assert open_ones >= 1


def _linked(scope: Scope, delivery_id: UUID) -> None:
    settlement.record_live_link(scope, delivery_id, native_id="1", url="")


def test_killed_upload_of_cancelled_delivery_is_settled(
    lea: SandboxAgency,
) -> None:
    """A member cancels the delivery after its lookup and before the next claim."""
    open_ones = 0
    for at in range(8, MOST, 2):
        mia = create_sandbox_agency(lea.services, lea.network)
        delivery_id = mia.delivery("never", media=(mia.photo(),))
        died = mia.crash(at=at)
        if not died:
            break
        if mia.state(delivery_id) is DeliveryState.PUBLISHING:
            mia.pass_time(minutes=3)
            route = mia.routes.by_kind["delivery.reconcile"]
            route.handler(route.event(mia.tenant_id, delivery_id))
        if mia.state(delivery_id) is DeliveryState.SCHEDULED:
            open_ones += bool(mia.attempts(delivery_id))
            mia.act(deliveries.cancel_delivery, delivery_id)
            mia.live(minutes=5)
            assert [
                one.outcome for one in mia.attempts(delivery_id) if one.outcome is None
            ] == [], at
            assert mia.texts() == []
    assert not died
    assert open_ones >= 1


@pytest.mark.parametrize("looked", [False, True], ids=["without lookup", "with lookup"])
@pytest.mark.parametrize(
    ("decided", "ends"),
    [
        (uncertain_deliveries.close_uncertain_delivery, ["uncertain"]),
        (post_removal.request_post_removal, ["uncertain"]),
        (_linked, ["published"]),
        (settlement.resend_absent_delivery, ["uncertain", "published"]),
    ],
)
def test_attempt_killed_before_response_is_settled_by_decision(
    lea: SandboxAgency, decided: Callable[..., object], ends: list[str], looked: bool
) -> None:
    """Whatever a member decides, an unfinished attempt stays recorded as possibly published."""
    open_ones = 0
    for at in range(8, MOST, 2):
        mia = create_sandbox_agency(lea.services, lea.network)
        if not looked:
            mia.fault("status:403", on="lookups", times=1000)
        delivery_id = mia.delivery("once")
        if not mia.crash(at=at):
            break
        if mia.state(delivery_id) is DeliveryState.PUBLISHING:
            mia.pass_time(minutes=3)
            route = mia.routes.by_kind["delivery.reconcile"]
            route.handler(route.event(mia.tenant_id, delivery_id))
        if mia.state(delivery_id) is DeliveryState.UNCERTAIN:
            open_ones += any(one.outcome is None for one in mia.attempts(delivery_id))
            mia.act(
                decided,
                delivery_id,
                **(
                    {"member_id": mia.manager}
                    if decided is uncertain_deliveries.close_uncertain_delivery
                    else {}
                ),
            )
            mia.live(minutes=30)
            assert [one.outcome for one in mia.attempts(delivery_id)] == ends, at
    assert open_ones >= 1


def test_repeated_outbox_row_publishes_once(lea: SandboxAgency) -> None:
    """Redis may deliver a row again while its first worker is alive."""
    delivery_id = lea.delivery("once")
    with lea.scope() as scope:
        row = scope.run(
            "SELECT id FROM outbox WHERE tenant_id = :tenant AND kind = 'delivery.publish'",
            tenant=lea.tenant_id,
        ).scalar_one()
    lea.run()
    route = lea.routes.by_kind["delivery.publish"]
    for _ in range(3):
        route.handler(route.event(lea.tenant_id, delivery_id))
    assert row is not None
    assert lea.texts() == ["once"]
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
