"""A post at one time, dragged to another day or hour: its accounts go together, or none of them does."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from schedules import agenda, quiet, shifting, slots
from schedules.calendar import FARTHEST, OUT_OF_REACH, WallTime, local_day, local_wall, parse
from schedules.models import Delivery, Post
from schedules.shifting import UNDER_WAY, By, Done
from schedules.spacing import A_DAY, LEAST, busy, room
from schedules.states import ENDED
from tenants import reads as tenant_reads

MOST = 100
"""Accounts of one post."""


@dataclass(frozen=True)
class Spot:
    """Where it was dropped: a day on the clock of `zone`, and there an hour (0 to 23), or none to keep its own time.

    `zone` is whose clock was looked at: a post stays planned on the one it was planned on.
    """

    day: date
    hour: int | None
    zone: str


def owner(scope: Scope, deliveries: Collection[UUID]) -> UUID:
    """Whose deliveries these are. Raises NotFound unless they are of one post and known here, all of them."""
    found = _rows(scope, deliveries)
    if len({row.post_id for row, _ in found}) != 1 or len(found) != len(set(deliveries)):
        raise NotFound("delivery.unknown")
    return found[0][0].creator_id


def drag(scope: Scope, seen: Mapping[UUID, int], spot: Spot) -> Done:
    """Move a post at one time to a day, or an hour of it, as it was `seen` (versions by delivery); may be taken back.

    An hour takes the free slot within it of one of its accounts, else a usual hour that is free there. Raises
    BadInput for nowhere and too far, NotFound, Conflict for what is past, locked, waits for a decision, or was changed
    meanwhile.
    """
    if len(seen) > MOST or abs((spot.day - local_day(scope.now, spot.zone)).days) > FARTHEST.days:
        raise BadInput(OUT_OF_REACH)
    creator_id = owner(scope, seen)
    slots.hold(scope, *(row.channel_id for row, _ in _rows(scope, seen)))
    rows = _rows(scope, seen, lock=True)
    if any(row.state in ENDED | UNDER_WAY for row, _ in rows):
        raise Conflict("delivery.not_movable")
    if {row.id: row.version for row, _ in rows} != dict(seen) or len({row.due_at for row, _ in rows}) != 1:
        raise Conflict("delivery.moved_meanwhile")
    goes = _goes(scope, [row for row, _ in rows], spot)
    if all(parse(row.wall_time, row.zone) == goes[row.id] for row, _ in rows):
        raise BadInput("drag.nowhere")
    wanted = shifting.sorted_out(scope, rows, goes)
    for one in wanted.left:
        raise Conflict(one.why.code, **one.why.params)
    return shifting.give(scope, creator_id, wanted, seen=seen)


def _rows(scope: Scope, deliveries: Collection[UUID], *, lock: bool = False) -> list[tuple[Delivery, Post]]:
    query = (
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(deliveries)))
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    query = query.with_for_update(of=Delivery) if lock else query
    return list(scope.session.exec(query.execution_options(populate_existing=True)))


def _goes(scope: Scope, rows: Sequence[Delivery], spot: Spot) -> dict[UUID, WallTime]:
    if spot.hour is None:
        return {row.id: same_time(parse(row.wall_time, row.zone), row.due_at, spot) for row in rows}
    at = min(_slots(scope, rows, spot), default=None) or min(_usual(scope, rows, spot), default=None)
    wall = local_wall(at, spot.zone) if at is not None else at_hour(rows[0].due_at, spot.hour, spot)
    return {row.id: on_clock(wall, row.zone) for row in rows}


def _slots(scope: Scope, rows: Sequence[Delivery], spot: Spot) -> Iterator[datetime]:
    """The instants of free slots of these accounts within the hour."""
    for row in rows:
        taken = busy(scope, row.channel_id, min(scope.now, row.due_at), but=[one.id for one in rows])
        for slot in slots.slots_of(scope, row.channel_id):
            for day in _around(spot):
                at = slot.on(day).instant()
                if slot.weekday == day.weekday() and within(at, spot) and room(taken, at, LEAST):
                    yield at


def _usual(scope: Scope, rows: Sequence[Delivery], spot: Spot) -> Iterator[datetime]:
    """The instants within the hour that the calendar shows as free."""
    ours, creator = [row.id for row in rows], tenant_reads.creator(scope, rows[0].creator_id)
    closed = agenda.closed_to(quiet.periods(scope, [creator.id]), creator.id)
    hours = agenda.hours(scope, [creator.id])[creator.id]
    for wall in (WallTime(day, clock, creator.zone) for day in _around(spot) for clock in hours):
        if within(wall.instant(), spot):
            since = wall.instant() - A_DAY
            taken = [at for row in rows for at in busy(scope, row.channel_id, since, but=ours)]
            if agenda.free([wall], taken, scope.now, closed):
                yield wall.instant()


def _around(spot: Spot) -> list[date]:
    """The days that clocks anywhere may show while those of the spot show its day."""
    return [spot.day - A_DAY, spot.day, spot.day + A_DAY]


def within(at: datetime, spot: Spot) -> bool:
    """Whether clocks of the spot show its day and hour at an instant; pure."""
    wall = local_wall(at, spot.zone)
    return (wall.day, wall.clock.hour) == (spot.day, spot.hour)


def same_time(wall: WallTime, due: datetime, spot: Spot) -> WallTime:
    """A wall time on another day: its clock stays as it is, whatever clocks are changed in between; pure.

    Looked at on another clock it may so lie on the day beside, where clocks change here and not there: then it takes
    the hour at which it was seen, on the day where it was dropped.
    """
    moved = By(days=(spot.day - local_day(due, spot.zone)).days).of(wall)
    if wall.zone == spot.zone or local_day(moved.instant(), spot.zone) == spot.day:
        return moved
    return on_clock(WallTime(spot.day, local_wall(due, spot.zone).clock, spot.zone), wall.zone)


def at_hour(due: datetime, hour: int, spot: Spot) -> WallTime:
    """The hour of the day; dragged along its own hour it keeps its minutes; pure."""
    own = local_wall(due, spot.zone).clock
    return WallTime(spot.day, own if own.hour == hour else time(hour), spot.zone)


def on_clock(wall: WallTime, zone: str) -> WallTime:
    """The same instant as clocks of `zone` show it; pure."""
    return wall if wall.zone == zone else local_wall(wall.instant(), zone)
