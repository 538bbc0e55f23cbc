"""Many deliveries at once to other times: what would move where is shown first, done in one transaction, taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from channels import reads as channel_reads
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.words import Message
from schedules import distance, passing, planning, quiet, series_rule, slots
from schedules.calendar import FARTHEST, OUT_OF_REACH, WallTime, parse
from schedules.models import Delivery, Post
from schedules.models_planning import ShiftRow
from schedules.moving import delivery
from schedules.spacing import busy, gap_of, room
from schedules.states import ENDED, TO_COME, DeliveryState
from tenants import reads as tenant_reads

S = DeliveryState

MOST = 500
"""Deliveries in one gesture: its transaction lasts a second or two."""

MOST_DAYS = FARTHEST.days
"""That posts are moved by at once."""

UNDO = timedelta(minutes=10)
"""So long a shift may be taken back."""

UNDER_WAY = frozenset({S.PUBLISHING, S.PROCESSING, S.UNCERTAIN, S.PARTLY})
ON_ITS_WAY = "shift.on_its_way"


@dataclass(frozen=True)
class Chosen:
    """Deliveries of a creator, on one account or all, due from `start` until before `end` (UTC-aware)."""

    creator_id: UUID
    channel_id: UUID | None
    start: datetime
    end: datetime


@dataclass(frozen=True)
class By:
    """So much later, or earlier where it is negative, on the clock of each delivery: days, then minutes."""

    days: int = 0
    minutes: int = 0

    def of(self, wall: WallTime) -> WallTime:
        """Where a wall time goes: "+1 day" stays at its clock time, whatever clocks are changed in between."""
        day = wall.day + timedelta(days=self.days)
        later = datetime.combine(day, wall.clock, tzinfo=UTC) + timedelta(minutes=self.minutes)  # no zone changes in it
        return WallTime(later.date(), later.time(), wall.zone)

    def check(self) -> None:
        """Raise BadInput for nothing, and for too far."""
        if not (self.days or self.minutes):
            raise BadInput("shift.nowhere")
        if abs(self.days) > MOST_DAYS or abs(self.minutes) > MOST_DAYS * 24 * 60:
            raise BadInput("shift.too_far", most=MOST_DAYS)


@dataclass(frozen=True)
class Moving:
    """One delivery that goes from one wall time to another; `warning` is what speaks against it."""

    delivery_id: UUID
    version: int
    post_id: UUID
    channel_id: UUID
    words: str
    before: WallTime
    after: WallTime
    warning: Message | None = None


@dataclass(frozen=True)
class Left:
    """One delivery that stays as it is, and why."""

    delivery_id: UUID
    channel_id: UUID
    words: str
    why: Message


@dataclass(frozen=True)
class Out:
    """One time of a series that does not leave at all, at its wall time, and why."""

    delivery_id: UUID
    version: int
    channel_id: UUID
    words: str
    at: WallTime
    why: Message


@dataclass(frozen=True)
class Preview:
    """What would move where, by time, what would stay, and what of series would be left out."""

    moving: tuple[Moving, ...]
    left: tuple[Left, ...]
    out: tuple[Out, ...] = ()

    @property
    def versions(self) -> dict[UUID, int]:
        """What was seen of each: handed back with the word to do it."""
        return {one.delivery_id: one.version for one in self.moving} | {
            one.delivery_id: one.version for one in self.out
        }


@dataclass(frozen=True)
class Done:
    """What was moved, what stayed, and what was left out; `shift_id` takes the moves back."""

    shift_id: UUID
    moved: tuple[Moving, ...]
    left: tuple[Left, ...]
    out: tuple[Out, ...] = ()


@dataclass(frozen=True)
class Last:
    """The last shift of a creator that may still be taken back."""

    shift_id: UUID
    creator_id: UUID
    count: int
    until: datetime


def preview(scope: Scope, chosen: Chosen, by: By) -> Preview:
    """What a shift would move where. Raises BadInput for one that goes nowhere, too far, or is too large."""
    by.check()
    known = rows(scope, chosen)
    goes = {row.id: by.of(parse(row.wall_time, row.zone)) for row, _ in known if row.state in TO_COME}
    return sorted_out(scope, known, goes)


def shift(scope: Scope, chosen: Chosen, by: By, *, seen: Mapping[UUID, int]) -> Done:
    """Move what was seen in a preview, in this transaction; what changed or came since, or is on its way, stays.

    `seen` are the versions of the preview. Raises as `preview` does.
    """
    by.check()
    lock(scope, chosen)
    return give(scope, chosen.creator_id, preview(scope, chosen, by), seen=seen)


def lock(scope: Scope, chosen: Chosen) -> None:
    """Wait for whoever plans or publishes these deliveries just now, and keep them until the transaction ends.

    Raises NotFound for a creator nobody here has.
    """
    tenant_reads.creator(scope, chosen.creator_id)
    channels = [chosen.channel_id] if chosen.channel_id else _accounts(scope, chosen.creator_id)
    slots.hold(scope, *channels)
    scope.session.exec(
        select(Delivery.id)
        .where(*_chosen(scope, chosen))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update()
    ).all()


def _accounts(scope: Scope, creator_id: UUID) -> list[UUID]:
    return [one.id for one in channel_reads.channels_of(scope, creator_id)]


def _chosen(scope: Scope, chosen: Chosen) -> list[Any]:
    here = [
        Delivery.tenant_id == scope.tenant_id,
        Delivery.creator_id == chosen.creator_id,
        col(Delivery.due_at) >= chosen.start,
        col(Delivery.due_at) < chosen.end,
        col(Delivery.state).not_in(sorted(map(str, ENDED))),
    ]
    return here if chosen.channel_id is None else [*here, Delivery.channel_id == chosen.channel_id]


def rows(scope: Scope, chosen: Chosen, *, only: Sequence[UUID] | None = None) -> list[tuple[Delivery, Post]]:
    """What is chosen and not over, with its posts, by time; of it `only` these, where given.

    Raises BadInput for too many.
    """
    narrow = [] if only is None else [col(Delivery.id).in_(only)]
    found = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(*_chosen(scope, chosen), *narrow)
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(MOST + 1)
        .execution_options(populate_existing=True)
    ).all()
    if len(found) > MOST:
        raise BadInput("shift.too_many", most=MOST)
    return list(found)


def sorted_out(scope: Scope, known: Sequence[tuple[Delivery, Post]], goes: Mapping[UUID, WallTime]) -> Preview:
    """Deliveries that go where `goes` says, each with what speaks against it; the others stay, with the reason: also
    what would bring two times of one series together."""
    moving, left = [], []
    ours = [row for row, _ in known if stays_as(row, goes.get(row.id), scope.now) is None]
    close = series_rule.too_close(scope, ours, goes)
    for row, owner in known:
        words = owner.title or owner.body
        stays = stays_as(row, goes.get(row.id), scope.now) or close.get(row.id)
        if stays is not None:
            left.append(Left(row.id, row.channel_id, words, stays))
        else:
            walls = (parse(row.wall_time, row.zone), goes[row.id])
            moving.append(Moving(row.id, row.version, row.post_id, row.channel_id, words, *walls))
    return Preview(tuple(_warned(scope, moving)), tuple(left))


def stays_as(row: Delivery, after: WallTime | None, now: datetime) -> Message | None:
    """Why a delivery cannot be moved to a wall time; None where it can."""
    if row.state in UNDER_WAY:
        return Message(ON_ITS_WAY)
    if row.state not in TO_COME:
        return Message("shift.waits_for_you")
    if after is not None and after.instant() < now:
        return Message("shift.past")
    if after is not None and after.instant() > now + FARTHEST:
        return Message(OUT_OF_REACH)
    return None


def _warned(scope: Scope, moving: Sequence[Moving]) -> list[Moving]:
    """Each with what speaks against its new time: a neighbour on its account that does not move, or a quiet period."""
    found: dict[UUID, Moving] = {one.delivery_id: one for one in moving}
    for channel_id in {one.channel_id for one in moving}:
        channel = channel_reads.channel(scope, channel_id)
        closed = quiet.of_channel(scope, channel.creator_id, channel_id)
        here = [one for one in moving if one.channel_id == channel_id]
        gap, close = gap_of(channel), "shift.close_waits" if distance.binds(channel) else "shift.close"
        since = min(one.after.instant() for one in here) - gap
        others = busy(scope, channel_id, since, but=found.keys())
        for one in here:
            at = one.after.instant()
            covered = quiet.covering(closed, at)
            if not room(others, at, gap):
                found[one.delivery_id] = replace(one, warning=Message(close, {"account": channel.name}))
            elif covered is not None:
                found[one.delivery_id] = replace(one, warning=Message("shift.quiet", {"label": covered.label}))
    return [found[one.delivery_id] for one in moving]


def give(scope: Scope, creator_id: UUID, wanted: Preview, *, seen: Mapping[UUID, int]) -> Done:
    """Move what was seen and is still so, and keep where it came from; what lands on a free slot is in the queue. What
    is to be left out is, if it is as it was seen.

    The caller holds the accounts' queues and the deliveries.
    """
    moved, left = [], list(wanted.left)
    for one in wanted.moving:
        if seen.get(one.delivery_id) != one.version:
            left.append(Left(one.delivery_id, one.channel_id, one.words, Message("shift.changed")))
            continue
        planning.move_delivery(scope, one.delivery_id, at=one.after, version=one.version)
        moved.append(one)
    out, changed = _left_out(scope, wanted.out, seen)
    left += changed
    now = _as_they_are(scope, [one.delivery_id for one in moved])
    for channel_id in sorted({one.channel_id for one in moved}):
        slots.adopt(scope, channel_id, [row for row in now.values() if row.channel_id == channel_id])
    stored = [_kept(one, now[one.delivery_id]) for one in moved]
    row = ShiftRow(tenant_id=scope.tenant_id, creator_id=creator_id, by=scope.actor, moved=stored)
    scope.add(row)
    return Done(row.id, tuple(moved), tuple(left), tuple(out))


def _left_out(scope: Scope, wanted: Sequence[Out], seen: Mapping[UUID, int]) -> tuple[list[Out], list[Left]]:
    """What was left out: all that leaves by a rule, what has a time of its own if it was seen; and what stays."""
    out, left = [], []
    for one in wanted:
        row = delivery(scope, one.delivery_id)
        if seen.get(row.id) == row.version or passing.by_rule(row):
            series_rule.leave_out(scope, row, one.why)
            out.append(one)
        else:
            left.append(Left(one.delivery_id, one.channel_id, one.words, Message("shift.changed")))
    return out, left


def _kept(one: Moving, now: Delivery) -> dict[str, Any]:
    """What taking back must know: where it was, and as what it was left."""
    return {
        "delivery": str(now.id),
        "version": now.version,
        "wall": str(one.before),
        "zone": one.before.zone,
    }


def _as_they_are(scope: Scope, deliveries: Sequence[UUID]) -> dict[UUID, Delivery]:
    """Deliveries as they are now, by time."""
    found = scope.session.exec(
        select(Delivery)
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(deliveries))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in found}


def last(scope: Scope, creators: Iterable[UUID]) -> Last | None:
    """The newest shift of these creators, while it may be taken back; a pause has an end of its own."""
    row = scope.session.exec(
        select(ShiftRow)
        .where(
            ShiftRow.tenant_id == scope.tenant_id,
            col(ShiftRow.creator_id).in_(list(creators)),
            col(ShiftRow.undone_at).is_(None),
            func.jsonb_array_length(ShiftRow.moved) > 0,
            col(ShiftRow.created_at) > scope.now - UNDO,
            col(ShiftRow.id).not_in(quiet.moved_by_pauses(scope)),
        )
        .order_by(col(ShiftRow.created_at).desc(), col(ShiftRow.id).desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return Last(row.id, row.creator_id, len(row.moved), (row.created_at or scope.now) + UNDO)


def undo(scope: Scope, shift_id: UUID) -> Preview:
    """Bring a shift back within ten minutes: what it moved and nobody touched since. What moved, and what stays.

    Raises NotFound, and Conflict when it was taken back already, or is too old.
    """
    row = _shift(scope, shift_id)
    if scope.now > (row.created_at or scope.now) + UNDO:
        raise Conflict("shift.too_late")
    return bring_back(scope, shift_id)


def bring_back(scope: Scope, shift_id: UUID) -> Preview:
    """The same, however long ago; what is in a queue stays where its slot was given away since. Raises NotFound, and
    Conflict when it was taken back already."""
    row = _shift(scope, shift_id)
    slots.hold(scope, *_accounts(scope, row.creator_id))
    back = {UUID(one["delivery"]): one for one in row.moved}
    known = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(list(back)))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update(of=Delivery)
        .execution_options(populate_existing=True)
    ).all()
    goes = {one: parse(str(kept["wall"]), str(kept["zone"])) for one, kept in back.items()}
    left_at = {one: int(kept["version"]) for one, kept in back.items()}
    wanted = _but_given_away(scope, sorted_out(scope, list(known), goes), left_at)
    done = give(scope, row.creator_id, wanted, seen=left_at)
    for each in (row, _shift(scope, done.shift_id)):  # nobody takes back the taking back
        each.undone_at = scope.now
        scope.add(each)
    return Preview(done.moved, done.left)


def _but_given_away(scope: Scope, wanted: Preview, left_at: Mapping[UUID, int]) -> Preview:
    """Without what would come back to a slot that another post has by now: it would leave at its very minute."""
    same = [one for one in wanted.moving if one.version == left_at[one.delivery_id]]
    stays = set[UUID]()
    for channel_id in {one.channel_id for one in same}:
        goes = {one.delivery_id: one.after for one in same if one.channel_id == channel_id}
        stays |= slots.given_away(scope, channel_id, goes)
    why, gone = Message("shift.slot_taken"), [one for one in same if one.delivery_id in stays]
    left = (*wanted.left, *(Left(one.delivery_id, one.channel_id, one.words, why) for one in gone))
    return replace(wanted, moving=tuple(one for one in wanted.moving if one not in gone), left=left)


def _shift(scope: Scope, shift_id: UUID) -> ShiftRow:
    row = scope.session.exec(
        select(ShiftRow)
        .where(ShiftRow.tenant_id == scope.tenant_id, ShiftRow.id == shift_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("shift.unknown")
    if row.undone_at is not None:
        raise Conflict("shift.undone")
    return row
