"""Slots: the hours of the week at which an account posts, which of them are free, and who has
one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from heapq import merge
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived_uuid, uuid7
from foundation.ops.wall_time import WallTime, load_zone, local_day, parse_wall_time
from schedules.availability import quiet_periods
from schedules.availability.minimum_interval import busy_times, has_room, minimum_interval_of
from schedules.availability.models import SlotRow, SlotUse
from schedules.availability.quiet_periods import QuietPeriod
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState


@dataclass(frozen=True)
class QueueChange:
    """What is about to change around a queue, as if it had: deliveries that go away, instants that
    will be taken, days that will be closed."""

    away: Sequence[UUID] = ()
    taken: Sequence[datetime] = ()
    closed: Sequence[QuietPeriod] = ()


NOTHING = QueueChange()


HORIZON = timedelta(days=366)
"""How far ahead a slot is taken at most: beyond, a queue is a mistake in counting."""

MAX_JITTER_MINUTES = 120
"""Minutes."""

MAX_SLOTS = 100
"""Slots of one account."""

MAX_SLOT_LABEL_LENGTH = 60
WEEK = timedelta(days=7)
_LAST_MINUTE = 24 * 60 - 1

_AWAY = (
    "DELETE FROM slot_uses WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:deliveries AS "
    "uuid[]))"
)

_TAKE = """
INSERT INTO slot_uses (tenant_id, id, creator_id, slot_id, local_date, delivery_id, wall_time, zone)
VALUES (:tenant, :id, :creator, :slot, :day, :delivery, :wall, :zone)
ON CONFLICT (tenant_id, slot_id, local_date) DO UPDATE SET delivery_id = EXCLUDED.delivery_id,
  wall_time = EXCLUDED.wall_time, zone = EXCLUDED.zone, updated_at = house_now()
WHERE slot_uses.delivery_id = EXCLUDED.delivery_id OR NOT EXISTS (
  SELECT 1 FROM deliveries d WHERE d.tenant_id = slot_uses.tenant_id AND d.id =
  slot_uses.delivery_id
    AND d.state <> 'cancelled' AND d.wall_time = slot_uses.wall_time AND d.zone = slot_uses.zone)
"""
"""One row a slot and local date; that of a delivery which is not planned there any more is taken
over."""


@dataclass(frozen=True)
class Slot:
    """An hour of the week of an account: `clock` on `weekday` (0 is Monday) in `zone`, up to
    `jitter` minutes later."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    weekday: int
    clock: time
    zone: str
    jitter: int
    label: str
    drawn_as: UUID
    """Whose draw it follows: its own, or that of the slot it was copied from."""

    def place_on(self, day: date) -> WallTime:
        """Its wall time on one of its days: the same each time it is asked, and never on the next
        day."""
        start = self.clock.hour * 60 + self.clock.minute
        most = min(self.jitter, _LAST_MINUTE - start)
        drawn = derived_uuid(self.drawn_as, "jitter", day.isoformat()).int % (most + 1)
        minute = start + drawn
        return WallTime(day, time(minute // 60, minute % 60), self.zone)

    def iterate_days(self, first: date, last: date) -> Iterator[date]:
        """Its days from `first` to `last`."""
        day = first + timedelta(days=(self.weekday - first.weekday()) % 7)
        while day <= last:
            yield day
            day += WEEK


@dataclass(frozen=True)
class SlotPlace:
    """A slot on a local date, with its wall time there."""

    slot: Slot
    day: date

    @cached_property
    def wall_time(self) -> WallTime:
        """Its wall time."""
        return self.slot.place_on(self.day)

    @cached_property
    def due_time(self) -> datetime:
        """Its instant, UTC-aware."""
        return self.wall_time.instant()


def iterate_places(slots: Iterable[Slot], after: datetime) -> Iterator[SlotPlace]:
    """Every place of these slots later than an instant, in the order of their instants, up to the
    horizon; pure."""
    return merge(
        *(_upcoming_places_of_slot(slot, after) for slot in slots), key=lambda place: place.due_time
    )


def _upcoming_places_of_slot(slot: Slot, after: datetime) -> Iterator[SlotPlace]:
    today = local_day(after, slot.zone)
    found = (SlotPlace(slot, day) for day in slot.iterate_days(today, today + HORIZON))
    return (place for place in found if place.due_time > after)


def filter_free_places(
    slots: Iterable[Slot],
    *,
    after: datetime,
    taken: Sequence[datetime],
    closed: Sequence[QuietPeriod],
    gap: timedelta,
) -> Iterator[SlotPlace]:
    """The places that follow an instant, `gap` from what is taken (in order) and from each other,
    none closed; pure."""
    last: datetime | None = None
    for place in iterate_places(slots, after):
        at = place.due_time
        far = last is None or at - last >= gap
        if (
            far
            and has_room(taken, at, gap)
            and quiet_periods.find_covering_period(closed, at) is None
        ):
            last = at
            yield place


def list_slots(scope: Scope, channel_id: UUID) -> list[Slot]:
    """The slots of an account, through the week."""
    rows = scope.session.exec(
        select(SlotRow)
        .where(SlotRow.tenant_id == scope.tenant_id, SlotRow.channel_id == channel_id)
        .order_by(col(SlotRow.weekday), col(SlotRow.local_time), col(SlotRow.id))
        .execution_options(populate_existing=True)
    )
    return [_slot_from_row(row) for row in rows]


def lock_queues(scope: Scope, *channels: UUID) -> None:
    """One at a time plans the queues of these accounts, until the transaction ends: who comes
    second sees what the first one took. Always in the same order, so that two who hold several
    never wait for each other."""
    for channel_id in sorted(set(channels)):
        scope.lock(f"queue:{scope.tenant_id}:{channel_id}")


def add_slot(
    scope: Scope,
    channel_id: UUID,
    *,
    weekday: int,
    clock: time,
    zone: str,
    jitter: int = 0,
    label: str = "",
    drawn_as: UUID | None = None,
) -> UUID:
    """Post on an account at an hour of the week from now on.

    `jitter`: minutes it may leave later, drawn for each date, never past midnight, as for the slot
    `drawn_as` where one is copied. Raises BadInput for an hour that is none and for too many of
    them, Conflict for one the account has already, NotFound.
    """
    channel = queries.get_channel(scope, channel_id)
    load_zone(zone)
    if not 0 <= weekday <= 6 or not 0 <= jitter <= MAX_JITTER_MINUTES:
        raise BadInput("slot.wrong", most=MAX_JITTER_MINUTES)
    lock_queues(scope, channel_id)
    known = list_slots(scope, channel_id)
    clock = clock.replace(second=0, microsecond=0, fold=0)
    if len(known) >= MAX_SLOTS:
        raise BadInput("slot.too_many", most=MAX_SLOTS)
    if any((one.weekday, one.clock) == (weekday, clock) for one in known):
        raise Conflict("slot.known")
    row = SlotRow(
        tenant_id=scope.tenant_id,
        creator_id=channel.creator_id,
        channel_id=channel_id,
        weekday=weekday,
        local_time=clock,
        zone=zone,
        jitter=jitter,
        label=" ".join(label.replace("\x00", "").split())[:MAX_SLOT_LABEL_LENGTH],
        drawn_as=drawn_as,
    )
    scope.add(row)
    return row.id


def get_slot(scope: Scope, slot_id: UUID) -> Slot:
    """One slot. Raises NotFound; another tenant's looks the same."""
    row = scope.session.get(SlotRow, (scope.tenant_id, slot_id))
    if row is None:
        raise NotFound("slot.unknown")
    return _slot_from_row(row)


def remove_slot(scope: Scope, slot_id: UUID) -> None:
    """Post no more at this hour. What is planned at it keeps its time, and is no more of the queue.
    Raises NotFound."""
    lock_queues(scope, get_slot(scope, slot_id).channel_id)
    uses = "DELETE FROM slot_uses WHERE tenant_id = :tenant AND slot_id = :slot"
    scope.run(uses, tenant=scope.tenant_id, slot=slot_id)
    scope.session.delete(scope.session.get(SlotRow, (scope.tenant_id, slot_id)))
    scope.session.flush()


def copy_slots(scope: Scope, source: UUID, target: Channel) -> None:
    """Give an account the slots of another one that it has not."""
    there = {(one.weekday, one.clock) for one in list_slots(scope, target.id)}
    for one in list_slots(scope, source):
        if (one.weekday, one.clock) not in there and len(there) < MAX_SLOTS:
            there.add((one.weekday, one.clock))
            add_slot(
                scope,
                target.id,
                weekday=one.weekday,
                clock=one.clock,
                zone=one.zone,
                jitter=one.jitter,
                label=one.label,
                drawn_as=one.drawn_as,
            )


def take_place(scope: Scope, place: SlotPlace, delivery_id: UUID) -> bool:
    """Give a place to a delivery that is planned at it, and away the one it had; False where
    another has it.

    A transaction that is just taking the same place is waited for.
    """
    scope.run(_AWAY, tenant=scope.tenant_id, deliveries=[delivery_id])
    return _record_slot_use(scope, place, delivery_id)


def _record_slot_use(scope: Scope, place: SlotPlace, delivery_id: UUID) -> bool:
    taken = {
        "tenant": scope.tenant_id,
        "slot": place.slot.id,
        "day": place.day,
        "delivery": delivery_id,
    }
    wall = {"wall": str(place.wall_time), "zone": place.wall_time.zone}
    return bool(
        scope.run(_TAKE, id=uuid7(), creator=place.slot.creator_id, **wall, **taken).rowcount
    )


def adopt_deliveries(scope: Scope, channel_id: UUID, rows: Iterable[Delivery]) -> None:
    """Deliveries that are planned at a slot of their account have it, where nobody else does."""
    known = list_slots(scope, channel_id)
    rows = list(rows)
    scope.run(_AWAY, tenant=scope.tenant_id, deliveries=[row.id for row in rows])
    for row in rows:
        place = _find_place_at(known, parse_wall_time(row.wall_time, row.zone))
        if place is not None:
            _record_slot_use(scope, place, row.id)


def deliveries_losing_slots(
    scope: Scope, channel_id: UUID, goes: Mapping[UUID, WallTime]
) -> set[UUID]:
    """Of deliveries of an account that go to other times together, those of its queue for which
    another one has the slot that they go to, and keeps it. What they have themselves is as little
    free for the rest."""
    known = list_slots(scope, channel_id)
    has = _load_deliveries_by_place(scope, channel_id)
    places = {one: _find_place_at(known, goes[one]) for one in has.values() if one in goes}
    wanted = {
        one: has.get((place.slot.id, place.day))
        for one, place in places.items()
        if place is not None
    }
    going = set(goes)
    stays = set[UUID]()
    while more := {
        one for one in going & wanted.keys() if wanted[one] is not None and wanted[one] not in going
    }:
        going = going - more
        stays = stays | more
    return stays


def _load_deliveries_by_place(scope: Scope, channel_id: UUID) -> dict[tuple[UUID, date], UUID]:
    """Which delivery to come has a slot of an account, on which of its dates."""
    rows = scope.session.exec(
        select(SlotUse)
        .join(
            Delivery,
            (col(Delivery.tenant_id) == col(SlotUse.tenant_id))
            & (col(Delivery.id) == SlotUse.delivery_id),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.due_at) > scope.now,
            col(Delivery.state) != str(DeliveryState.CANCELLED),
            Delivery.wall_time == SlotUse.wall_time,
            Delivery.zone == SlotUse.zone,
        )
        .execution_options(populate_existing=True)
    )
    return {(row.slot_id, row.local_date): row.delivery_id for row in rows}


def _find_place_at(known: Iterable[Slot], wall: WallTime) -> SlotPlace | None:
    return next((SlotPlace(one, wall.day) for one in known if _is_slot_at(one, wall)), None)


def _is_slot_at(one: Slot, wall: WallTime) -> bool:
    return one.weekday == wall.day.weekday() and one.place_on(wall.day) == wall


def _slot_from_row(row: SlotRow) -> Slot:
    hour = (row.weekday, row.local_time, row.zone, row.jitter, row.label)
    return Slot(row.id, row.creator_id, row.channel_id, *hour, row.drawn_as or row.id)


def find_free_places(
    scope: Scope, channel: Channel, *, after: datetime | None = None, change: QueueChange = NOTHING
) -> Iterable[SlotPlace]:
    """The free places of an account, from now on or later, in order.

    None of them is taken, nearer to another post than the account wants, or in a quiet period.
    """
    known = list_slots(scope, channel.id)
    since = max(after or scope.now, scope.now)
    if not known:
        return ()
    left = busy_times(scope, channel.id, since - minimum_interval_of(channel), but=change.away)
    taken = sorted([*left, *change.taken])
    closed = change.closed
    kept = [*quiet_periods.quiet_periods_of_channel(scope, channel.creator_id, channel.id), *closed]
    return filter_free_places(
        known, after=since, taken=taken, closed=kept, gap=minimum_interval_of(channel)
    )


def find_first_free_time(scope: Scope, channel_id: UUID) -> WallTime | None:
    """When the next post would leave that is added now; None where an account has no slot, or none
    free."""
    place = next(iter(find_free_places(scope, queries.get_channel(scope, channel_id))), None)
    return place.wall_time if place is not None else None
