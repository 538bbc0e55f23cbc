"""Outcomes of manual tasks, and public addresses that platforms report after publishing."""

from uuid import UUID

from channels.sending import step_runner
from connectors.contract.outcomes import Rejected
from foundation.db.database import Scope
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.copies import live_copies
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.events import ReconcileDue
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery, update_delivery
from schedules.publishing import settlement
from schedules.publishing.events import ManualOutcomeDue


def record_manual_outcome(scope: Scope, event: ManualOutcomeDue) -> None:
    """Move a delivery to the outcome of its manual task: posted, not posted, or uncertain after a
    recall.

    Repeats and deliveries in another state are ignored. Raises NotFound.
    """
    row = get_delivery(scope, event.of_id)
    if event.end == "linked":
        _record_late_link(scope, row, event)
    elif row.state not in (DeliveryState.PROCESSING, DeliveryState.UNCERTAIN):
        return
    elif event.end == "posted":
        _record_manual_post(scope, row, event)
    elif event.end == "recalled_open":
        if row.state == DeliveryState.PROCESSING:
            transition_delivery(
                scope,
                row,
                DeliveryState.UNCERTAIN,
                reason=Message(event.why),
                uncertain_since=scope.now,
            )
            outbox.cancel(scope, ReconcileDue.kind, row.id)
    else:
        _record_manual_failure(scope, row, event)


def _record_manual_post(scope: Scope, row: Delivery, event: ManualOutcomeDue) -> None:
    try:
        settlement.record_live_link(scope, row.id, native_id=event.native_id, url=event.url)
    # Another post of the account has the same link: this one is published all the same.
    except Conflict:
        settlement.record_live_link(
            scope, row.id, native_id=f"task:{event.subject_id}", url=event.url
        )


def _record_manual_failure(scope: Scope, row: Delivery, event: ManualOutcomeDue) -> None:
    reason = Message(event.why)
    if row.state == DeliveryState.PROCESSING:
        transition_delivery(scope, row, DeliveryState.FAILED, reason=reason, settled_at=scope.now)
    else:  # The graph has no edge to FAILED from here.
        transition_delivery(scope, row, DeliveryState.CANCELLED, reason=reason)
    outbox.cancel(scope, ReconcileDue.kind, row.id)
    step_runner.close_attempt(scope, delivery_subject(row.id), Rejected(reason, permanent=False))


def _record_late_link(scope: Scope, row: Delivery, event: ManualOutcomeDue) -> None:
    """Store a link that a member added after the task in the delivery and its copy."""
    if row.state != DeliveryState.PUBLISHED:
        return
    known = live_copies.list_copies(scope, delivery_subject(row.id))
    update_delivery(scope, row, native_id=event.native_id, url=event.url)
    if known:
        live_copies.record_copy(scope, known[-1].jti, event.native_id, scope.now)


def record_public_address(
    scope: Scope, delivery_id: UUID, *, before: str, native_id: str, url: str
) -> None:
    """Store the public address of the post with native ID `before`, unless it has one.

    Raises Conflict if the delivery changed in the meantime.
    """
    row = get_delivery(scope, delivery_id)
    if row.url or row.native_id != before:
        return  # another part of a thread: the address of a delivery is that of its first part
    update_delivery(scope, row, native_id=native_id, url=url)
