"""Account failover: moves pending posts and their sources from a lost account to a spare one.

Sources are the evergreen pool, feeds, series, A/B tests and proposed weekly plans. Both accounts
belong to the same creator.
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
    """Replace an account in the creator's pool and feeds.

    Call it before locking the queues of either account: filling a pool and reading a feed lock in
    this order.
    """
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
    """Replace an account in series, running tests and proposed weekly plans.

    Series whose deliveries all exist are included, because they may still change. A test starts
    counting again, since metrics of two accounts are not comparable. Proposed plans get a new
    version and must be reviewed again. The caller must hold the locks of the queues and
    `lock_series_planning`, but not that of a delivery, because changes to series take their locks
    in this order.
    """
    for test in variant_assignment.running_tests_of_channel(scope, source_id):
        if test.channels:
            test.channels = _replace_channel(test.channels, source_id, target)
            test.channel_id = UUID(test.channels[0])
        else:
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
    """Return the condition that a stored list of account IDs contains an account."""
    return type_coerce(channels, JSONB).contains([str(channel_id)])


def _replace_channel(channels: Sequence[str], source_id: UUID, target: Channel) -> list[str]:
    """Return the accounts with one replaced by another, without duplicates; pure."""
    return list(dict.fromkeys(str(target.id) if one == str(source_id) else one for one in channels))


AHEAD = frozenset(
    {DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.HELD}
)
"""States of deliveries that are still to be published."""

MOVED = "delivery.moved_to_spare"
"""Reason code of deliveries that were cancelled by a failover."""


@dataclass(frozen=True)
class FailoverPreview:
    """The effect of moving an account's queue.

    Deliveries in `moving` are created on the spare account at the same local time. Those in
    `doubled` exist there already, so only the old ones are cancelled. Those in `left` are not
    moved. `asks_again` is True if the new deliveries need an approval, because the post looks
    different there. `tests` is the number of A/B tests that start counting again.
    """

    moving: tuple[PlannedMove, ...]
    doubled: tuple[PlannedMove, ...]
    left: tuple[UnmovedDelivery, ...]
    asks_again: bool
    tests: int

    @property
    def seen_versions(self) -> dict[UUID, int]:
        """Versions by delivery ID, to be passed back when the move is confirmed."""
        return {one.delivery_id: one.version for one in (*self.moving, *self.doubled)}


def preview_failover(scope: Scope, source_id: UUID, target_id: UUID) -> FailoverPreview:
    """Return the effect of a failover, for at most the next `MAX_MOVED_DELIVERIES` deliveries.

    Raises NotFound, and BadInput if the target is the same account, belongs to another creator or
    cannot post.
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
    """Return the reason why a delivery cannot move, or None.

    Content specific to an account was approved for that account only, and must not be moved without
    a decision.
    """
    if row.state not in AHEAD:
        return Message(PUBLISHING_IN_PROGRESS)
    alone = any(one.place == str(source_id) for one in channel_overrides.overrides_of_post(owner))
    return Message("spare.own_words") if alone else None


def _needs_new_approval(scope: Scope, source: Channel, target: Channel) -> bool:
    """Return True if moved posts need a new approval.

    An approval covers the content as displayed on a platform and surface.
    """
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
    """Move an account's queue to a spare account in this transaction.

    New deliveries are created there and the old ones cancelled with a reason. Deliveries that
    changed or were added after the preview stay and are reported; repeating the action moves them.
    Slots and sources of posts move too. Raises the same errors as `preview_failover`.
    """
    _, target = _get_channel_pair(scope, source_id, target_id)
    # Lock order: pool and feeds, queues, series, then deliveries.
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
    """Create the delivery on the spare account at the same local time, in the old state if it is
    still approved."""
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
    if old.state != DeliveryState.APPROVED:  # a delivery on hold is checked again at its time
        deliveries.schedule_approved(scope, [made])
    if missed_posts.is_held_back(old):  # except that a member's hold continues
        missed_posts.hold_replacement(scope, made, old)
    return made


def _resolve_occurrence_key(scope: Scope, old: Delivery, target_id: UUID) -> str:
    """Return the old occurrence key, or a repost key if the spare account had that occurrence
    before."""
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
    """Return the posts and occurrences of an account, excluding cancelled deliveries."""
    rows = scope.session.exec(
        select(Delivery.post_id, Delivery.occurrence_key).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            Delivery.state != str(DeliveryState.CANCELLED),
        )
    )
    return {(post_id, key) for post_id, key in rows}
