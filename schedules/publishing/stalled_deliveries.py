"""Stalled deliveries: pending deliveries without an outbox row that would wake them. There should
be none."""

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select

from foundation.db.database import Scope
from foundation.ops import telemetry
from foundation.outbox import outbox
from schedules.posts.deliveries import schedule_wakeups
from schedules.posts.events import PublishDue, ReconcileDue
from schedules.posts.models import Delivery
from schedules.posts.states import TIMEOUT_MARGIN, DeliveryState
from schedules.publishing.claims import schedule_lookup

log = telemetry.get_logger("schedules.publishing.stalled_deliveries")


def wake_stalled_deliveries(scope: Scope) -> int:
    """Wake stalled deliveries and return their number (`orphans_total`, which must stay 0)."""
    waiting = select(Delivery).where(
        Delivery.tenant_id == scope.tenant_id, _is_stalled_condition(scope.now)
    )
    return sum(
        _wake_if_stalled(scope, row)
        for row in scope.session.exec(waiting.order_by(col(Delivery.id))).all()
    )


def _is_stalled_condition(now: datetime) -> ColumnElement[bool]:
    """Return the condition that an outbox row should have woken a delivery."""
    waits = [
        str(DeliveryState.DRAFT),
        str(DeliveryState.APPROVED),
        str(DeliveryState.SCHEDULED),
        str(DeliveryState.PARTLY),
    ]
    return or_(
        col(Delivery.state).in_(waits) & (col(Delivery.due_at) < now - TIMEOUT_MARGIN),
        # Later than the lookup that the claim scheduled.
        (col(Delivery.state) == str(DeliveryState.PUBLISHING))
        & (col(Delivery.deadline_at) < now - 3 * TIMEOUT_MARGIN),
        col(Delivery.state) == str(DeliveryState.PROCESSING),
    )


def _wake_if_stalled(scope: Scope, row: Delivery) -> bool:
    """Wake a delivery if it is stalled; return True if it was.

    It is read again under its lock, because it may have changed.
    """
    if _is_awaited(scope, row):
        return False
    ours = (Delivery.tenant_id == row.tenant_id, Delivery.id == row.id)
    again = (
        select(Delivery)
        .where(*ours, _is_stalled_condition(scope.now))
        .with_for_update(key_share=True)
    )
    forgotten = scope.session.exec(again.execution_options(populate_existing=True)).first()
    if forgotten is None or _is_awaited(scope, forgotten):
        return False
    log.error(
        "delivery.forgotten",
        delivery=str(forgotten.id),
        state=forgotten.state,
        version=forgotten.version,
    )
    if _is_in_flight(forgotten):
        schedule_lookup(scope, forgotten, scope.now)
    else:
        schedule_wakeups(scope, forgotten, at=scope.now)
    return True


def _is_awaited(scope: Scope, row: Delivery) -> bool:
    return outbox.is_pending(
        scope, row.id, ReconcileDue.kind if _is_in_flight(row) else PublishDue.kind
    )


def _is_in_flight(row: Delivery) -> bool:
    return row.state in (DeliveryState.PUBLISHING, DeliveryState.PROCESSING)
