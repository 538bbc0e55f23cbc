"""Slots: the weekly posting times of an account, and the deliveries that occupy them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from heapq import merge
from itertools import takewhile
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived_uuid, uuid7
from foundation.ops.wall_time import WallTime, load_zone, local_day, parse_wall_time
from schedules.availability import quiet_periods
from schedules.availability.minimum_interval import (
    busy_times,
    busy_times_of_channels,
    has_room,
    minimum_interval_of,
)
from schedules.availability.models import SlotRow, SlotUse, TimingTrial
from schedules.availability.quiet_periods import QuietPeriod
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState


@dataclass(frozen=True)
class QueueChange:
    """A hypothetical change to a queue, as input for searching free slots.

    `away` are deliveries to ignore, `taken` instants to treat as occupied, `closed` additional
    quiet periods.
    """

    away: Sequence[UUID] = ()
    taken: Sequence[datetime] = ()
    closed: Sequence[QuietPeriod] = ()


NOTHING = QueueChange()


HORIZON = timedelta(days=366)
"""Maximum time ahead for which slots are searched."""

MAX_JITTER_MINUTES = 120
"""Maximum jitter of a slot, in minutes."""

MAX_SLOTS = 100
"""Maximum number of slots of one account."""

EXPLORED_HOURS = range(8, 23)
"""Hours that automatic slots may use."""

EXPLORED_ONE_IN = 10
"""An automatic slot uses a random hour on one date of this many."""

MAX_SLOT_LABEL_LENGTH = 60
WEEK = timedelta(days=7)
_LAST_MINUTE = 24 * 60 - 1

_AWAY = (
    "DELETE FROM slot_uses WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:deliveries AS "
    "uuid[]))"
)

_TRIAL = """
INSERT INTO timing_trials (tenant_id, id, creator_id, channel_id, delivery_id, wall_time, random)
VALUES (:tenant, :id, :creator, :channel, :delivery, :wall, :random)
ON CONFLICT (tenant_id, delivery_id) DO UPDATE SET wall_time = EXCLUDED.wall_time,
  random = EXCLUDED.random, channel_id = EXCLUDED.channel_id, updated_at = house_now()
"""

_TRIALS = """
SELECT t.delivery_id, t.random FROM timing_trials t
JOIN deliveries d ON d.tenant_id = t.tenant_id AND d.id = t.delivery_id
  AND d.wall_time = t.wall_time AND d.state = 'published'
WHERE t.tenant_id = :tenant AND t.channel_id = :channel AND d.due_at > :since
"""
"""Posts that were moved away from their slot are not counted: their hour was not assigned."""

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
"""Insert one row per slot and local date, replacing a row whose delivery has been moved or
cancelled."""


@dataclass(frozen=True)
class Slot:
    """A weekly posting time of an account: `clock` on `weekday` (0 is Monday) in `zone`, plus up to
    `jitter` minutes."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    weekday: int
    clock: time
    zone: str
    jitter: int
    label: str
    drawn_as: UUID
    """The slot whose jitter is used: itself, or the slot it was copied from."""
    automatic: bool = False
    """The hour follows the account's results, and one date in ten uses a random hour."""

    def random_hour(self, day: date) -> int | None:
        """Return the hour that an automatic slot tries on a date, or None on the other dates."""
        if not self.automatic:
            return None
        drawn = derived_uuid(self.drawn_as, "explore", day.isoformat()).int
        if drawn % EXPLORED_ONE_IN:
            return None
        return EXPLORED_HOURS[drawn // EXPLORED_ONE_IN % len(EXPLORED_HOURS)]

    def place_on(self, day: date) -> WallTime:
        """Return the local time of the slot on a date: the same on every call, and never past
        midnight."""
        tried = self.random_hour(day)
        start = (self.clock.hour if tried is None else tried) * 60 + self.clock.minute
        most = min(self.jitter, _LAST_MINUTE - start)
        # Derived from slot and date instead of random, so that every call returns the same time.
        drawn = derived_uuid(self.drawn_as, "jitter", day.isoformat()).int % (most + 1)
        minute = start + drawn
        return WallTime(day, time(minute // 60, minute % 60), self.zone)

    def iterate_days(self, first: date, last: date) -> Iterator[date]:
        """Yield the dates of the slot from `first` to `last`."""
        day = first + timedelta(days=(self.weekday - first.weekday()) % 7)
        while day <= last:
            yield day
            day += WEEK


@dataclass(frozen=True)
class SlotPlace:
    """A slot on a local date, with its local time."""

    slot: Slot
    day: date

    @cached_property
    def wall_time(self) -> WallTime:
        return self.slot.place_on(self.day)

    @cached_property
    def due_time(self) -> datetime:
        """The local time as an instant, UTC-aware."""
        return self.wall_time.instant()


@dataclass(frozen=True)
class PastTimingTrial:
    """A published delivery of an automatic slot; `random` if its hour was drawn."""

    creator_id: UUID
    channel_id: UUID
    delivery_id: UUID
    wall_time: str
    random: bool


def import_past_trials(scope: Scope, told: Sequence[PastTimingTrial]) -> None:
    """Insert which past deliveries had a random hour; existing ones are not changed."""
    insert_rows(
        scope,
        TimingTrial,
        [{"id": derived_uuid(one.delivery_id, "timing"), **asdict(one)} for one in told],
    )


def iterate_places(slots: Iterable[Slot], after: datetime) -> Iterator[SlotPlace]:
    """Yield the places of these slots after an instant, in order, up to the horizon; pure."""
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
    """Yield the free places after an instant, in order; pure.

    Each is at least `gap` from every instant of `taken` (sorted) and from the previous place, and
    in no period of `closed`.
    """
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
    """Return the slots of an account in the order of the week."""
    rows = scope.session.exec(
        select(SlotRow)
        .where(SlotRow.tenant_id == scope.tenant_id, SlotRow.channel_id == channel_id)
        .order_by(col(SlotRow.weekday), col(SlotRow.local_time), col(SlotRow.id))
        .execution_options(populate_existing=True)
    )
    return [_slot_from_row(row) for row in rows]


def list_slots_of_channels(scope: Scope, channels: Collection[UUID]) -> dict[UUID, list[Slot]]:
    """Return the slots of several accounts in the order of the week, by account. Accounts without
    slots are absent."""
    rows = scope.session.exec(
        select(SlotRow)
        .where(SlotRow.tenant_id == scope.tenant_id, col(SlotRow.channel_id).in_(list(channels)))
        .order_by(col(SlotRow.weekday), col(SlotRow.local_time), col(SlotRow.id))
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, list[Slot]] = {}
    for row in rows:
        found.setdefault(row.channel_id, []).append(_slot_from_row(row))
    return found


def lock_queues(scope: Scope, *channels: UUID) -> None:
    """Lock the queues of these accounts until the transaction ends.

    Locks are taken in a fixed order, so that two transactions that lock several accounts cannot
    deadlock.
    """
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
    automatic: bool = False,
    drawn_as: UUID | None = None,
) -> UUID:
    """Add a weekly posting time to an account and return its ID.

    `jitter` is the maximum number of minutes added at random on each date, never past midnight;
    `drawn_as` is the slot whose jitter a copy uses. The hour of an `automatic` slot follows the
    account's results from then on. Raises BadInput for an invalid time or too many
    slots, Conflict for a time that the account already has, and NotFound.
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
        automatic=automatic,
        drawn_as=drawn_as,
    )
    scope.add(row)
    return row.id


def get_slot(scope: Scope, slot_id: UUID) -> Slot:
    """Return one slot. Raises NotFound, also for a slot of another tenant."""
    row = scope.session.get(SlotRow, (scope.tenant_id, slot_id))
    if row is None:
        raise NotFound("slot.unknown")
    return _slot_from_row(row)


def list_automatic_slots(scope: Scope, creator_id: UUID) -> dict[UUID, list[Slot]]:
    """Return the automatic slots of a creator in the order of the week, by account."""
    rows = scope.session.exec(
        select(SlotRow)
        .where(
            SlotRow.tenant_id == scope.tenant_id,
            SlotRow.creator_id == creator_id,
            col(SlotRow.automatic).is_(True),
        )
        .order_by(col(SlotRow.weekday), col(SlotRow.local_time), col(SlotRow.id))
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, list[Slot]] = {}
    for row in rows:
        found.setdefault(row.channel_id, []).append(_slot_from_row(row))
    return found


def move_slot_clock(scope: Scope, slot_id: UUID, clock: time) -> bool:
    """Move an automatic slot to another time of its day; return False if it has that time already,
    or another slot of the account has it. Scheduled deliveries keep their times. Raises NotFound.
    """
    one = get_slot(scope, slot_id)
    lock_queues(scope, one.channel_id)
    there = {(each.weekday, each.clock) for each in list_slots(scope, one.channel_id)}
    if (one.weekday, clock) in there or not one.automatic:
        return False
    row = scope.session.get(SlotRow, (scope.tenant_id, slot_id))
    if row is None:
        raise NotFound("slot.unknown")
    row.local_time = clock
    scope.add(row)
    return True


def remove_slot(scope: Scope, slot_id: UUID) -> None:
    """Remove a slot. Deliveries planned at it keep their times but are no longer queued.

    Raises NotFound.
    """
    lock_queues(scope, get_slot(scope, slot_id).channel_id)
    uses = "DELETE FROM slot_uses WHERE tenant_id = :tenant AND slot_id = :slot"
    scope.run(uses, tenant=scope.tenant_id, slot=slot_id)
    scope.session.delete(scope.session.get(SlotRow, (scope.tenant_id, slot_id)))
    scope.session.flush()


def copy_slots(scope: Scope, source: UUID, target: Channel) -> None:
    """Add the slots of one account that another one does not have."""
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
                automatic=one.automatic,
                drawn_as=one.drawn_as,
            )


def take_place(scope: Scope, place: SlotPlace, delivery_id: UUID) -> bool:
    """Assign a place to a delivery that is planned at it, releasing its previous place.

    Returns False if another delivery has the place. Waits for a transaction that is taking the same
    place.
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
    done = scope.run(_TAKE, id=uuid7(), creator=place.slot.creator_id, **wall, **taken).rowcount
    if done and place.slot.automatic:
        scope.run(
            _TRIAL,
            tenant=scope.tenant_id,
            id=uuid7(),
            creator=place.slot.creator_id,
            channel=place.slot.channel_id,
            delivery=delivery_id,
            wall=str(place.wall_time),
            random=place.slot.random_hour(place.day) is not None,
        )
    return bool(done)


def adopt_deliveries(scope: Scope, channel_id: UUID, rows: Iterable[Delivery]) -> None:
    """Assign to deliveries the slots at whose times they are planned, where the slots are free."""
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
    """Return the queued deliveries that cannot move with the others because their target is
    occupied.

    `goes` maps deliveries of an account that move together to their new times. A target is occupied
    if its delivery does not move, or cannot move itself.
    """
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
    # A delivery that stays blocks the one that wants its slot, so repeat until nothing changes.
    while more := {
        one for one in going & wanted.keys() if wanted[one] is not None and wanted[one] not in going
    }:
        going = going - more
        stays = stays | more
    return stays


def _load_deliveries_by_place(scope: Scope, channel_id: UUID) -> dict[tuple[UUID, date], UUID]:
    """Return the future deliveries that occupy slots of an account, by slot and local date."""
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
    return Slot(
        row.id,
        row.creator_id,
        row.channel_id,
        row.weekday,
        row.local_time,
        row.zone,
        row.jitter,
        row.label,
        row.drawn_as or row.id,
        row.automatic,
    )


def list_timing_trials(scope: Scope, channel_id: UUID, *, since: datetime) -> dict[UUID, bool]:
    """Return the published deliveries of an account's automatic slots since an instant, and whether
    their hour was random."""
    rows = scope.run(_TRIALS, tenant=scope.tenant_id, channel=channel_id, since=since)
    return {row.delivery_id: row.random for row in rows}


def find_free_places(
    scope: Scope, channel: Channel, *, after: datetime | None = None, change: QueueChange = NOTHING
) -> Iterable[SlotPlace]:
    """Return the free places of an account from now or `after` on, in order.

    A free place is not occupied, not within the minimum interval of another post and not in a quiet
    period.
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


def list_free_places(
    scope: Scope, channels: Sequence[Channel], until: datetime
) -> dict[UUID, list[SlotPlace]]:
    """Return the free places of several accounts from now to `until`, in order, by account.

    The rules are those of `find_free_places`. Accounts without slots are absent.
    """
    known = list_slots_of_channels(scope, [one.id for one in channels])
    asked = [one for one in channels if one.id in known]
    widest = max(map(minimum_interval_of, asked), default=timedelta(0))
    taken = busy_times_of_channels(scope, list(known), scope.now - widest, until + widest)
    quiet = quiet_periods.list_quiet_periods(scope, {one.creator_id for one in asked})
    found: dict[UUID, list[SlotPlace]] = {}
    for one in asked:
        closed = [
            period
            for period in quiet
            if period.creator_id == one.creator_id and period.channel_id in (None, one.id)
        ]
        places = filter_free_places(
            known[one.id],
            after=scope.now,
            taken=taken[one.id],
            closed=closed,
            gap=minimum_interval_of(one),
        )
        found[one.id] = list(takewhile(lambda place: place.due_time <= until, places))
    return found


def find_first_free_time(scope: Scope, channel_id: UUID) -> WallTime | None:
    """Return the time at which a post added to the queue now would be published.

    Returns None if the account has no slot or no free one.
    """
    place = next(iter(find_free_places(scope, queries.get_channel(scope, channel_id))), None)
    return place.wall_time if place is not None else None
