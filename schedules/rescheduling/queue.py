"""The queue of an account: what is planned at its slots, in the order of their times.

There is no second list beside the calendar: to be in the queue is to be planned at a slot, and the
order is the order of the times. So nothing waits for a time that nobody gave it, and what a page
shows is when it leaves.
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
from schedules.posts import deliveries
from schedules.posts.models import Delivery, Post
from schedules.posts.states import PENDING_STATES, DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.rescheduling import bulk_moves
from schedules.rescheduling.bulk_moves import MovePreview, MoveResult
from tenants.notices import notices

FEW = 3
"""Below so many posts ahead, somebody is told."""

JUST_NOW = timedelta(minutes=3)
"""Queues are looked at every minute; one look may be missed."""


@dataclass(frozen=True)
class QueueEntry:
    """One delivery of a queue; `label` is that of its slot, `version` what a page hands back;
    `series_id` what repeats it."""

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
    """What is ahead at the slots of an account, the next one first."""
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
    """Plan a post on an account at its next free slot; once per (post, account): a repeat changes
    nothing.

    Raises NotFound, Conflict for a post that has left there or was taken off, BadInput where no
    slot is free.
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
    return _claim_place(scope, channel_id, place, delivery_id)


def queue_delivery(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> WallTime:
    """Give a delivery the next free slot of its account: one that waits, is on hold or was refused
    leaves then.

    One that is in the queue already keeps its place. Raises as `deliveries.reschedule_delivery`,
    BadInput where none is free.
    """
    row = get_delivery(scope, delivery_id)
    slots.lock_queues(scope, row.channel_id)
    if any(one.delivery_id == delivery_id for one in list_queue_entries(scope, row.channel_id)):
        return parse_wall_time(row.wall_time, row.zone)
    place = _lock_next_free_place(scope, row.channel_id)
    reschedule_delivery(scope, delivery_id, at=place.wall_time, version=version)
    return _claim_place(scope, row.channel_id, place, delivery_id)


def _lock_next_free_place(scope: Scope, channel_id: UUID) -> SlotPlace:
    """The next free place, kept from others until the transaction ends."""
    slots.lock_queues(scope, channel_id)
    channel = queries.get_channel(scope, channel_id)
    place = next(iter(find_free_places(scope, channel)), None)
    if place is None:
        none = not slots.list_slots(scope, channel_id)
        raise BadInput("queue.no_slots" if none else "queue.full", account=channel.name)
    return place


def _claim_place(scope: Scope, channel_id: UUID, place: SlotPlace, delivery_id: UUID) -> WallTime:
    notices.close(scope, _queue_notice_cause(channel_id))
    if not slots.take_place(
        scope, place, delivery_id
    ):  # the queue is held: only a fault of ours comes here
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
    """Write a post, once per `key`, and add it to the queue of each of its accounts; its id, and
    when it leaves where.

    Raises as `drafts.write_draft` and `add`.
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
    """Give the times of a queue to its deliveries in another order; no other time is touched.

    Raises Conflict unless the queue is as it was `seen` (versions by delivery), BadInput for an
    order of others.
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
    """The same in an order that is drawn by `key`."""
    drawn = sorted(seen, key=lambda one: derived_uuid(key, one))
    return reorder_queue(scope, channel_id, drawn, seen=seen)


def preview_pull_forward(scope: Scope, channel_id: UUID) -> MovePreview:
    """What would move where if the queue were pulled forward: in its order, to the first slots that
    are free. What those would make later keeps its time, as where its day was closed since."""
    known = list_queue_entries(scope, channel_id)
    goes = _compute_earlier_times(scope, channel_id, known)
    return _build_move_preview(scope, channel_id, {one.delivery_id: one for one in known}, goes)


def pull_queue_forward(scope: Scope, channel_id: UUID, *, seen: Mapping[UUID, int]) -> MoveResult:
    """Do that. Raises Conflict unless the queue is as it was `seen`."""
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
    """What of a queue stands at one hour of the week and would go with it, in order: what repeats
    has its own; pure."""
    return [one for one in known if one.slot_id == slot_id and one.series_id is None]


def close_slot(scope: Scope, slot_id: UUID, *, seen: Mapping[UUID, int]) -> MoveResult:
    """Post no more at an hour of the week; what stood there goes, in its order, to the hours that
    are free then.

    The moves may be taken back, the hour not. What changed since it was `seen`, or came since,
    keeps its time. Raises NotFound, and BadInput where the hours that are left do not suffice.
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
    """Deliveries of a queue in their order on its free slots from an instant on, those they leave
    included.

    Raises BadInput where the slots of a year do not suffice.
    """
    channel = queries.get_channel(scope, channel_id)
    leaving = replace(change, away=[*order, *change.away])
    found = find_free_places(scope, channel, after=after, change=leaving)
    goes = {one: place.wall_time for one, place in zip(order, found, strict=False)}
    if len(goes) < len(order):
        raise BadInput("queue.full", account=channel.name)
    return goes


def remove_from_queue(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Take a delivery off the calendar; its slot is free again, and those behind stay where they
    are.

    Raises Conflict once it is on its way, or was changed meanwhile.
    """
    row = get_delivery(scope, delivery_id)
    if version is not None and row.version != version:
        raise Conflict("delivery.moved_meanwhile")
    deliveries.cancel_delivery(scope, delivery_id)


def _lock_unchanged_queue(
    scope: Scope, channel_id: UUID, seen: Mapping[UUID, int]
) -> list[QueueEntry]:
    """The queue, its deliveries locked. Raises Conflict unless it is as it was seen."""
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
    if done.left:  # an order is kept whole or not at all
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
    """Tell of each queue from which a post has just left and that has fewer than three ahead; how
    many those are.

    One notice a queue: it ends when somebody adds a post, and one that was put away comes back when
    the next has left.
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
