"""The queue of an account: what is planned at its slots, in the order of their times.

There is no second list beside the calendar: to be in the queue is to be planned at a slot, and the order is the order
of the times. So nothing waits for a time that nobody gave it, and what a page shows is when it leaves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from channels import reads as channel_reads
from channels.reads import Channel
from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.ids import derived
from foundation.words import Message
from schedules import approvals, drafting, planning, quiet, shifting, slots
from schedules.calendar import WallTime, parse
from schedules.drafting import Draft
from schedules.models import Delivery, Post
from schedules.models_planning import SlotUse
from schedules.moving import delivery
from schedules.quiet import Quiet
from schedules.shifting import Done, Preview
from schedules.slots import Place
from schedules.spacing import busy, gap_of
from schedules.states import TO_COME, DeliveryState
from tenants import notices

S = DeliveryState

FEW = 3
"""Below so many posts ahead, somebody is told."""

JUST_NOW = timedelta(minutes=3)
"""Queues are looked at every minute; one look may be missed."""


@dataclass(frozen=True)
class Queued:
    """One delivery of a queue; `label` is that of its slot, `version` what a page hands back; `series_id` what repeats
    it."""

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


def entries(scope: Scope, channel_id: UUID) -> list[Queued]:
    """What is ahead at the slots of an account, the next one first."""
    known = {one.id: one for one in slots.slots_of(scope, channel_id)}
    rows = scope.session.exec(
        select(Delivery, Post, SlotUse.slot_id)
        .join(SlotUse, (col(SlotUse.tenant_id) == col(Delivery.tenant_id)) & (SlotUse.delivery_id == Delivery.id))
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.state).in_(sorted(map(str, TO_COME))),
            col(Delivery.due_at) > scope.now,
            Delivery.wall_time == SlotUse.wall_time,
            Delivery.zone == SlotUse.zone,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    ).all()
    return [
        Queued(
            row.id,
            row.post_id,
            row.version,
            S(row.state),
            owner.title or owner.body,
            parse(row.wall_time, row.zone),
            row.due_at,
            known[slot_id].label if slot_id in known else "",
            slot_id,
            row.series_id,
        )
        for row, owner, slot_id in rows
    ]


@dataclass(frozen=True)
class Change:
    """What is about to change around a queue, as if it had: deliveries that go away, instants that will be taken, days
    that will be closed."""

    away: Sequence[UUID] = ()
    taken: Sequence[datetime] = ()
    closed: Sequence[Quiet] = ()


NOTHING = Change()


def next_free(
    scope: Scope, channel: Channel, *, after: datetime | None = None, change: Change = NOTHING
) -> Iterable[Place]:
    """The free places of an account, from now on or later, in order.

    None of them is taken, nearer to another post than the account wants, or in a quiet period.
    """
    known, since = slots.slots_of(scope, channel.id), max(after or scope.now, scope.now)
    if not known:
        return ()
    left = busy(scope, channel.id, since - gap_of(channel), but=change.away)
    taken, closed = sorted([*left, *change.taken]), change.closed
    kept = [*quiet.of_channel(scope, channel.creator_id, channel.id), *closed]
    return slots.free(known, after=since, taken=taken, closed=kept, gap=gap_of(channel))


def first_free(scope: Scope, channel_id: UUID) -> WallTime | None:
    """When the next post would leave that is added now; None where an account has no slot, or none free."""
    place = next(iter(next_free(scope, channel_reads.channel(scope, channel_id))), None)
    return place.at if place is not None else None


def add(scope: Scope, post_id: UUID, channel_id: UUID) -> WallTime:
    """Plan a post on an account at its next free slot; once per (post, account): a repeat changes nothing.

    Raises NotFound, Conflict for a post that has left there or was taken off, BadInput where no slot is free.
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
        return enqueue(scope, known)
    place = _place(scope, channel_id)
    asks_since = approvals.added(scope, planning.post(scope, post_id), channel_id)
    delivery_id = planning.add_delivery(scope, post_id, channel_id, at=place.at, asks_since=asks_since)
    return _taken(scope, channel_id, place, delivery_id)


def enqueue(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> WallTime:
    """Give a delivery the next free slot of its account: one that waits, is on hold or was refused leaves then.

    One that is in the queue already keeps its place. Raises as `planning.move_delivery`, BadInput where none is free.
    """
    row = delivery(scope, delivery_id)
    slots.hold(scope, row.channel_id)
    if any(one.delivery_id == delivery_id for one in entries(scope, row.channel_id)):
        return parse(row.wall_time, row.zone)
    place = _place(scope, row.channel_id)
    planning.move_delivery(scope, delivery_id, at=place.at, version=version)
    return _taken(scope, row.channel_id, place, delivery_id)


def _place(scope: Scope, channel_id: UUID) -> Place:
    """The next free place, kept from others until the transaction ends."""
    slots.hold(scope, channel_id)
    channel = channel_reads.channel(scope, channel_id)
    place = next(iter(next_free(scope, channel)), None)
    if place is None:
        none = not slots.slots_of(scope, channel_id)
        raise BadInput("queue.no_slots" if none else "queue.full", account=channel.name)
    return place


def _taken(scope: Scope, channel_id: UUID, place: Place, delivery_id: UUID) -> WallTime:
    notices.settle(scope, _cause(channel_id))
    if not slots.take(scope, place, delivery_id):  # the queue is held: only a fault of ours comes here
        raise Conflict("queue.changed")
    return place.at


def plan(
    scope: Scope, draft: Draft, *, key: UUID, author: str, priority: int = planning.PRIORITY
) -> tuple[UUID, dict[UUID, WallTime]]:
    """Write a post, once per `key`, and add it to the queue of each of its accounts; its id, and when it leaves where.

    Raises as `drafting.write` and `add`.
    """
    drafting.need_account(draft)
    post_id = drafting.write(scope, draft, key=key, author=author, priority=priority)
    slots.hold(scope, *draft.channels)
    return post_id, {channel_id: add(scope, post_id, channel_id) for channel_id in draft.channels}


def reorder(scope: Scope, channel_id: UUID, order: Sequence[UUID], *, seen: Mapping[UUID, int]) -> Done:
    """Give the times of a queue to its deliveries in another order; no other time is touched.

    Raises Conflict unless the queue is as it was `seen` (versions by delivery), BadInput for an order of others.
    """
    slots.hold(scope, channel_id)
    known = _as_seen(scope, channel_id, seen)
    if sorted(order) != sorted(one.delivery_id for one in known):
        raise BadInput("queue.other_order")
    goes = {one: place.at for one, place in zip(order, known, strict=True)}
    return _all_of(scope, channel_id, {one.delivery_id: one for one in known}, goes)


def shuffle(scope: Scope, channel_id: UUID, *, key: UUID, seen: Mapping[UUID, int]) -> Done:
    """The same in an order that is drawn by `key`."""
    drawn = sorted(seen, key=lambda one: derived(key, one))
    return reorder(scope, channel_id, drawn, seen=seen)


def forward(scope: Scope, channel_id: UUID) -> Preview:
    """What would move where if the queue were pulled forward: in its order, to the first slots that are free. What
    those would make later keeps its time, as where its day was closed since."""
    known = entries(scope, channel_id)
    goes = _sooner(scope, channel_id, known)
    return _preview(scope, channel_id, {one.delivery_id: one for one in known}, goes)


def pull_forward(scope: Scope, channel_id: UUID, *, seen: Mapping[UUID, int]) -> Done:
    """Do that. Raises Conflict unless the queue is as it was `seen`."""
    slots.hold(scope, channel_id)
    known = _as_seen(scope, channel_id, seen)
    goes = _sooner(scope, channel_id, known)
    return _all_of(scope, channel_id, {one.delivery_id: one for one in known}, goes)


def _sooner(scope: Scope, channel_id: UUID, known: Sequence[Queued]) -> dict[UUID, WallTime]:
    goes = laid(scope, channel_id, [one.delivery_id for one in known])
    return {one.delivery_id: min(goes[one.delivery_id], one.at, key=WallTime.instant) for one in known}


def at_hour(known: Sequence[Queued], slot_id: UUID) -> list[Queued]:
    """What of a queue stands at one hour of the week and would go with it, in order: what repeats has its own; pure."""
    return [one for one in known if one.slot_id == slot_id and one.series_id is None]


def close(scope: Scope, slot_id: UUID, *, seen: Mapping[UUID, int]) -> Done:
    """Post no more at an hour of the week; what stood there goes, in its order, to the hours that are free then.

    The moves may be taken back, the hour not. What changed since it was `seen`, or came since, keeps its time. Raises
    NotFound, and BadInput where the hours that are left do not suffice.
    """
    channel_id = slots.slot(scope, slot_id).channel_id
    slots.hold(scope, channel_id)
    known = {one.delivery_id: one for one in at_hour(entries(scope, channel_id), slot_id)}
    slots.remove_slot(scope, slot_id)
    wanted = _preview(scope, channel_id, known, laid(scope, channel_id, list(known)))
    creator_id = channel_reads.channel(scope, channel_id).creator_id
    return shifting.give(scope, creator_id, wanted, seen=seen)


def laid(
    scope: Scope,
    channel_id: UUID,
    order: Sequence[UUID],
    *,
    after: datetime | None = None,
    change: Change = NOTHING,
) -> dict[UUID, WallTime]:
    """Deliveries of a queue in their order on its free slots from an instant on, those they leave included.

    Raises BadInput where the slots of a year do not suffice.
    """
    channel = channel_reads.channel(scope, channel_id)
    leaving = replace(change, away=[*order, *change.away])
    found = next_free(scope, channel, after=after, change=leaving)
    goes = {one: place.at for one, place in zip(order, found, strict=False)}
    if len(goes) < len(order):
        raise BadInput("queue.full", account=channel.name)
    return goes


def take_out(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Take a delivery off the calendar; its slot is free again, and those behind stay where they are.

    Raises Conflict once it is on its way, or was changed meanwhile.
    """
    row = delivery(scope, delivery_id)
    if version is not None and row.version != version:
        raise Conflict("delivery.moved_meanwhile")
    planning.cancel(scope, delivery_id)


def _as_seen(scope: Scope, channel_id: UUID, seen: Mapping[UUID, int]) -> list[Queued]:
    """The queue, its deliveries locked. Raises Conflict unless it is as it was seen."""
    rows = select(Delivery.id).where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(seen)))
    scope.session.exec(rows.order_by(col(Delivery.due_at), col(Delivery.id)).with_for_update()).all()
    known = entries(scope, channel_id)
    if {one.delivery_id: one.version for one in known} != dict(seen):
        raise Conflict("queue.changed")
    return known


def _preview(scope: Scope, channel_id: UUID, known: Mapping[UUID, Queued], goes: Mapping[UUID, WallTime]) -> Preview:
    moves = [one for one in known if goes[one] != known[one].at]
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(moves))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    ).all()
    return shifting.sorted_out(scope, list(rows), goes)


def _all_of(scope: Scope, channel_id: UUID, known: Mapping[UUID, Queued], goes: Mapping[UUID, WallTime]) -> Done:
    wanted = _preview(scope, channel_id, known, goes)
    for one in wanted.left:
        raise Conflict(one.why.code, **one.why.params)
    creator_id = channel_reads.channel(scope, channel_id).creator_id
    done = shifting.give(scope, creator_id, wanted, seen=wanted.versions)
    if done.left:  # an order is kept whole or not at all
        raise Conflict("queue.changed")
    return done


_LOW = """
SELECT s.channel_id, s.creator_id, count(*) FILTER (WHERE d.due_at > :now AND d.state = ANY(:ahead)) AS ahead
FROM slots s JOIN slot_uses u ON u.tenant_id = s.tenant_id AND u.slot_id = s.id
JOIN deliveries d ON d.tenant_id = u.tenant_id AND d.id = u.delivery_id AND d.wall_time = u.wall_time
  AND d.zone = u.zone
WHERE s.tenant_id = :tenant AND (d.due_at > :now OR d.settled_at > :since)
GROUP BY s.channel_id, s.creator_id HAVING bool_or(d.settled_at > :since)
"""


def watch(scope: Scope) -> int:
    """Tell of each queue from which a post has just left and that has fewer than three ahead; how many those are.

    One notice a queue: it ends when somebody adds a post, and one that was put away comes back when the next has left.
    """
    ahead, since = sorted(map(str, TO_COME)), scope.now - JUST_NOW
    rows = scope.run(_LOW, tenant=scope.tenant_id, now=scope.now, ahead=ahead, since=since).all()
    low = [row for row in rows if row.ahead < FEW]
    names = channel_reads.names(scope) if low else {}
    for row in low:
        said = Message("queue.low", {"account": names[row.channel_id], "count": row.ahead})
        notices.put(scope, said, cause=_cause(row.channel_id), creator_id=row.creator_id)
    return len(low)


def _cause(channel_id: UUID) -> str:
    return f"queue:{channel_id}"
