"""What is told of a post after it left: a person's word about one they had in hand, a platform's
about where it is."""

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
    """Bring the delivery to what was said: posted, not posted, or perhaps posted although it was
    called back.

    Said twice, or of a delivery that went on meanwhile, it changes nothing. Raises NotFound.
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
    except Conflict:  # the same link on another post of the account: it is posted all the same
        settlement.record_live_link(
            scope, row.id, native_id=f"task:{event.subject_id}", url=event.url
        )


def _record_manual_failure(scope: Scope, row: Delivery, event: ManualOutcomeDue) -> None:
    reason = Message(event.why)
    if row.state == DeliveryState.PROCESSING:
        transition_delivery(scope, row, DeliveryState.FAILED, reason=reason, settled_at=scope.now)
    else:  # the graph has no way back to failed: nobody posts it any more
        transition_delivery(scope, row, DeliveryState.CANCELLED, reason=reason)
    outbox.cancel(scope, ReconcileDue.kind, row.id)
    step_runner.close_attempt(scope, delivery_subject(row.id), Rejected(reason, permanent=False))


def _record_late_link(scope: Scope, row: Delivery, event: ManualOutcomeDue) -> None:
    """The link came after the word: the delivery and its copy learn where it is."""
    if row.state != DeliveryState.PUBLISHED:
        return
    known = live_copies.list_copies(scope, delivery_subject(row.id))
    update_delivery(scope, row, native_id=event.native_id, url=event.url)
    if known:
        live_copies.record_copy(scope, known[-1].jti, event.native_id, scope.now)


def record_public_address(
    scope: Scope, delivery_id: UUID, *, before: str, native_id: str, url: str
) -> None:
    """A platform tells where people find what went out as `before`; what somebody said of it stays.

    Raises Conflict when the delivery moves on meanwhile.
    """
    row = get_delivery(scope, delivery_id)
    if row.url or row.native_id != before:
        return  # another part of a thread: the address of a delivery is that of its first
    update_delivery(scope, row, native_id=native_id, url=url)
