"""Many posts on hold or refused, decided at once: now, one after the other; in the next free slots; or dropped."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import LOST
from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.words import Message
from schedules import approvals, planning, queueing, retiming, slots
from schedules.calendar import WallTime, local_wall, parse
from schedules.lost import ACCOUNT_LOST
from schedules.models import Delivery, Post
from schedules.moving import delivery, move
from schedules.queueing import Change
from schedules.shifting import MOST, Left, Moving, Preview
from schedules.spacing import GAP, QUARTER, busy, free_at, room
from schedules.states import DeliveryState

S = DeliveryState

UNDECIDED = frozenset({S.HELD, S.FAILED})
"""What may be anywhere, and what stands in part, is decided one by one: who decides must have looked."""

MINUTE = timedelta(minutes=1)
NO_YES, CHANGED = Message("deciding.no_yes"), Message("shift.changed")
Rows = Sequence[tuple[Delivery, Post]]


class How(StrEnum):
    """What becomes of them all."""

    NOW, SLOTS, DROP = "now", "slots", "drop"


def preview(scope: Scope, creator_id: UUID, how: How) -> Preview:
    """What would become of each post of a creator that waits for a decision; of one that is dropped its time stays.

    Raises BadInput for too many.
    """
    return _sorted_out(scope, _rows(scope, creator_id), how)


def decide(scope: Scope, creator_id: UUID, how: How, *, seen: Mapping[UUID, int]) -> Preview:
    """Do it to what was `seen` (versions of the preview), in this transaction; what changed or came since stays.

    Whoever decided one of them meanwhile, or plans on their accounts, is waited for. Raises as `preview`.
    """
    slots.hold(scope, *sorted(one.id for one in channel_reads.channels_of(scope, creator_id)))
    rows = _rows(scope, creator_id, lock=True)
    same = [(row, owner) for row, owner in rows if seen.get(row.id) == row.version]
    changed = [
        Left(row.id, row.channel_id, owner.title or owner.body, CHANGED)
        for row, owner in rows
        if row.id in seen and seen[row.id] != row.version
    ]
    found = _sorted_out(scope, same, how)
    for one in found.moving:
        _do(scope, one, how)
    for channel_id in sorted({one.channel_id for one in found.moving}) if how is How.SLOTS else ():
        here = [delivery(scope, one.delivery_id) for one in found.moving if one.channel_id == channel_id]
        slots.adopt(scope, channel_id, here)
    return Preview(found.moving, (*found.left, *changed))


def _do(scope: Scope, one: Moving, how: How) -> None:
    if how is How.DROP:
        planning.cancel(scope, one.delivery_id)
    elif how is How.NOW and (one.after.instant() <= scope.now or _keeps_hour(scope, one)):
        planning.send_now(scope, one.delivery_id, version=one.version)
    else:
        planning.move_delivery(scope, one.delivery_id, at=one.after, version=one.version)
        _plan(scope, delivery(scope, one.delivery_id))


def _plan(scope: Scope, row: Delivery) -> None:
    """What was held for a yes that nobody asks for any more is a draft of which nothing is missing."""
    if row.state == S.DRAFT and approvals.stands_for(scope, planning.post(scope, row.post_id), row, scope.now):
        move(scope, row, S.APPROVED, reason=approvals.UNASKED)
        planning.plan_approved(scope, [row])


def _keeps_hour(scope: Scope, one: Moving) -> bool:
    """Whether it may not be given another hour: what is late leaves an account one after the other anyhow."""
    return retiming.keeps_hour(scope, delivery(scope, one.delivery_id))


def _rows(scope: Scope, creator_id: UUID, *, lock: bool = False) -> list[tuple[Delivery, Post]]:
    """By importance, then by the time they had."""
    query = (
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            col(Delivery.state).in_(sorted(map(str, UNDECIDED))),
            ~col(Delivery.dry_run),
        )
        .order_by(col(Delivery.priority), col(Delivery.due_at), col(Delivery.id))
        .limit(MOST + 1)
    )
    query = query.with_for_update(of=Delivery, key_share=True) if lock else query
    found = scope.session.exec(query.execution_options(populate_existing=True)).all()
    if len(found) > MOST:
        raise BadInput("shift.too_many", most=MOST)
    return list(found)


def _sorted_out(scope: Scope, rows: Rows, how: How) -> Preview:
    by_channel: dict[UUID, list[tuple[Delivery, Post]]] = defaultdict(list)
    for row, owner in rows:
        by_channel[row.channel_id].append((row, owner))
    moving: list[Moving] = []
    left: list[Left] = []
    for channel_id, here in sorted(by_channel.items()):
        channel = channel_reads.channel(scope, channel_id)
        stays = {row.id: _stays(scope, owner, row, channel, how) for row, owner in here}
        able = [row for row, _ in here if stays[row.id] is None]
        try:
            goes = _goes(scope, channel, able, how)
        except BadInput as none:  # no slot, or no free one
            goes, stays = {}, {**dict.fromkeys((row.id for row in able), none.message), **_said(stays)}
        for row, owner in here:
            words, why = owner.title or owner.body, stays[row.id]
            if why is not None:
                left.append(Left(row.id, channel_id, words, why))
                continue
            walls = (parse(row.wall_time, row.zone), goes[row.id])
            moving.append(Moving(row.id, row.version, row.post_id, channel_id, words, *walls))
    return Preview(tuple(sorted(moving, key=lambda one: (one.after.instant(), one.delivery_id))), tuple(left))


def _said(stays: Mapping[UUID, Message | None]) -> dict[UUID, Message]:
    return {one: why for one, why in stays.items() if why is not None}


def _stays(scope: Scope, owner: Post, row: Delivery, channel: Channel, how: How) -> Message | None:
    """Why a post would only be put on hold again, or leave at an hour nobody agreed to."""
    if how is How.DROP:
        return None
    if channel.state in LOST:
        return Message(ACCOUNT_LOST)
    if not approvals.stands_for(scope, owner, row, scope.now):
        return NO_YES
    try:
        _ = how is How.NOW and retiming.keeps_hour(scope, row)
    except Conflict as another_hour:
        return another_hour.message
    return None


def _goes(scope: Scope, channel: Channel, rows: Sequence[Delivery], how: How) -> dict[UUID, WallTime]:
    """Where each of an account goes. Raises BadInput where it has no slots, or none that is free."""
    if how is How.DROP:
        return {row.id: parse(row.wall_time, row.zone) for row in rows}
    if how is How.SLOTS:
        ids = [row.id for row in rows]
        return queueing.laid(scope, channel.id, ids, after=scope.now, change=Change(away=ids)) if ids else {}
    return _spread(scope, channel, rows)


def _spread(scope: Scope, channel: Channel, rows: Sequence[Delivery]) -> dict[UUID, WallTime]:
    """The first as soon as the account has room, the others apart as after a downtime, around what is planned."""
    gap = max(channel.min_gap, GAP)
    taken = busy(scope, channel.id, scope.now - gap, but=[row.id for row in rows])
    turn, goes = max(scope.now, free_at(scope, channel.id, gap)), {}
    for row in rows:
        while not room(taken, turn, gap):
            turn = max(one for one in taken if abs(one - turn) < gap) + gap
        while turn > scope.now and local_wall(turn, row.zone).instant() < turn - MINUTE:
            turn += QUARTER  # clocks are set back: this hour of theirs is over already
        goes[row.id] = local_wall(turn, row.zone)
        turn += gap
    return goes
