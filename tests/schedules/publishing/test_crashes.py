"""A process that dies at every line between the row and its end: never twice, never lost."""

from collections.abc import Callable
from uuid import UUID

import pytest

from foundation.db.database import Scope
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal, settlement, uncertain_deliveries
from tests.schedules.builders import SandboxAgency, create_sandbox_agency

MOST = 40
"""More points than one publication with a picture has."""


def recovered(lea: SandboxAgency) -> None:
    """Another process, and time enough for every deadline and look."""
    lea.live(minutes=12)


@pytest.mark.parametrize(
    ("mode", "pictures", "step"),
    [("", 0, 1), ("", 1, 4), ("reset_after", 1, 4)],
    ids=["words", "picture", "lost"],
)
def test_death_at_any_line_neither_doubles_nor_loses(
    lea: SandboxAgency, mode: str, pictures: int, step: int
) -> None:
    """The points of a run: before, inside and after each transaction, before and after each
    request."""
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
        if asked:  # doubt is told at once, not after a second claim
            assert mia.states(delivery_id)[3] in ("uncertain", "published"), (
                at,
                mia.states(delivery_id),
            )
        if not died:
            break
    assert not died
    assert at > 9, "so many points has the shortest run"


def test_a_refusal_is_remembered_by_the_next_process(lea: SandboxAgency) -> None:
    """A refused post costs one request, wherever the process dies once the answer was kept (P8)."""
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
            unknown += 1  # it died with the answer, or with the request: nobody can know which
        else:
            assert len(mia.asked()) == 1, at
        if not died:
            break
    assert not died
    assert unknown >= 1


def test_a_killed_process_leaves_no_delivery_publishing(lea: SandboxAgency) -> None:
    """P2: three minutes after its deadline a delivery is in a state a person can read."""
    for at in (4, 9, 13):
        delivery_id = lea.delivery(f"{at}")
        lea.crash(at=at)
        lea.live(minutes=4)
        assert lea.state(delivery_id) is not DeliveryState.PUBLISHING, at


def test_what_died_over_an_upload_and_is_too_late_leaves_no_attempt_open(
    lea: SandboxAgency,
) -> None:
    """Nobody claims it again, so nobody else would say how the attempt ended."""
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


def test_what_died_over_an_upload_and_is_cancelled_then_leaves_no_attempt_open(
    lea: SandboxAgency,
) -> None:
    """Somebody takes it off the calendar between the end of the doubt and the claim that would
    follow."""
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


@pytest.mark.parametrize("looked", [False, True], ids=["nobody can look", "somebody can"])
@pytest.mark.parametrize(
    ("decided", "ends"),
    [
        (uncertain_deliveries.close_uncertain_delivery, ["uncertain"]),
        (post_removal.request_post_removal, ["uncertain"]),
        (_linked, ["published"]),
        (settlement.resend_absent_delivery, ["uncertain", "published"]),
    ],
)
def test_what_died_over_its_answer_leaves_no_attempt_open(
    lea: SandboxAgency, decided: Callable[..., object], ends: list[str], looked: bool
) -> None:
    """Whatever a person decides of it: a try that nobody goes on with stays known as what may be
    there."""
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


def test_a_message_that_comes_twice_does_its_work_once(lea: SandboxAgency) -> None:
    """Redis may hand over a row again while its first worker lives."""
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
