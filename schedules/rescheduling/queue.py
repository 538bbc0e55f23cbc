"""The queue of an account: its deliveries planned at slots, ordered by time.

No separate list is stored: a delivery is in the queue if it is planned at a slot. Every queued post
therefore has a time, and the calendar shows when it is published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.wall_time import WallTime, parse_wall_time
from schedules.approvals import decisions
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import slots
from schedules.availability.models import SlotUse
from schedules.availability.slots import NOTHING, QueueChange, SlotPlace, find_free_places
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import channel_limits, deliveries
from schedules.posts.models import Delivery, Post
from schedules.posts.states import PENDING_STATES, DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.rescheduling import bulk_moves
from schedules.rescheduling.bulk_moves import MovePreview, MoveResult
from tenants.notices import notices

FEW = 3
"""Number of queued posts below which members are notified."""

JUST_NOW = timedelta(minutes=3)
"""Maximum age of a publication that counts as just published. Queues are checked every minute; this
allows for a missed check."""


@dataclass(frozen=True)
class QueueEntry:
    """A delivery in a queue.

    `label` is the name of its slot, `version` is sent back with a change, and `series_id` is set
    for an occurrence of a series.
    """

    delivery_id: UUID
    post_id: UUID
    version: int
    state: DeliveryState
    words: str
    at: WallTime
    due_at: datetime
    label: str
    slot_id: UUID
    series_id: UUID | None = None


def list_queue_entries(scope: Scope, channel_id: UUID) -> list[QueueEntry]:
    """Return the pending deliveries at slots of an account, earliest first."""
    known = {one.id: one for one in slots.list_slots(scope, channel_id)}
    rows = scope.session.exec(
        select(Delivery, Post, SlotUse.slot_id)
        .join(
            SlotUse,
            (col(SlotUse.tenant_id) == col(Delivery.tenant_id))
            & (SlotUse.delivery_id == Delivery.id),
        )
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.state).in_(sorted(map(str, PENDING_STATES))),
            col(Delivery.due_at) > scope.now,
            Delivery.wall_time == SlotUse.wall_time,
            Delivery.zone == SlotUse.zone,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    ).all()
    return [
        QueueEntry(
            row.id,
            row.post_id,
            row.version,
            DeliveryState(row.state),
            owner.title or owner.body,
            parse_wall_time(row.wall_time, row.zone),
            row.due_at,
            known[slot_id].label if slot_id in known else "",
            slot_id,
            row.series_id,
        )
        for row, owner, slot_id in rows
    ]


def add_post_to_queue(scope: Scope, post_id: UUID, channel_id: UUID) -> WallTime:
    """Schedule a post on an account at its next free slot; idempotent per post and account.

    Raises NotFound, Conflict if the post was published there or cancelled, BadInput if no slot is
    free or the post exceeds a limit of the account.
    """
    known = scope.session.exec(
        select(Delivery.id).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.post_id == post_id,
            Delivery.channel_id == channel_id,
            Delivery.occurrence_key == "",
        )
    ).first()
    if known is not None:
        return queue_delivery(scope, known)
    place = _lock_next_free_place(scope, channel_id)
    asks_since = decisions.channel_review_start(
        scope, deliveries.get_post(scope, post_id), channel_id
    )
    delivery_id = deliveries.create_delivery(
        scope, post_id, channel_id, at=place.wall_time, asks_since=asks_since
    )
    channel_limits.require_channel_limits(scope, post_id, channels=[channel_id])
    return _claim_place(scope, channel_id, place, delivery_id)


def queue_delivery(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> WallTime:
    """Move a delivery to the next free slot of its account; one on hold or failed is scheduled
    again.

    A delivery that is already in the queue keeps its slot. Raises the errors of
    `reschedule_delivery`, and BadInput if no slot is free.
    """
    row = get_delivery(scope, delivery_id)
    slots.lock_queues(scope, row.channel_id)
    if any(one.delivery_id == delivery_id for one in list_queue_entries(scope, row.channel_id)):
        return parse_wall_time(row.wall_time, row.zone)
    place = _lock_next_free_place(scope, row.channel_id)
    reschedule_delivery(scope, delivery_id, at=place.wall_time, version=version)
    return _claim_place(scope, row.channel_id, place, delivery_id)


def _lock_next_free_place(scope: Scope, channel_id: UUID) -> SlotPlace:
    """Lock the queue until the transaction ends and return its next free place."""
    slots.lock_queues(scope, channel_id)
    channel = queries.get_channel(scope, channel_id)
    place = next(iter(find_free_places(scope, channel)), None)
    if place is None:
        none = not slots.list_slots(scope, channel_id)
        raise BadInput("queue.no_slots" if none else "queue.full", account=channel.name)
    return place


def _claim_place(scope: Scope, channel_id: UUID, place: SlotPlace, delivery_id: UUID) -> WallTime:
    notices.close(scope, _queue_notice_cause(channel_id))
    # The queue is locked, so this can only fail because of a bug.
    if not slots.take_place(scope, place, delivery_id):
        raise Conflict("queue.changed")
    return place.wall_time


def queue_draft(
    scope: Scope,
    draft: Draft,
    *,
    key: UUID,
    author: str,
    priority: int = deliveries.DEFAULT_PRIORITY,
) -> tuple[UUID, dict[UUID, WallTime]]:
    """Create a post once per `key` and add it to the queue of each of its accounts.

    Returns its ID and the publishing time per account. Raises the errors of `drafts.write_draft`
    and `add_post_to_queue`.
    """
    drafts.require_channel(draft)
    post_id = drafts.write_draft(scope, draft, key=key, author=author, priority=priority)
    slots.lock_queues(scope, *draft.channels)
    return post_id, {
        channel_id: add_post_to_queue(scope, post_id, channel_id) for channel_id in draft.channels
    }


def reorder_queue(
    scope: Scope, channel_id: UUID, order: Sequence[UUID], *, seen: Mapping[UUID, int]
) -> MoveResult:
    """Assign the times of a queue to its deliveries in another order.

    Raises Conflict unless the queue matches `seen` (versions by delivery), BadInput if `order`
    contains other deliveries.
    """
    slots.lock_queues(scope, channel_id)
    known = _lock_unchanged_queue(scope, channel_id, seen)
    if sorted(order) != sorted(one.delivery_id for one in known):
        raise BadInput("queue.other_order")
    goes = {one: place.at for one, place in zip(order, known, strict=True)}
    return _apply_all_moves(scope, channel_id, {one.delivery_id: one for one in known}, goes)


def shuffle_queue(
    scope: Scope, channel_id: UUID, *, key: UUID, seen: Mapping[UUID, int]
) -> MoveResult:
    """Reorder a queue randomly; `key` is the seed. Raises the same errors as `reorder_queue`."""
    drawn = sorted(seen, key=lambda one: derived_uuid(key, one))
    return reorder_queue(scope, channel_id, drawn, seen=seen)


def preview_pull_forward(scope: Scope, channel_id: UUID) -> MovePreview:
    """Return the effect of moving a queue, in its current order, to the first free slots.

    A delivery that would be published later, for example because its day is now quiet, keeps its
    time.
    """
    known = list_queue_entries(scope, channel_id)
    goes = _compute_earlier_times(scope, channel_id, known)
    return _build_move_preview(scope, channel_id, {one.delivery_id: one for one in known}, goes)


def pull_queue_forward(scope: Scope, channel_id: UUID, *, seen: Mapping[UUID, int]) -> MoveResult:
    """Move a queue, in its current order, to the first free slots.

    Raises Conflict unless the queue matches `seen`.
    """
    slots.lock_queues(scope, channel_id)
    known = _lock_unchanged_queue(scope, channel_id, seen)
    goes = _compute_earlier_times(scope, channel_id, known)
    return _apply_all_moves(scope, channel_id, {one.delivery_id: one for one in known}, goes)


def _compute_earlier_times(
    scope: Scope, channel_id: UUID, known: Sequence[QueueEntry]
) -> dict[UUID, WallTime]:
    goes = lay_out_queue(scope, channel_id, [one.delivery_id for one in known])
    return {
        one.delivery_id: min(goes[one.delivery_id], one.at, key=WallTime.instant) for one in known
    }


def entries_at_slot(known: Sequence[QueueEntry], slot_id: UUID) -> list[QueueEntry]:
    """Return the queue entries at a slot in order, without occurrences of series; pure."""
    return [one for one in known if one.slot_id == slot_id and one.series_id is None]


def close_slot(scope: Scope, slot_id: UUID, *, seen: Mapping[UUID, int]) -> MoveResult:
    """Remove a slot and move its deliveries, in their current order, to the remaining free slots.

    The moves can be undone, the removal of the slot cannot. Deliveries that changed or were added
    since `seen` keep their times. Raises NotFound, and BadInput if the remaining slots do not
    suffice.
    """
    channel_id = slots.get_slot(scope, slot_id).channel_id
    slots.lock_queues(scope, channel_id)
    known = {
        one.delivery_id: one
        for one in entries_at_slot(list_queue_entries(scope, channel_id), slot_id)
    }
    slots.remove_slot(scope, slot_id)
    wanted = _build_move_preview(
        scope, channel_id, known, lay_out_queue(scope, channel_id, list(known))
    )
    creator_id = queries.get_channel(scope, channel_id).creator_id
    return bulk_moves.apply_moves(scope, creator_id, wanted, seen=seen)


def lay_out_queue(
    scope: Scope,
    channel_id: UUID,
    order: Sequence[UUID],
    *,
    after: datetime | None = None,
    change: QueueChange = NOTHING,
) -> dict[UUID, WallTime]:
    """Return the new times of deliveries, in their order, on the free slots after an instant.

    The slots that these deliveries occupy count as free. Raises BadInput if the slots of a year do
    not suffice.
    """
    channel = queries.get_channel(scope, channel_id)
    leaving = replace(change, away=[*order, *change.away])
    found = find_free_places(scope, channel, after=after, change=leaving)
    goes = {one: place.wall_time for one, place in zip(order, found, strict=False)}
    if len(goes) < len(order):
        raise BadInput("queue.full", account=channel.name)
    return goes


def remove_from_queue(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Cancel a delivery; its slot becomes free and later deliveries do not move.

    Raises Conflict if the delivery is being published or has changed.
    """
    row = get_delivery(scope, delivery_id)
    if version is not None and row.version != version:
        raise Conflict("delivery.moved_meanwhile")
    deliveries.cancel_delivery(scope, delivery_id)


def _lock_unchanged_queue(
    scope: Scope, channel_id: UUID, seen: Mapping[UUID, int]
) -> list[QueueEntry]:
    """Lock the deliveries of a queue and return it. Raises Conflict unless it matches `seen`."""
    rows = select(Delivery.id).where(
        Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(seen))
    )
    scope.session.exec(
        rows.order_by(col(Delivery.due_at), col(Delivery.id)).with_for_update()
    ).all()
    known = list_queue_entries(scope, channel_id)
    if {one.delivery_id: one.version for one in known} != dict(seen):
        raise Conflict("queue.changed")
    return known


def _build_move_preview(
    scope: Scope, channel_id: UUID, known: Mapping[UUID, QueueEntry], goes: Mapping[UUID, WallTime]
) -> MovePreview:
    moves = [one for one in known if goes[one] != known[one].at]
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(moves))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    ).all()
    return bulk_moves.plan_moves(scope, list(rows), goes)


def _apply_all_moves(
    scope: Scope, channel_id: UUID, known: Mapping[UUID, QueueEntry], goes: Mapping[UUID, WallTime]
) -> MoveResult:
    wanted = _build_move_preview(scope, channel_id, known, goes)
    for one in wanted.left:
        raise Conflict(one.why.code, **one.why.params)
    creator_id = queries.get_channel(scope, channel_id).creator_id
    done = bulk_moves.apply_moves(scope, creator_id, wanted, seen=wanted.seen_versions)
    if done.left:  # a partly applied order would be wrong
        raise Conflict("queue.changed")
    return done


_LOW = """
SELECT s.channel_id, s.creator_id, count(*) FILTER (WHERE d.due_at > :now AND d.state =
ANY(:ahead)) AS ahead
FROM slots s JOIN slot_uses u ON u.tenant_id = s.tenant_id AND u.slot_id = s.id
JOIN deliveries d ON d.tenant_id = u.tenant_id AND d.id = u.delivery_id AND d.wall_time =
u.wall_time
  AND d.zone = u.zone
WHERE s.tenant_id = :tenant AND (d.due_at > :now OR d.settled_at > :since)
GROUP BY s.channel_id, s.creator_id HAVING bool_or(d.settled_at > :since)
"""


def notify_low_queues(scope: Scope) -> int:
    """Notify members of queues that have fewer than `FEW` posts and from which a post was just
    published.

    Returns the number of these queues. Each queue has one notice. The notice is closed when a post
    is added; after a member dismisses it, it appears again when the next post is published.
    """
    ahead = sorted(map(str, PENDING_STATES))
    since = scope.now - JUST_NOW
    rows = scope.run(_LOW, tenant=scope.tenant_id, now=scope.now, ahead=ahead, since=since).all()
    low = [row for row in rows if row.ahead < FEW]
    names = queries.channel_names(scope) if low else {}
    for row in low:
        said = Message("queue.low", {"account": names[row.channel_id], "count": row.ahead})
        notices.put(
            scope, said, cause=_queue_notice_cause(row.channel_id), creator_id=row.creator_id
        )
    return len(low)


def _queue_notice_cause(channel_id: UUID) -> str:
    return f"queue:{channel_id}"
