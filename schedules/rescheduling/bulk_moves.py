"""Bulk moves: reschedule many deliveries in one transaction, with a preview and an undo."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, parse_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import enforced_interval, quiet_periods, slots
from schedules.availability.minimum_interval import busy_times, has_room, minimum_interval_of
from schedules.downtime import misfires
from schedules.posts.deliveries import BEYOND_PLANNING_HORIZON, PLANNING_HORIZON
from schedules.posts.models import Delivery, Post
from schedules.posts.states import FINAL_STATES, PENDING_STATES, DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.recurrence import occurrences
from schedules.rescheduling.models import BulkMoveRow
from tenants.agencies.queries import get_creator

MAX_MOVED_DELIVERIES = 500
"""Maximum number of deliveries in one move: its transaction takes a second or two."""

MAX_MOVE_DAYS = PLANNING_HORIZON.days
"""Maximum number of days by which one move shifts deliveries."""

UNDO_WINDOW = timedelta(minutes=10)
"""Time during which a move can be undone."""

PUBLISHING_STATES = frozenset(
    {
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PARTLY,
    }
)
PUBLISHING_IN_PROGRESS = "shift.on_its_way"


@dataclass(frozen=True)
class MoveSelection:
    """The deliveries of a creator, on one account or all, due in [start, end) (UTC-aware)."""

    creator_id: UUID
    channel_id: UUID | None
    start: datetime
    end: datetime


@dataclass(frozen=True)
class TimeOffset:
    """An offset in days and minutes of local time, negative for earlier."""

    days: int = 0
    minutes: int = 0

    def shift_wall_time(self, wall: WallTime) -> WallTime:
        """Return the shifted local time. A day is a calendar day, regardless of clock changes."""
        day = wall.day + timedelta(days=self.days)
        # UTC, because local arithmetic must ignore clock changes.
        later = datetime.combine(day, wall.clock, tzinfo=UTC) + timedelta(minutes=self.minutes)
        return WallTime(later.date(), later.time(), wall.zone)

    def check_offset(self) -> None:
        """Raise BadInput for an offset of zero or beyond the maximum."""
        if not (self.days or self.minutes):
            raise BadInput("shift.nowhere")
        if abs(self.days) > MAX_MOVE_DAYS or abs(self.minutes) > MAX_MOVE_DAYS * 24 * 60:
            raise BadInput("shift.too_far", most=MAX_MOVE_DAYS).about("days")


@dataclass(frozen=True)
class PlannedMove:
    """A delivery that moves to another local time; `warning` names a conflict of the new time."""

    delivery_id: UUID
    version: int
    post_id: UUID
    channel_id: UUID
    words: str
    before: WallTime
    after: WallTime
    warning: Message | None = None


@dataclass(frozen=True)
class UnmovedDelivery:
    """A delivery that does not move, with the reason."""

    delivery_id: UUID
    channel_id: UUID
    words: str
    why: Message


@dataclass(frozen=True)
class LeftOutOccurrence:
    """An occurrence of a series that is cancelled by the move, with the reason."""

    delivery_id: UUID
    version: int
    channel_id: UUID
    words: str
    at: WallTime
    why: Message


@dataclass(frozen=True)
class MovePreview:
    """The effect of a move: deliveries that move, by time; deliveries that stay; and cancelled
    occurrences."""

    moving: tuple[PlannedMove, ...]
    left: tuple[UnmovedDelivery, ...]
    out: tuple[LeftOutOccurrence, ...] = ()

    @property
    def seen_versions(self) -> dict[UUID, int]:
        """Versions by delivery ID, to be passed back when the move is confirmed."""
        return {one.delivery_id: one.version for one in self.moving} | {
            one.delivery_id: one.version for one in self.out
        }


@dataclass(frozen=True)
class MoveResult:
    """The result of a move; `shift_id` identifies the move for undo."""

    shift_id: UUID
    moved: tuple[PlannedMove, ...]
    left: tuple[UnmovedDelivery, ...]
    out: tuple[LeftOutOccurrence, ...] = ()


@dataclass(frozen=True)
class UndoableMove:
    """The latest move of a creator that can still be undone."""

    shift_id: UUID
    creator_id: UUID
    count: int
    until: datetime


def preview_bulk_move(scope: Scope, chosen: MoveSelection, by: TimeOffset) -> MovePreview:
    """Return the effect of a move.

    Raises BadInput for an offset of zero or beyond the maximum, and for too many deliveries.
    """
    by.check_offset()
    known = select_deliveries(scope, chosen)
    goes = {
        row.id: by.shift_wall_time(parse_wall_time(row.wall_time, row.zone))
        for row, _ in known
        if row.state in PENDING_STATES
    }
    return plan_moves(scope, known, goes)


def move_deliveries(
    scope: Scope, chosen: MoveSelection, by: TimeOffset, *, seen: Mapping[UUID, int]
) -> MoveResult:
    """Move deliveries as shown in a preview, in this transaction.

    `seen` are the versions of the preview. Deliveries that changed since, were added since or are
    being published stay. Raises the same errors as `preview_bulk_move`.
    """
    by.check_offset()
    lock_selection(scope, chosen)
    return apply_moves(scope, chosen.creator_id, preview_bulk_move(scope, chosen, by), seen=seen)


def lock_selection(scope: Scope, chosen: MoveSelection) -> None:
    """Lock the selected deliveries and the queues of their accounts until the transaction ends.

    Raises NotFound for an unknown creator.
    """
    get_creator(scope, chosen.creator_id)
    channels = (
        [chosen.channel_id] if chosen.channel_id else _list_account_ids(scope, chosen.creator_id)
    )
    slots.lock_queues(scope, *channels)
    scope.session.exec(
        select(Delivery.id)
        .where(*_selection_conditions(scope, chosen))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update()
    ).all()


def _list_account_ids(scope: Scope, creator_id: UUID) -> list[UUID]:
    return [one.id for one in queries.list_creator_channels(scope, creator_id)]


def _selection_conditions(scope: Scope, chosen: MoveSelection) -> list[Any]:
    here = [
        Delivery.tenant_id == scope.tenant_id,
        Delivery.creator_id == chosen.creator_id,
        col(Delivery.due_at) >= chosen.start,
        col(Delivery.due_at) < chosen.end,
        col(Delivery.state).not_in(sorted(map(str, FINAL_STATES))),
    ]
    return here if chosen.channel_id is None else [*here, Delivery.channel_id == chosen.channel_id]


def select_deliveries(
    scope: Scope, chosen: MoveSelection, *, only: Sequence[UUID] | None = None
) -> list[tuple[Delivery, Post]]:
    """Return the selected deliveries that are not in a final state, with their posts, by time.

    `only` limits them to some IDs. Raises BadInput for too many deliveries.
    """
    narrow = [] if only is None else [col(Delivery.id).in_(only)]
    found = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(*_selection_conditions(scope, chosen), *narrow)
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(MAX_MOVED_DELIVERIES + 1)
        .execution_options(populate_existing=True)
    ).all()
    if len(found) > MAX_MOVED_DELIVERIES:
        raise BadInput("shift.too_many", most=MAX_MOVED_DELIVERIES)
    return list(found)


def plan_moves(
    scope: Scope, known: Sequence[tuple[Delivery, Post]], goes: Mapping[UUID, WallTime]
) -> MovePreview:
    """Plan moves to the times in `goes`, with warnings; other deliveries stay, with the reason.

    Deliveries of one series that would become too close also stay.
    """
    moving = []
    left = []
    ours = [row for row, _ in known if unmovable_reason(row, goes.get(row.id), scope.now) is None]
    close = occurrences.deliveries_too_close(scope, ours, goes)
    for row, owner in known:
        words = owner.title or owner.body
        stays = unmovable_reason(row, goes.get(row.id), scope.now) or close.get(row.id)
        if stays is not None:
            left.append(UnmovedDelivery(row.id, row.channel_id, words, stays))
        else:
            walls = (parse_wall_time(row.wall_time, row.zone), goes[row.id])
            moving.append(
                PlannedMove(row.id, row.version, row.post_id, row.channel_id, words, *walls)
            )
    return MovePreview(tuple(_attach_warnings(scope, moving)), tuple(left))


def unmovable_reason(row: Delivery, after: WallTime | None, now: datetime) -> Message | None:
    """Return the reason why a delivery cannot move to a local time, or None."""
    if row.state in PUBLISHING_STATES:
        return Message(PUBLISHING_IN_PROGRESS)
    if row.state not in PENDING_STATES:
        return Message("shift.waits_for_you")
    if after is not None and after.instant() < now:
        return Message("shift.past")
    if after is not None and after.instant() > now + PLANNING_HORIZON:
        return Message(BEYOND_PLANNING_HORIZON)
    return None


def _attach_warnings(scope: Scope, moving: Sequence[PlannedMove]) -> list[PlannedMove]:
    """Add warnings about posts of the account that are too close, and about quiet periods."""
    found: dict[UUID, PlannedMove] = {one.delivery_id: one for one in moving}
    for channel_id in {one.channel_id for one in moving}:
        channel = queries.get_channel(scope, channel_id)
        closed = quiet_periods.quiet_periods_of_channel(scope, channel.creator_id, channel_id)
        here = [one for one in moving if one.channel_id == channel_id]
        gap = minimum_interval_of(channel)
        close = (
            "shift.close_waits"
            if enforced_interval.is_interval_enforced(channel)
            else "shift.close"
        )
        since = min(one.after.instant() for one in here) - gap
        others = busy_times(scope, channel_id, since, but=found.keys())
        for one in here:
            at = one.after.instant()
            covered = quiet_periods.find_covering_period(closed, at)
            if not has_room(others, at, gap):
                found[one.delivery_id] = replace(
                    one, warning=Message(close, {"account": channel.name})
                )
            elif covered is not None:
                found[one.delivery_id] = replace(
                    one, warning=Message("shift.quiet", {"label": covered.label})
                )
    return [found[one.delivery_id] for one in moving]


def apply_moves(
    scope: Scope, creator_id: UUID, wanted: MovePreview, *, seen: Mapping[UUID, int]
) -> MoveResult:
    """Apply planned moves whose versions match `seen`, and store the old times for undo.

    Deliveries that are moved to a free slot join the queue. Individually moved occurrences are
    cancelled only if their versions match too. The caller must hold the locks of the queues and
    deliveries.
    """
    moved = []
    left = list(wanted.left)
    for one in wanted.moving:
        if seen.get(one.delivery_id) != one.version:
            left.append(
                UnmovedDelivery(
                    one.delivery_id, one.channel_id, one.words, Message("shift.changed")
                )
            )
            continue
        reschedule_delivery(scope, one.delivery_id, at=one.after, version=one.version)
        moved.append(one)
    out, changed = _leave_out_occurrences(scope, wanted.out, seen)
    left += changed
    now = _load_current_deliveries(scope, [one.delivery_id for one in moved])
    for channel_id in sorted({one.channel_id for one in moved}):
        slots.adopt_deliveries(
            scope, channel_id, [row for row in now.values() if row.channel_id == channel_id]
        )
    # The version after the move is stored, so that undo detects later changes.
    stored = [_undo_record(one, now[one.delivery_id]) for one in moved]
    row = BulkMoveRow(
        tenant_id=scope.tenant_id, creator_id=creator_id, by=scope.actor, moved=stored
    )
    scope.add(row)
    return MoveResult(row.id, tuple(moved), tuple(left), tuple(out))


def _leave_out_occurrences(
    scope: Scope, wanted: Sequence[LeftOutOccurrence], seen: Mapping[UUID, int]
) -> tuple[list[LeftOutOccurrence], list[UnmovedDelivery]]:
    """Cancel occurrences: regular ones always, individually moved ones only if their version
    matches.

    Returns the cancelled and the remaining ones.
    """
    out = []
    left = []
    for one in wanted:
        row = get_delivery(scope, one.delivery_id)
        if seen.get(row.id) == row.version or misfires.is_regular_occurrence(row):
            occurrences.leave_out_delivery(scope, row, one.why)
            out.append(one)
        else:
            left.append(
                UnmovedDelivery(
                    one.delivery_id, one.channel_id, one.words, Message("shift.changed")
                )
            )
    return out, left


def _undo_record(one: PlannedMove, now: Delivery) -> dict[str, Any]:
    """Return the data needed for undo: the old local time, and the version after the move."""
    return {
        "delivery": str(now.id),
        "version": now.version,
        "wall": str(one.before),
        "zone": one.before.zone,
    }


def _load_current_deliveries(scope: Scope, deliveries: Sequence[UUID]) -> dict[UUID, Delivery]:
    """Return deliveries in their current state, by time."""
    found = scope.session.exec(
        select(Delivery)
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(deliveries))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in found}


def latest_undoable_move(scope: Scope, creators: Iterable[UUID]) -> UndoableMove | None:
    """Return the newest move of these creators that can be undone, or None.

    Moves made by pauses are not included; they are reverted when the pause is cancelled.
    """
    row = scope.session.exec(
        select(BulkMoveRow)
        .where(
            BulkMoveRow.tenant_id == scope.tenant_id,
            col(BulkMoveRow.creator_id).in_(list(creators)),
            col(BulkMoveRow.undone_at).is_(None),
            func.jsonb_array_length(BulkMoveRow.moved) > 0,
            col(BulkMoveRow.created_at) > scope.now - UNDO_WINDOW,
            col(BulkMoveRow.id).not_in(quiet_periods.pause_move_ids_query(scope)),
        )
        .order_by(col(BulkMoveRow.created_at).desc(), col(BulkMoveRow.id).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return UndoableMove(
        row.id, row.creator_id, len(row.moved), (row.created_at or scope.now) + UNDO_WINDOW
    )


def undo_bulk_move(scope: Scope, shift_id: UUID) -> MovePreview:
    """Undo a move within `UNDO_WINDOW`, for deliveries that have not changed since.

    Returns the deliveries that moved and those that stayed. Raises NotFound, and Conflict if the
    move was already undone or is too old.
    """
    row = _get_locked_move(scope, shift_id)
    if scope.now > (row.created_at or scope.now) + UNDO_WINDOW:
        raise Conflict("shift.too_late")
    return revert_bulk_move(scope, shift_id)


def revert_bulk_move(scope: Scope, shift_id: UUID) -> MovePreview:
    """Undo a move regardless of its age; a queued delivery stays if its old slot is occupied.

    Raises NotFound, and Conflict if the move was already undone.
    """
    row = _get_locked_move(scope, shift_id)
    slots.lock_queues(scope, *_list_account_ids(scope, row.creator_id))
    back = {UUID(one["delivery"]): one for one in row.moved}
    known = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(back)))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    ).all()
    goes = {
        one: parse_wall_time(str(kept["wall"]), str(kept["zone"])) for one, kept in back.items()
    }
    left_at = {one: int(kept["version"]) for one, kept in back.items()}
    wanted = _exclude_taken_slots(scope, plan_moves(scope, list(known), goes), left_at)
    done = apply_moves(scope, row.creator_id, wanted, seen=left_at)
    for each in (row, _get_locked_move(scope, done.shift_id)):  # an undo cannot be undone
        each.undone_at = scope.now
        scope.add(each)
    return MovePreview(done.moved, done.left)


def _exclude_taken_slots(
    scope: Scope, wanted: MovePreview, left_at: Mapping[UUID, int]
) -> MovePreview:
    """Remove moves back to slots that other posts now occupy: both would be published at the same
    minute."""
    same = [one for one in wanted.moving if one.version == left_at[one.delivery_id]]
    stays = set[UUID]()
    for channel_id in {one.channel_id for one in same}:
        goes = {one.delivery_id: one.after for one in same if one.channel_id == channel_id}
        stays |= slots.deliveries_losing_slots(scope, channel_id, goes)
    why = Message("shift.slot_taken")
    gone = [one for one in same if one.delivery_id in stays]
    left = (
        *wanted.left,
        *(UnmovedDelivery(one.delivery_id, one.channel_id, one.words, why) for one in gone),
    )
    return replace(wanted, moving=tuple(one for one in wanted.moving if one not in gone), left=left)


def _get_locked_move(scope: Scope, shift_id: UUID) -> BulkMoveRow:
    row = scope.session.exec(
        select(BulkMoveRow)
        .where(BulkMoveRow.tenant_id == scope.tenant_id, BulkMoveRow.id == shift_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("shift.unknown")
    if row.undone_at is not None:
        raise Conflict("shift.undone")
    return row


@dataclass(frozen=True)
class BulkMoveRecord:
    """A move. It can be undone until `until` (UTC-aware); `undone_at` is set once it was undone."""

    shift_id: UUID
    creator_id: UUID
    by: str
    deliveries: tuple[UUID, ...]
    made_at: datetime
    until: datetime
    undone_at: datetime | None


def get_bulk_move(scope: Scope, creators: Collection[UUID], shift_id: UUID) -> BulkMoveRecord:
    """Return one move of these creators; moves made by pauses are not found.

    Raises NotFound, also for moves of other tenants and creators.
    """
    row = scope.session.exec(
        select(BulkMoveRow)
        .where(
            BulkMoveRow.tenant_id == scope.tenant_id,
            BulkMoveRow.id == shift_id,
            col(BulkMoveRow.id).not_in(quiet_periods.pause_move_ids_query(scope)),
        )
        .execution_options(populate_existing=True)
    ).first()
    if row is None or row.creator_id not in creators:
        raise NotFound("shift.unknown")
    made = row.created_at or scope.now
    moved = tuple(UUID(each["delivery"]) for each in row.moved)
    return BulkMoveRecord(
        row.id, row.creator_id, row.by, moved, made, made + UNDO_WINDOW, row.undone_at
    )
