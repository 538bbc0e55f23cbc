"""Decisions about a delivery while another transaction cancels or reschedules it."""

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
    """Create a delivery that is due and whose outbox row is still waiting."""
    delivery_id = lea.delivery("once", after=1)
    lea.pass_time(minutes=1)
    return delivery_id


def later(scope: Scope, delivery_id: UUID) -> None:
    reschedule_delivery(scope, delivery_id, at=wall_time_after(scope.now, 3600))


@pytest.mark.parametrize(
    ("meanwhile", "state"),
    [(deliveries.cancel_delivery, DeliveryState.CANCELLED), (later, DeliveryState.SCHEDULED)],
)
def test_concurrently_changed_delivery_is_not_woken(
    lea: SandboxAgency, meanwhile: Callable[[Scope, UUID], None], state: DeliveryState
) -> None:
    """Both change between reading the delivery and reading its rows. Waking the delivery would take
    a row of the other transaction."""
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


def test_stalled_delivery_without_outbox_row_is_woken(lea: SandboxAgency) -> None:
    delivery_id = overdue(lea)
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :tenant", tenant=lea.tenant_id)
    assert lea.act(stalled_deliveries.wake_stalled_deliveries) == 1
    assert lea.act(stalled_deliveries.wake_stalled_deliveries) == 0
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


@pytest.mark.parametrize("meanwhile", [expedite_delivery, later])
def test_hold_is_not_applied_to_rescheduled_delivery(
    lea: SandboxAgency, meanwhile: Callable[[Scope, UUID], None]
) -> None:
    """The claim found the delivery too late; before this was stored, a member rescheduled it."""
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


def test_approval_before_hold_is_stored_counts(lea: SandboxAgency) -> None:
    """A delivery that is due at once: its outbox row is handled before the approval and settled
    after it."""
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
