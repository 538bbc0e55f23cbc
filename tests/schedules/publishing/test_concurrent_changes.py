"""What the house decides about a delivery in the moment in which others end it or move it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.db.database import Scope
from schedules.approvals import decisions
from schedules.approvals.time_changes import expedite_delivery, reschedule_delivery
from schedules.approvals.verdicts import UNAPPROVED
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.publishing import settlement, stalled_deliveries
from schedules.publishing.claims import TOO_LATE, NotClaimable
from tests.conftest import WAITS_FOR_US, wait_until
from tests.schedules.builders import SandboxAgency, wall_time_after


def overdue(lea: SandboxAgency) -> UUID:
    """Its time has come and gone, and its row still waits."""
    delivery_id = lea.delivery("once", after=1)
    lea.pass_time(minutes=1)
    return delivery_id


def later(scope: Scope, delivery_id: UUID) -> None:
    reschedule_delivery(scope, delivery_id, at=wall_time_after(scope.now, 3600))


@pytest.mark.parametrize(
    ("meanwhile", "state"),
    [(deliveries.cancel_delivery, DeliveryState.CANCELLED), (later, DeliveryState.SCHEDULED)],
)
def test_what_somebody_else_ends_or_moves_in_that_moment_is_no_orphan(
    lea: SandboxAgency, meanwhile: Callable[[Scope, UUID], None], state: DeliveryState
) -> None:
    """The delivery is read, then its rows; in between both change. Waking it would take the row of
    somebody else."""
    delivery_id = overdue(lea)
    with ThreadPoolExecutor() as pool:
        with lea.scope() as scope:
            scope.run("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
            found = pool.submit(lea.act, stalled_deliveries.wake_stalled_deliveries)
            wait_until(lambda: bool(scope.run(WAITS_FOR_US).scalar_one()))
            meanwhile(scope, delivery_id)
        assert found.result() == 0
    assert lea.state(delivery_id) is state
    ahead = [row.available_at > lea.now() for row in lea.rows("delivery.publish")]
    assert ahead == ([True] if state is DeliveryState.SCHEDULED else [])


def test_a_delivery_without_a_row_is_woken(lea: SandboxAgency) -> None:
    delivery_id = overdue(lea)
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :tenant", tenant=lea.tenant_id)
    assert lea.act(stalled_deliveries.wake_stalled_deliveries) == 1
    assert lea.act(stalled_deliveries.wake_stalled_deliveries) == 0
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


@pytest.mark.parametrize("meanwhile", [expedite_delivery, later])
def test_a_no_is_not_for_the_time_somebody_gave_meanwhile(
    lea: SandboxAgency, meanwhile: Callable[[Scope, UUID], None]
) -> None:
    """Too late, said the claim; before that was written down, a person had chosen another time."""
    delivery_id = overdue(lea)
    too_late = NotClaimable("delivery.too_late", hold=TOO_LATE)
    lea.act(meanwhile, delivery_id)
    assert (
        lea.act(settlement.postpone_delivery, delivery_id, too_late)
        == settlement.IMMEDIATE_RETRY_DELAY
    )
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    lea.live(hours=2)
    assert lea.texts() == ["once"]


def test_a_yes_between_the_no_and_its_being_written_down_counts(lea: SandboxAgency) -> None:
    """Due at once: its row comes before the yes, and says so after it."""
    post_id = lea.write("once")
    wish = lea.wish(post_id)
    unapproved = NotClaimable("delivery.unapproved", hold=UNAPPROVED)
    with ThreadPoolExecutor() as pool:
        with lea.scope(f"member:{lea.manager}") as scope:
            decisions.approve_post(scope, post_id, member_id=lea.manager)
            put_off = pool.submit(lea.act, settlement.postpone_delivery, wish, unapproved)
            wait_until(lambda: bool(scope.run(WAITS_FOR_US).scalar_one()))
        assert put_off.result() == settlement.IMMEDIATE_RETRY_DELAY
    assert (
        lea.act(settlement.postpone_delivery, wish, unapproved) == settlement.IMMEDIATE_RETRY_DELAY
    )
    lea.run()
    assert lea.state(wish) is DeliveryState.PUBLISHED
    assert lea.notices() == {}
