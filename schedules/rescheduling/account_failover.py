"""What makes posts for an account goes on for another one: pool, feeds, series, tests, a week that
is proposed.

All that is ahead of an account moves to another one of the same creator: a lost account, and its
spare one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.wall_time import parse_wall_time
from schedules.approvals import decisions
from schedules.availability import slots
from schedules.downtime import missed_posts
from schedules.drafts import reposts
from schedules.feeds.models import Feed
from schedules.posts import channel_overrides, deliveries
from schedules.posts.models import Delivery, Post, Series
from schedules.posts.states import DeliveryState, SeriesState
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.recurrence import evergreen_pools, series, variant_assignment
from schedules.rescheduling.bulk_moves import (
    MAX_MOVED_DELIVERIES,
    PUBLISHING_IN_PROGRESS,
    PUBLISHING_STATES,
    PlannedMove,
    UnmovedDelivery,
)
from schedules.suggestions.models import WeekLine
from schedules.suggestions.states import WeekLineState
from tenants.agencies.queries import get_creator


def move_pool_and_feeds(scope: Scope, source_id: UUID, target: Channel) -> None:
    """The pool and the feeds of a creator. Before the slots of either account are held: whoever
    fills a pool, or reads a feed, locks in this order."""
    pool = evergreen_pools.lock_pool(scope, target.creator_id)
    if pool is not None:
        pool.channels = _replace_channel(pool.channels, source_id, target)
        scope.add(pool)
    here = (Feed.tenant_id == scope.tenant_id, Feed.creator_id == target.creator_id)
    theirs = (
        select(Feed)
        .where(*here, _contains_channel_condition(Feed.channels, source_id))
        .order_by(col(Feed.id))
        .with_for_update()
    )
    for feed in scope.session.exec(theirs.execution_options(populate_existing=True)).all():
        feed.channels = _replace_channel(feed.channels, source_id, target)
        scope.add(feed)


def move_series_and_tests(scope: Scope, source_id: UUID, target: Channel) -> None:
    """Series, those too whose times are all made: they may still be changed, or give way. A test
    counts anew there: readings of two accounts are not compared. What is proposed has to be looked
    at again.

    The caller holds the slots and `series.alone`, and no delivery: whoever changes a series locks
    in this order.
    """
    for test in variant_assignment.running_tests_of_channel(scope, source_id):
        test.channel_id = target.id
        scope.add(test)
    running = (Series.tenant_id == scope.tenant_id, Series.state != str(SeriesState.STOPPED))
    ours = (
        select(Series)
        .where(*running, _contains_channel_condition(Series.channels, source_id))
        .order_by(col(Series.id))
    )
    for row in scope.session.exec(ours.with_for_update(key_share=True)).all():
        row.channels = _replace_channel(row.channels, source_id, target)
        scope.add(row)
    proposed = (
        WeekLine.tenant_id == scope.tenant_id,
        WeekLine.state == str(WeekLineState.PROPOSED),
    )
    lines = (
        select(WeekLine)
        .where(*proposed, _contains_channel_condition(WeekLine.channels, source_id))
        .order_by(col(WeekLine.id))
    )
    for line in scope.session.exec(
        lines.with_for_update().execution_options(populate_existing=True)
    ).all():
        line.channels = _replace_channel(line.channels, source_id, target)
        line.version += 1
        scope.add(line)


def _contains_channel_condition(channels: object, channel_id: UUID) -> ColumnElement[bool]:
    """Whether stored ids of accounts name this one."""
    return type_coerce(channels, JSONB).contains([str(channel_id)])


def _replace_channel(channels: Sequence[str], source_id: UUID, target: Channel) -> list[str]:
    """The same accounts with one in the place of another, each once; pure."""
    return list(dict.fromkeys(str(target.id) if one == str(source_id) else one for one in channels))


AHEAD = frozenset(
    {DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.HELD}
)
"""States of what is still to leave."""

MOVED = "delivery.moved_to_spare"
"""The reason of those that were cancelled for it."""


@dataclass(frozen=True)
class FailoverPreview:
    """What moving an account's queue comes to.

    `moving` are those with a new one on the spare account, at the same wall time; `doubled` those
    that are there already, so that only the old one is cancelled; `left` stay where they are.
    `asks_again`: the new ones wait for a yes, since the post looks another way there. `tests`: how
    many tests of two versions count anew there.
    """

    moving: tuple[PlannedMove, ...]
    doubled: tuple[PlannedMove, ...]
    left: tuple[UnmovedDelivery, ...]
    asks_again: bool
    tests: int

    @property
    def seen_versions(self) -> dict[UUID, int]:
        """What was seen of each: handed back with the word to do it."""
        return {one.delivery_id: one.version for one in (*self.moving, *self.doubled)}


def preview_failover(scope: Scope, source_id: UUID, target_id: UUID) -> FailoverPreview:
    """What would move from an account to another one: of a very long queue the next five hundred,
    the rest after that.

    Raises NotFound, and BadInput where the other one is not the creator's, the same, or cannot
    post.
    """
    source, target = _get_channel_pair(scope, source_id, target_id)
    rows = _load_movable_rows(scope, source_id)
    there = _list_known_occurrences(scope, target_id)
    why = {row.id: _find_stay_reason(row, owner, source_id) for row, owner in rows}
    ahead = [(row, owner) for row, owner in rows if why[row.id] is None]
    goes = [
        PlannedMove(
            row.id, row.version, row.post_id, target_id, owner.title or owner.body, wall, wall
        )
        for row, owner in ahead
        for wall in (parse_wall_time(row.wall_time, row.zone),)
    ]
    keys = {row.id: (row.post_id, row.occurrence_key) for row, _ in ahead}
    stays = [
        UnmovedDelivery(row.id, source_id, owner.title or owner.body, reason)
        for row, owner in rows
        if (reason := why[row.id]) is not None
    ]
    return FailoverPreview(
        tuple(one for one in goes if keys[one.delivery_id] not in there),
        tuple(one for one in goes if keys[one.delivery_id] in there),
        tuple(stays),
        _needs_new_approval(scope, source, target),
        len(variant_assignment.running_tests_of_channel(scope, source_id)),
    )


def _find_stay_reason(row: Delivery, owner: Post, source_id: UUID) -> Message | None:
    """Why a delivery stays on its account. What a post says there alone was approved for there:
    nobody else may decide what it says on the spare one."""
    if row.state not in AHEAD:
        return Message(PUBLISHING_IN_PROGRESS)
    alone = any(one.place == str(source_id) for one in channel_overrides.overrides_of_post(owner))
    return Message("spare.own_words") if alone else None


def _needs_new_approval(scope: Scope, source: Channel, target: Channel) -> bool:
    """A yes is said of a content as its place shows it: on another kind of place it must be said
    again."""
    alike = (source.platform, source.surface) == (target.platform, target.surface)
    return not alike and get_creator(scope, target.creator_id).approval_tiers > 0


def _get_channel_pair(scope: Scope, source_id: UUID, target_id: UUID) -> tuple[Channel, Channel]:
    source = queries.get_channel(scope, source_id)
    target = queries.get_channel(scope, target_id)
    if source.id == target.id or source.creator_id != target.creator_id:
        raise BadInput("spare.other_creator")
    if target.state is not ChannelState.ACTIVE or not target.surface:
        raise BadInput("spare.not_ready", account=target.name)
    return source, target


def move_to_spare_account(
    scope: Scope, source_id: UUID, target_id: UUID, *, seen: Mapping[UUID, int]
) -> FailoverPreview:
    """Do it in this transaction: new deliveries on the spare account, the old ones cancelled with
    the reason.

    What changed since it was `seen`, or came since, stays and is told; pressing again moves it. The
    slots of the account go along, and what makes posts for it. Raises as `preview`.
    """
    _, target = _get_channel_pair(scope, source_id, target_id)
    move_pool_and_feeds(scope, source_id, target)
    slots.lock_queues(scope, source_id, target_id)
    series.lock_series_planning(scope, target.creator_id)
    move_series_and_tests(scope, source_id, target)
    locked = (
        select(Delivery.id)
        .where(*_movable_conditions(scope, source_id))
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    scope.session.exec(locked.with_for_update()).all()
    found = preview_failover(scope, source_id, target_id)
    slots.copy_slots(scope, source_id, target)
    changed = [
        one for one in (*found.moving, *found.doubled) if seen.get(one.delivery_id) != one.version
    ]
    stay = {one.delivery_id for one in changed}
    moving = tuple(one for one in found.moving if one.delivery_id not in stay)
    doubled = tuple(one for one in found.doubled if one.delivery_id not in stay)
    made = [_recreate_delivery(scope, one, target, asks_again=found.asks_again) for one in moving]
    for one in (*moving, *doubled):
        row = get_delivery(scope, one.delivery_id)
        transition_delivery(
            scope, row, DeliveryState.CANCELLED, reason=Message(MOVED, {"account": target.name})
        )
        deliveries.cancel_wakeups(scope, row.id)
    slots.adopt_deliveries(scope, target_id, made)
    left = [
        UnmovedDelivery(one.delivery_id, source_id, one.words, Message("shift.changed"))
        for one in changed
    ]
    return replace(found, moving=moving, doubled=doubled, left=(*found.left, *left))


def _recreate_delivery(
    scope: Scope, one: PlannedMove, target: Channel, *, asks_again: bool
) -> Delivery:
    """The same post at the same wall time on the spare account; as far along as the old one where
    its yes counts."""
    old = get_delivery(scope, one.delivery_id)
    key = _resolve_occurrence_key(scope, old, target.id)
    made_id = deliveries.create_delivery(
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
    made = get_delivery(scope, made_id)
    owner = deliveries.get_post(scope, old.post_id)
    if (
        asks_again
        or old.state == DeliveryState.DRAFT
        or not decisions.is_delivery_approved(scope, owner, old, scope.now)
    ):
        return made
    transition_delivery(scope, made, DeliveryState.APPROVED)
    if old.state != DeliveryState.APPROVED:  # what was on hold is judged anew, at its hour
        transition_delivery(scope, made, DeliveryState.SCHEDULED)
    if missed_posts.is_held_back(old):  # but what somebody holds back leaves nowhere by itself
        missed_posts.hold_replacement(scope, made, old)
    return made


def _resolve_occurrence_key(scope: Scope, old: Delivery, target_id: UUID) -> str:
    """The occurrence on the spare account: the old one's, or a further one where that was taken off
    there before."""
    taken = select(Delivery.id).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.post_id == old.post_id,
        Delivery.channel_id == target_id,
        Delivery.occurrence_key == old.occurrence_key,
    )
    if scope.session.exec(taken).first() is None:
        return old.occurrence_key
    return reposts.next_repost_key(scope, old.post_id, target_id, old.occurrence_key)


def _movable_conditions(scope: Scope, channel_id: UUID) -> tuple[Any, ...]:
    wanted = sorted(map(str, AHEAD | PUBLISHING_STATES))
    return (
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == channel_id,
        col(Delivery.state).in_(wanted),
    )


def _load_movable_rows(scope: Scope, channel_id: UUID) -> list[tuple[Delivery, Post]]:
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(*_movable_conditions(scope, channel_id))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(MAX_MOVED_DELIVERIES)
        .execution_options(populate_existing=True)
    ).all()
    return list(rows)


def _list_known_occurrences(scope: Scope, channel_id: UUID) -> set[tuple[UUID, str]]:
    """The posts an account has, or had: a cancelled one counts as none."""
    rows = scope.session.exec(
        select(Delivery.post_id, Delivery.occurrence_key).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            Delivery.state != str(DeliveryState.CANCELLED),
        )
    )
    return {(post_id, key) for post_id, key in rows}
