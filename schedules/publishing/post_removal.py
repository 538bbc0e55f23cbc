"""Removal of published deliveries: requested and recorded here, carried out by `channels`."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import select

from channels.links import short_links
from channels.sending import removal
from foundation.db.database import Scope
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from gate.copies.live_copies import LiveCopy, list_consumed_permits, list_copies, mark_for_recall
from schedules.edits import edits
from schedules.posts.deliveries import cancel_wakeups
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import is_partly_published
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.notices import notices


def request_post_removal(scope: Scope, delivery_id: UUID) -> int:
    """Request the removal of every copy of a delivery, last part first, and return the number of
    copies.

    A copy of an uncertain delivery is looked up first. Raises Conflict unless a part is or may be
    published, and for a post that was not published by this installation.
    """
    row = get_delivery(scope, delivery_id)
    left = _list_remaining_copies(scope, row)
    transition_delivery(scope, row, DeliveryState.REMOVING)
    if not left:
        raise Conflict("delivery.no_copy" if row.lasts_hours is None else "delivery.ended")
    _request_copy_removals(scope, row, left)
    return len(left)


def recall_partial_thread(scope: Scope, row: Delivery) -> None:
    """Recall the published parts of a thread if the rest was denied, last part first.

    The gate's log contains the reason. Members are notified of the number of published parts.
    """
    left = _list_remaining_copies(scope, row)
    said = {"done": len(row.part_ids), "parts": row.parts}
    told = Message("delivery.called_back", said)
    transition_delivery(scope, row, DeliveryState.REMOVING, reason=told)
    for copy in left:
        mark_for_recall(scope, copy.jti, Message("recall.thread"))
    _request_copy_removals(scope, row, left)
    if not left:  # The published parts were removed while the rest was uncertain.
        _mark_post_removed(scope, row)
    notices.put(
        scope, told, cause=f"delivery:{row.id}:thread", urgent=True, creator_id=row.creator_id
    )


def _request_copy_removals(scope: Scope, row: Delivery, left: Sequence[LiveCopy]) -> None:
    cancel_wakeups(scope, row.id)
    edits.drop_edit(scope, row.id, edits.EDITED_POST_REMOVED)
    for copy in left[::-1]:
        removal.request_removal(scope, copy)


def record_removed_copy(scope: Scope, delivery_id: UUID) -> None:
    """Move a delivery to REMOVED if its last copy is proven removed, whatever the cause."""
    row = scope.session.exec(
        select(Delivery).where(Delivery.tenant_id == scope.tenant_id, Delivery.id == delivery_id)
    ).first()
    known = (
        DeliveryState.REMOVING,
        DeliveryState.PUBLISHED,
        DeliveryState.UNCERTAIN,
        DeliveryState.PARTLY,
        DeliveryState.BROKEN_OFF,
    )
    if row is None or row.state not in known or _list_remaining_copies(scope, row):
        return
    if row.state in (DeliveryState.UNCERTAIN, DeliveryState.PARTLY, DeliveryState.BROKEN_OFF):
        transition_delivery(scope, row, DeliveryState.REMOVING)
        cancel_wakeups(scope, delivery_id)
    _mark_post_removed(scope, row)


def record_externally_deleted(scope: Scope, row: Delivery, reason: Message) -> None:
    """Move a published delivery to REMOVED after it was deleted on its platform."""
    cancel_wakeups(scope, row.id)
    _mark_post_removed(scope, row, reason)


def live_copies(scope: Scope, row: Delivery) -> list[LiveCopy]:
    """Return the copies of a delivery that may still be visible, oldest first."""
    return _list_remaining_copies(scope, row)


def _mark_post_removed(scope: Scope, row: Delivery, reason: Message | None = None) -> None:
    transition_delivery(scope, row, DeliveryState.REMOVED, reason=reason)
    edits.drop_edit(scope, row.id, edits.EDITED_POST_REMOVED)
    short_links.close_links(scope, delivery_subject(row.id))


def _list_remaining_copies(scope: Scope, row: Delivery) -> list[LiveCopy]:
    """Return the copies that may still be visible, oldest first.

    For an uncertain delivery these are the copies of every permit that was used.
    """
    doubted = row.native_id is None or is_partly_published(row)
    known = list_consumed_permits if doubted else list_copies
    return [copy for copy in known(scope, delivery_subject(row.id)) if copy.removed_at is None]
