"""Drag and drop on the calendar: moves all deliveries of a post at one time, or none of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ops.wall_time import WallTime, local_day, parse_wall_time, to_wall_time
from schedules.availability import quiet_periods, slots
from schedules.availability.minimum_interval import MIN_INTERVAL, SEARCH_RANGE, busy_times, has_room
from schedules.availability.usual_hours import (
    filter_closing_periods,
    filter_free_times,
    list_usual_hours,
)
from schedules.posts.deliveries import BEYOND_PLANNING_HORIZON, PLANNING_HORIZON
from schedules.posts.models import Delivery, Post
from schedules.posts.states import FINAL_STATES
from schedules.rescheduling import bulk_moves
from schedules.rescheduling.bulk_moves import PUBLISHING_STATES, MoveResult, TimeOffset
from tenants.agencies import queries

MAX_DRAGGED = 100
"""Maximum number of deliveries of one post that can be moved together."""


@dataclass(frozen=True)
class DropTarget:
    """The target of a drop: a day in the time zone `zone`, and an hour (0 to 23) or None to keep
    the time.

    `zone` is the time zone of the displayed calendar; the post keeps its own time zone.
    """

    day: date
    hour: int | None
    zone: str


def creator_of_deliveries(scope: Scope, deliveries: Collection[UUID]) -> UUID:
    """Return the creator of deliveries. Raises NotFound unless all exist and belong to one post."""
    found = _load_delivery_rows(scope, deliveries)
    if len({row.post_id for row, _ in found}) != 1 or len(found) != len(set(deliveries)):
        raise NotFound("delivery.unknown")
    return found[0][0].creator_id


def drop_deliveries(scope: Scope, seen: Mapping[UUID, int], spot: DropTarget) -> MoveResult:
    """Move a post to a day, or to an hour of a day, if its deliveries have the versions in `seen`;
    the move can be undone.

    Within an hour, the first free slot of its accounts is used, otherwise a free usual hour. Raises
    BadInput for an unchanged time or one too far ahead, NotFound, and Conflict for a time in the
    past, a locked or held delivery, or a later version.
    """
    if (
        len(seen) > MAX_DRAGGED
        or abs((spot.day - local_day(scope.now, spot.zone)).days) > PLANNING_HORIZON.days
    ):
        raise BadInput(BEYOND_PLANNING_HORIZON)
    creator_id = creator_of_deliveries(scope, seen)
    slots.lock_queues(scope, *(row.channel_id for row, _ in _load_delivery_rows(scope, seen)))
    rows = _load_delivery_rows(scope, seen, lock=True)
    if any(row.state in FINAL_STATES | PUBLISHING_STATES for row, _ in rows):
        raise Conflict("delivery.not_movable")
    if {row.id: row.version for row, _ in rows} != dict(seen) or len(
        {row.due_at for row, _ in rows}
    ) != 1:
        raise Conflict("delivery.moved_meanwhile")
    goes = _resolve_new_times(scope, [row for row, _ in rows], spot)
    if all(parse_wall_time(row.wall_time, row.zone) == goes[row.id] for row, _ in rows):
        raise BadInput("drag.nowhere")
    wanted = bulk_moves.plan_moves(scope, rows, goes)
    # All or nothing: one delivery that cannot move rejects the drop.
    for one in wanted.left:
        raise Conflict(one.why.code, **one.why.params)
    return bulk_moves.apply_moves(scope, creator_id, wanted, seen=seen)


def _load_delivery_rows(
    scope: Scope, deliveries: Collection[UUID], *, lock: bool = False
) -> list[tuple[Delivery, Post]]:
    query = (
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(deliveries)))
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    query = query.with_for_update(of=Delivery) if lock else query
    return list(scope.session.exec(query.execution_options(populate_existing=True)))


def _resolve_new_times(
    scope: Scope, rows: Sequence[Delivery], spot: DropTarget
) -> dict[UUID, WallTime]:
    if spot.hour is None:
        return {
            row.id: same_clock_time(parse_wall_time(row.wall_time, row.zone), row.due_at, spot)
            for row in rows
        }
    at = min(_iterate_free_slot_times(scope, rows, spot), default=None) or min(
        _iterate_free_usual_times(scope, rows, spot), default=None
    )
    wall = (
        to_wall_time(at, spot.zone)
        if at is not None
        else clock_time_in_hour(rows[0].due_at, spot.hour, spot)
    )
    return {row.id: to_zone(wall, row.zone) for row in rows}


def _iterate_free_slot_times(
    scope: Scope, rows: Sequence[Delivery], spot: DropTarget
) -> Iterator[datetime]:
    """Yield the instants of free slots of these accounts within the hour."""
    for row in rows:
        taken = busy_times(
            scope, row.channel_id, min(scope.now, row.due_at), but=[one.id for one in rows]
        )
        for slot in slots.list_slots(scope, row.channel_id):
            for day in _adjacent_days(spot):
                at = slot.place_on(day).instant()
                if (
                    slot.weekday == day.weekday()
                    and is_within_target(at, spot)
                    and has_room(taken, at, MIN_INTERVAL)
                ):
                    yield at


def _iterate_free_usual_times(
    scope: Scope, rows: Sequence[Delivery], spot: DropTarget
) -> Iterator[datetime]:
    """Yield the instants of usual hours within the hour that the calendar shows as free."""
    ours = [row.id for row in rows]
    creator = queries.get_creator(scope, rows[0].creator_id)
    closed = filter_closing_periods(
        quiet_periods.list_quiet_periods(scope, [creator.id]), creator.id
    )
    hours = list_usual_hours(scope, [creator.id])[creator.id]
    for wall in (
        WallTime(day, clock, creator.zone) for day in _adjacent_days(spot) for clock in hours
    ):
        if is_within_target(wall.instant(), spot):
            since = wall.instant() - SEARCH_RANGE
            taken = [
                at for row in rows for at in busy_times(scope, row.channel_id, since, but=ours)
            ]
            if filter_free_times([wall], taken, scope.now, closed):
                yield wall.instant()


def _adjacent_days(spot: DropTarget) -> list[date]:
    """Return the local dates that any time zone can have during the target day."""
    return [spot.day - SEARCH_RANGE, spot.day, spot.day + SEARCH_RANGE]


def is_within_target(at: datetime, spot: DropTarget) -> bool:
    """Return True if an instant is in the day and hour of the target; pure."""
    wall = to_wall_time(at, spot.zone)
    return (wall.day, wall.clock.hour) == (spot.day, spot.hour)


def same_clock_time(wall: WallTime, due: datetime, spot: DropTarget) -> WallTime:
    """Return the local time on the target day with the same time of day; pure.

    If the calendar shows another time zone with different clock changes, the result could fall on a
    neighbouring day there. Then the time shown in the calendar is used on the target day.
    """
    moved = TimeOffset(days=(spot.day - local_day(due, spot.zone)).days).shift_wall_time(wall)
    if wall.zone == spot.zone or local_day(moved.instant(), spot.zone) == spot.day:
        return moved
    return to_zone(WallTime(spot.day, to_wall_time(due, spot.zone).clock, spot.zone), wall.zone)


def clock_time_in_hour(due: datetime, hour: int, spot: DropTarget) -> WallTime:
    """Return the target hour of the day; if the post is already in that hour, it keeps its minutes;
    pure."""
    own = to_wall_time(due, spot.zone).clock
    return WallTime(spot.day, own if own.hour == hour else time(hour), spot.zone)


def to_zone(wall: WallTime, zone: str) -> WallTime:
    """Return the same instant as local time in another zone; pure."""
    return wall if wall.zone == zone else to_wall_time(wall.instant(), zone)
