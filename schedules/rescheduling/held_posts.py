"""Bulk decisions on held and failed posts: publish one after another, move to free slots, or
cancel."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import UNUSABLE_STATES
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, parse_wall_time, to_wall_time
from schedules.approvals import decisions, time_changes
from schedules.approvals.time_changes import expedite_delivery, reschedule_delivery
from schedules.availability import slots
from schedules.availability.minimum_interval import (
    SEARCH_STEP,
    busy_times,
    has_room,
    interval_over_at,
    minimum_interval_of,
)
from schedules.availability.slots import QueueChange
from schedules.posts import deliveries
from schedules.posts.models import Delivery, Post
from schedules.posts.states import ACCOUNT_LOST, CREATOR_INACTIVE, DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.rescheduling import queue
from schedules.rescheduling.bulk_moves import (
    MAX_MOVED_DELIVERIES,
    MovePreview,
    PlannedMove,
    UnmovedDelivery,
)
from tenants.agencies.queries import get_creator

UNDECIDED = frozenset({DeliveryState.HELD, DeliveryState.FAILED})
"""States of deliveries that a bulk decision covers. Uncertain and partly published deliveries need
individual decisions and are not included."""

MINUTE = timedelta(minutes=1)
NO_YES = Message("deciding.no_yes")
CHANGED = Message("shift.changed")
Rows = Sequence[tuple[Delivery, Post]]


class HeldPostAction(StrEnum):
    """The action applied to all held posts."""

    NOW = "now"
    SLOTS = "slots"
    DROP = "drop"


def preview_held_posts(scope: Scope, creator_id: UUID, how: HeldPostAction) -> MovePreview:
    """Return the effect of an action on each held or failed post of a creator.

    Cancelled posts keep their times. Raises BadInput for too many posts.
    """
    return _build_move_preview(scope, _load_held_rows(scope, creator_id), how)


def resolve_held_posts(
    scope: Scope, creator_id: UUID, how: HeldPostAction, *, seen: Mapping[UUID, int]
) -> MovePreview:
    """Apply an action to the posts in `seen` (versions of the preview), in this transaction.

    Deliveries that changed or were added since the preview stay. Waits for concurrent decisions and
    planning on these accounts. Raises the same errors as `preview_held_posts`.
    """
    slots.lock_queues(
        scope, *sorted(one.id for one in queries.list_creator_channels(scope, creator_id))
    )
    rows = _load_held_rows(scope, creator_id, lock=True)
    same = [(row, owner) for row, owner in rows if seen.get(row.id) == row.version]
    changed = [
        UnmovedDelivery(row.id, row.channel_id, owner.title or owner.body, CHANGED)
        for row, owner in rows
        if row.id in seen and seen[row.id] != row.version
    ]
    found = _build_move_preview(scope, same, how)
    for one in found.moving:
        _apply_action(scope, one, how)
    for channel_id in (
        sorted({one.channel_id for one in found.moving}) if how is HeldPostAction.SLOTS else ()
    ):
        here = [
            get_delivery(scope, one.delivery_id)
            for one in found.moving
            if one.channel_id == channel_id
        ]
        slots.adopt_deliveries(scope, channel_id, here)
    return MovePreview(found.moving, (*found.left, *changed))


def _apply_action(scope: Scope, one: PlannedMove, how: HeldPostAction) -> None:
    if how is HeldPostAction.DROP:
        deliveries.cancel_delivery(scope, one.delivery_id)
    elif how is HeldPostAction.NOW and (
        one.after.instant() <= scope.now or _has_fixed_time(scope, one)
    ):
        expedite_delivery(scope, one.delivery_id, version=one.version)
    else:
        reschedule_delivery(scope, one.delivery_id, at=one.after, version=one.version)
        _schedule_if_approved(scope, get_delivery(scope, one.delivery_id))


def _schedule_if_approved(scope: Scope, row: Delivery) -> None:
    """Schedule a draft that was on hold for an approval and no longer needs one."""
    if row.state == DeliveryState.DRAFT and decisions.is_delivery_approved(
        scope, deliveries.get_post(scope, row.post_id), row, scope.now
    ):
        transition_delivery(
            scope, row, DeliveryState.APPROVED, reason=decisions.APPROVAL_NOT_REQUESTED
        )
        deliveries.schedule_approved(scope, [row])


def _has_fixed_time(scope: Scope, one: PlannedMove) -> bool:
    """Return True if the approval covers the time. Such posts keep it: late posts of an account are
    spread anyway when they are sent."""
    return time_changes.has_approved_time(scope, get_delivery(scope, one.delivery_id))


def _load_held_rows(
    scope: Scope, creator_id: UUID, *, lock: bool = False
) -> list[tuple[Delivery, Post]]:
    """Return held and failed deliveries with their posts, by priority and due time."""
    query = (
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            col(Delivery.state).in_(sorted(map(str, UNDECIDED))),
            ~col(Delivery.dry_run),
        )
        .order_by(col(Delivery.priority), col(Delivery.due_at), col(Delivery.id))
        .limit(MAX_MOVED_DELIVERIES + 1)
    )
    query = query.with_for_update(of=Delivery, key_share=True) if lock else query
    found = scope.session.exec(query.execution_options(populate_existing=True)).all()
    if len(found) > MAX_MOVED_DELIVERIES:
        raise BadInput("shift.too_many", most=MAX_MOVED_DELIVERIES)
    return list(found)


def _build_move_preview(scope: Scope, rows: Rows, how: HeldPostAction) -> MovePreview:
    by_channel: dict[UUID, list[tuple[Delivery, Post]]] = defaultdict(list)
    for row, owner in rows:
        by_channel[row.channel_id].append((row, owner))
    moving: list[PlannedMove] = []
    left: list[UnmovedDelivery] = []
    for channel_id, here in sorted(by_channel.items()):
        channel = queries.get_channel(scope, channel_id)
        stays = {row.id: _find_stay_reason(scope, owner, row, channel, how) for row, owner in here}
        able = [row for row, _ in here if stays[row.id] is None]
        try:
            goes = _resolve_new_times(scope, channel, able, how)
        except BadInput as none:  # no slots, or no free one
            goes = {}
            stays = {
                **dict.fromkeys((row.id for row in able), none.message),
                **_filter_known_reasons(stays),
            }
        for row, owner in here:
            words = owner.title or owner.body
            why = stays[row.id]
            if why is not None:
                left.append(UnmovedDelivery(row.id, channel_id, words, why))
                continue
            walls = (parse_wall_time(row.wall_time, row.zone), goes[row.id])
            moving.append(PlannedMove(row.id, row.version, row.post_id, channel_id, words, *walls))
    return MovePreview(
        tuple(sorted(moving, key=lambda one: (one.after.instant(), one.delivery_id))), tuple(left)
    )


def _filter_known_reasons(stays: Mapping[UUID, Message | None]) -> dict[UUID, Message]:
    return {one: why for one, why in stays.items() if why is not None}


def _find_stay_reason(
    scope: Scope, owner: Post, row: Delivery, channel: Channel, how: HeldPostAction
) -> Message | None:
    """Return the reason why a post would be put on hold again or would be published at a time that
    is not approved."""
    if how is HeldPostAction.DROP:
        return None
    if not get_creator(scope, row.creator_id).is_active:
        return Message(CREATOR_INACTIVE)
    if channel.state in UNUSABLE_STATES:
        return Message(ACCOUNT_LOST)
    if not decisions.is_delivery_approved(scope, owner, row, scope.now):
        return NO_YES
    try:
        _ = how is HeldPostAction.NOW and time_changes.has_approved_time(scope, row)
    except Conflict as another_hour:
        return another_hour.message
    return None


def _resolve_new_times(
    scope: Scope, channel: Channel, rows: Sequence[Delivery], how: HeldPostAction
) -> dict[UUID, WallTime]:
    """Return the new time of each delivery of an account.

    Raises BadInput if the account has no slots or no free one.
    """
    if how is HeldPostAction.DROP:
        return {row.id: parse_wall_time(row.wall_time, row.zone) for row in rows}
    if how is HeldPostAction.SLOTS:
        ids = [row.id for row in rows]
        return (
            queue.lay_out_queue(
                scope, channel.id, ids, after=scope.now, change=QueueChange(away=ids)
            )
            if ids
            else {}
        )
    return _spread_over_free_times(scope, channel, rows)


def _spread_over_free_times(
    scope: Scope, channel: Channel, rows: Sequence[Delivery]
) -> dict[UUID, WallTime]:
    """Return times from the first free one on, spaced as after a downtime, around planned posts."""
    gap = minimum_interval_of(channel)
    taken = busy_times(scope, channel.id, scope.now - gap, but=[row.id for row in rows])
    turn = max(scope.now, interval_over_at(scope, channel.id, gap))
    goes = {}
    for row in rows:
        while not has_room(taken, turn, gap):
            turn = max(one for one in taken if abs(one - turn) < gap) + gap
        while turn > scope.now and to_wall_time(turn, row.zone).instant() < turn - MINUTE:
            # ambiguous hour when clocks are set back: the wall time would mean the earlier instant
            turn += SEARCH_STEP
        goes[row.id] = to_wall_time(turn, row.zone)
        turn += gap
    return goes
