"""All that is ahead of an account moves to another one of the same creator: a lost account, and its spare one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import anew, approvals, assigning, downtimes, overrides, planning, rehoming, series, slots
from schedules.calendar import parse
from schedules.models import Delivery, Post
from schedules.moving import delivery, move
from schedules.shifting import MOST, ON_ITS_WAY, UNDER_WAY, Left, Moving
from schedules.states import DeliveryState
from tenants import reads as tenant_reads

S = DeliveryState

AHEAD = frozenset({S.DRAFT, S.APPROVED, S.SCHEDULED, S.HELD})
"""States of what is still to leave."""

MOVED = "delivery.moved_to_spare"
"""The reason of those that were cancelled for it."""


@dataclass(frozen=True)
class Spared:
    """What moving an account's queue comes to.

    `moving` are those with a new one on the spare account, at the same wall time; `doubled` those that are there
    already, so that only the old one is cancelled; `left` stay where they are. `asks_again`: the new ones wait for a
    yes, since the post looks another way there. `tests`: how many tests of two versions count anew there.
    """

    moving: tuple[Moving, ...]
    doubled: tuple[Moving, ...]
    left: tuple[Left, ...]
    asks_again: bool
    tests: int

    @property
    def versions(self) -> dict[UUID, int]:
        """What was seen of each: handed back with the word to do it."""
        return {one.delivery_id: one.version for one in (*self.moving, *self.doubled)}


def preview(scope: Scope, source_id: UUID, target_id: UUID) -> Spared:
    """What would move from an account to another one: of a very long queue the next five hundred, the rest after that.

    Raises NotFound, and BadInput where the other one is not the creator's, the same, or cannot post.
    """
    source, target = _pair(scope, source_id, target_id)
    rows = _rows(scope, source_id)
    there = _there(scope, target_id)
    why = {row.id: _stays(row, owner, source_id) for row, owner in rows}
    ahead = [(row, owner) for row, owner in rows if why[row.id] is None]
    goes = [
        Moving(row.id, row.version, row.post_id, target_id, owner.title or owner.body, wall, wall)
        for row, owner in ahead
        for wall in (parse(row.wall_time, row.zone),)
    ]
    keys = {row.id: (row.post_id, row.occurrence_key) for row, _ in ahead}
    stays = [
        Left(row.id, source_id, owner.title or owner.body, reason)
        for row, owner in rows
        if (reason := why[row.id]) is not None
    ]
    return Spared(
        tuple(one for one in goes if keys[one.delivery_id] not in there),
        tuple(one for one in goes if keys[one.delivery_id] in there),
        tuple(stays),
        _asks_again(scope, source, target),
        len(assigning.running_on(scope, source_id)),
    )


def _stays(row: Delivery, owner: Post, source_id: UUID) -> Message | None:
    """Why a delivery stays on its account. What a post says there alone was approved for there: nobody else may decide
    what it says on the spare one."""
    if row.state not in AHEAD:
        return Message(ON_ITS_WAY)
    alone = any(one.place == str(source_id) for one in overrides.read(owner))
    return Message("spare.own_words") if alone else None


def _asks_again(scope: Scope, source: Channel, target: Channel) -> bool:
    """A yes is said of a content as its place shows it: on another kind of place it must be said again."""
    alike = (source.platform, source.surface) == (target.platform, target.surface)
    return not alike and tenant_reads.creator(scope, target.creator_id).approval_tiers > 0


def _pair(scope: Scope, source_id: UUID, target_id: UUID) -> tuple[Channel, Channel]:
    source, target = channel_reads.channel(scope, source_id), channel_reads.channel(scope, target_id)
    if source.id == target.id or source.creator_id != target.creator_id:
        raise BadInput("spare.other_creator")
    if target.state is not ChannelState.ACTIVE or not target.surface:
        raise BadInput("spare.not_ready", account=target.name)
    return source, target


def move_queue(scope: Scope, source_id: UUID, target_id: UUID, *, seen: Mapping[UUID, int]) -> Spared:
    """Do it in this transaction: new deliveries on the spare account, the old ones cancelled with the reason.

    What changed since it was `seen`, or came since, stays and is told; pressing again moves it. The slots of the
    account go along, and what makes posts for it. Raises as `preview`.
    """
    _, target = _pair(scope, source_id, target_id)
    rehoming.sources(scope, source_id, target)
    slots.hold(scope, source_id, target_id)
    series.alone(scope, target.creator_id)
    rehoming.repeats(scope, source_id, target)
    locked = select(Delivery.id).where(*_here(scope, source_id)).order_by(col(Delivery.due_at), col(Delivery.id))
    scope.session.exec(locked.with_for_update()).all()
    found = preview(scope, source_id, target_id)
    slots.copy(scope, source_id, target)
    changed = [one for one in (*found.moving, *found.doubled) if seen.get(one.delivery_id) != one.version]
    stay = {one.delivery_id for one in changed}
    moving = tuple(one for one in found.moving if one.delivery_id not in stay)
    doubled = tuple(one for one in found.doubled if one.delivery_id not in stay)
    made = [_remake(scope, one, target, asks_again=found.asks_again) for one in moving]
    for one in (*moving, *doubled):
        row = delivery(scope, one.delivery_id)
        move(scope, row, S.CANCELLED, reason=Message(MOVED, {"account": target.name}))
        planning.unplan(scope, row.id)
    slots.adopt(scope, target_id, made)
    left = [Left(one.delivery_id, source_id, one.words, Message("shift.changed")) for one in changed]
    return replace(found, moving=moving, doubled=doubled, left=(*found.left, *left))


def _remake(scope: Scope, one: Moving, target: Channel, *, asks_again: bool) -> Delivery:
    """The same post at the same wall time on the spare account; as far along as the old one where its yes counts."""
    old = delivery(scope, one.delivery_id)
    key = _key(scope, old, target.id)
    made_id = planning.add_delivery(
        scope,
        old.post_id,
        target.id,
        at=one.before,
        occurrence_key=key,
        series_id=old.series_id,
        variant=old.variant,
        asks_since=scope.now if asks_again else old.asks_since,
        instead_of=old,
    )
    made = delivery(scope, made_id)
    owner = planning.post(scope, old.post_id)
    if asks_again or old.state == S.DRAFT or not approvals.stands_for(scope, owner, old, scope.now):
        return made
    move(scope, made, S.APPROVED)
    if old.state != S.APPROVED:  # what was on hold is judged anew, at its hour
        move(scope, made, S.SCHEDULED)
    if downtimes.held_back(old):  # but what somebody holds back leaves nowhere by itself
        downtimes.keep_back(scope, made, old)
    return made


def _key(scope: Scope, old: Delivery, target_id: UUID) -> str:
    """The occurrence on the spare account: the old one's, or a further one where that was taken off there before."""
    taken = select(Delivery.id).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.post_id == old.post_id,
        Delivery.channel_id == target_id,
        Delivery.occurrence_key == old.occurrence_key,
    )
    if scope.session.exec(taken).first() is None:
        return old.occurrence_key
    return anew.further_key(scope, old.post_id, target_id, old.occurrence_key)


def _here(scope: Scope, channel_id: UUID) -> tuple[Any, ...]:
    wanted = sorted(map(str, AHEAD | UNDER_WAY))
    return Delivery.tenant_id == scope.tenant_id, Delivery.channel_id == channel_id, col(Delivery.state).in_(wanted)


def _rows(scope: Scope, channel_id: UUID) -> list[tuple[Delivery, Post]]:
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(*_here(scope, channel_id))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(MOST)
        .execution_options(populate_existing=True)
    ).all()
    return list(rows)


def _there(scope: Scope, channel_id: UUID) -> set[tuple[UUID, str]]:
    """The posts an account has, or had: a cancelled one counts as none."""
    rows = scope.session.exec(
        select(Delivery.post_id, Delivery.occurrence_key).where(
            Delivery.tenant_id == scope.tenant_id, Delivery.channel_id == channel_id, Delivery.state != str(S.CANCELLED)
        )
    )
    return {(post_id, key) for post_id, key in rows}
