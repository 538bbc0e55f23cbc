"""Enforced minimum intervals: delay the posts of an account so that two are never too close.

Only live and possibly live posts count. Removed and refused posts and dry runs do not, and a thread
with its first comment counts as one post. Accounts whose minimum interval is only advice do not use
this module.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from uuid import UUID

from sqlmodel import col, select

from channels.accounts.queries import Channel
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import load_zone
from schedules.posts import lateness
from schedules.posts.deliveries import DEFAULT_PRIORITY
from schedules.posts.models import Delivery
from schedules.posts.states import PENDING_STATES, DeliveryState

WAITS_FOR_INTERVAL = "delivery.keeps_distance"
"""The reason code of a delivery that waits for the minimum interval of its account."""

TOO_LATE_FOR_INTERVAL = "delivery.distance_too_late"

MOMENT = timedelta(minutes=2)
"""Time after its turn during which a due delivery takes precedence over lower-ranked ones. A
delivery that something else delays longer no longer holds up the others."""

YIELD = timedelta(seconds=5)
"""Time until the next attempt of a delivery that lets a more important one publish first."""

A_DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
NO_DELIVERY_ID = UUID(int=0)

AHEAD = sorted(map(str, PENDING_STATES))
OUTSIDE = [
    str(one) for one in (DeliveryState.PUBLISHED, DeliveryState.BROKEN_OFF, DeliveryState.REMOVING)
]
UNDER_WAY = [
    str(one)
    for one in (
        DeliveryState.PUBLISHING,
        DeliveryState.PROCESSING,
        DeliveryState.UNCERTAIN,
        DeliveryState.PARTLY,
        DeliveryState.BROKEN_OFF,
    )
]

# A claimed delivery without a result counts as well, because its post may be live.
_LAST = """
SELECT greatest(
  (SELECT settled_at FROM deliveries WHERE tenant_id = :tenant AND channel_id = :channel AND id
  <> :but
     AND native_id IS NOT NULL AND settled_at IS NOT NULL AND state = ANY(:outside)
   ORDER BY settled_at DESC LIMIT 1),
  (SELECT max(claimed_at) FROM deliveries WHERE tenant_id = :tenant AND channel_id = :channel AND
  id <> :but
     AND state = ANY(:under_way)))
"""


@dataclass(frozen=True)
class WaitingDelivery:
    """A pending delivery: `start` is the earliest time at which it may be published, `late_until`
    the latest."""

    id: UUID
    priority: int
    due_at: datetime
    start: datetime
    late_until: datetime | None

    @property
    def rank(self) -> tuple[int, datetime, UUID]:
        """The sort key among waiting deliveries: priority first, then the earlier due time."""
        return self.priority, self.due_at, self.id


@dataclass(frozen=True)
class IntervalTurn:
    """The time of the next attempt of a delivery that may not publish now.

    `at` is None if a member must decide. `said` gives the reason, or None if the delivery only
    yields to a more important one.
    """

    at: datetime | None
    said: Message | None = None


def is_interval_enforced(channel: Channel) -> bool:
    """Return True if an account enforces its minimum interval instead of only warning about it."""
    return channel.holds_min_interval and bool(channel.min_interval)


def lay_out_turns(
    waiting: Iterable[WaitingDelivery], *, free: datetime, gap: timedelta
) -> dict[UUID, datetime | None]:
    """Return the publishing time of each delivery, or None for one that would be too late; pure.

    No delivery is published before `free`, and any two are at least `gap` apart. Among the
    deliveries that could be published at a time, the one with the highest rank is. A delivery that
    is too late takes no turn.
    """
    ahead = sorted(waiting, key=lambda one: (one.start, one.rank), reverse=True)
    ready: list[tuple[tuple[int, datetime, UUID], WaitingDelivery]] = []
    turns: dict[UUID, datetime | None] = {}
    while ahead or ready:
        if not ready:
            free = max(free, ahead[-1].start)
        while ahead and ahead[-1].start <= free:
            one = ahead.pop()
            heappush(ready, (one.rank, one))
        _, one = heappop(ready)
        in_time = one.late_until is None or free <= one.late_until
        turns[one.id] = free if in_time else None
        free += gap if in_time else timedelta(0)
    return turns


def find_turn(
    scope: Scope, row: Delivery, channel: Channel, *, gap: timedelta
) -> IntervalTurn | None:
    """Return the turn of a due delivery, or None if it may be published now.

    The caller must lock the account, so that deliveries claimed by other workers are seen and the
    result stays valid until the transaction ends.
    """
    free = _first_free_time(scope, channel.id, gap, but=row.id)
    at = lay_out_turns(_list_competing_deliveries(scope, row), free=free, gap=gap)[row.id]
    if at is not None and at <= scope.now:
        return None
    # The account is free now, so another delivery ranks higher.
    if free <= scope.now:
        return IntervalTurn(scope.now + YIELD)
    if at is None:
        return IntervalTurn(None, too_late_reason(channel, gap))
    return IntervalTurn(
        at,
        Message(
            WAITS_FOR_INTERVAL,
            {
                "account": channel.name,
                "minutes": _round_up_to_minutes(gap),
                "at": format_hour(at, row.zone),
            },
        ),
    )


def too_late_reason(channel: Channel, gap: timedelta) -> Message:
    """Return the reason displayed when the next possible turn is too late for the post."""
    return Message(
        TOO_LATE_FOR_INTERVAL, {"account": channel.name, "minutes": _round_up_to_minutes(gap)}
    )


def format_hour(at: datetime, zone: str) -> str:
    """Format an instant as day and time in a time zone."""
    return f"{at.astimezone(load_zone(zone)):%d/%m %H:%M}"


def is_waiting_for_interval(row: Delivery) -> bool:
    """Return True if a delivery waits for the minimum interval of its account."""
    return (
        row.state == DeliveryState.SCHEDULED
        and row.reason is not None
        and row.reason["code"] == WAITS_FOR_INTERVAL
    )


def _round_up_to_minutes(gap: timedelta) -> int:
    return -(-gap // MINUTE)


def _first_free_time(
    scope: Scope, channel_id: UUID, gap: timedelta, *, but: UUID = NO_DELIVERY_ID
) -> datetime:
    """Return the first instant from now on that is at least `gap` after every live or possibly live
    post."""
    last: datetime | None = scope.run(
        _LAST,
        tenant=scope.tenant_id,
        channel=channel_id,
        but=but,
        outside=OUTSIDE,
        under_way=UNDER_WAY,
    ).scalar_one()
    return max(scope.now, last + gap) if last is not None else scope.now


def _list_competing_deliveries(scope: Scope, row: Delivery) -> list[WaitingDelivery]:
    """Return a due delivery and those of its account that wait for a turn.

    Deliveries that something else delays are not included.
    """
    others = _list_planned_deliveries(
        scope,
        row.channel_id,
        scope.now,
        [str(DeliveryState.APPROVED), str(DeliveryState.SCHEDULED)],
        but=row.id,
    )
    ours = WaitingDelivery(row.id, row.priority, row.due_at, row.due_at, row.late_until)
    now = scope.now
    since = scope.now - MOMENT
    return [
        ours,
        *(one.waiting for one in others if one.turn > since and (one.is_kept or one.turn <= now)),
    ]


@dataclass(frozen=True)
class _Planned:
    id: UUID
    priority: int
    due_at: datetime
    late_until: datetime | None
    not_before: datetime | None
    reason: dict[str, str] | None
    missed: bool

    @property
    def turn(self) -> datetime:
        return max(self.due_at, self.not_before or self.due_at)

    @property
    def is_kept(self) -> bool:
        return self.reason is not None and self.reason["code"] == WAITS_FOR_INTERVAL

    @property
    def waiting(self) -> WaitingDelivery:
        """The delivery as input of `lay_out_turns`.

        The stored turn of a delivery that waits for the interval is not used as its earliest time:
        the deliveries before it may have been published or cancelled since.
        """
        start = self.due_at if self.is_kept else self.turn
        return WaitingDelivery(self.id, self.priority, self.due_at, start, self.late_until)


def _list_planned_deliveries(
    scope: Scope,
    channel_id: UUID,
    until: datetime,
    states: Sequence[str],
    *,
    but: UUID = NO_DELIVERY_ID,
) -> list[_Planned]:
    """Return the planned deliveries of an account due by `until`.

    Columns are selected instead of entities: a claim compares the version that it read earlier, and
    loading the row here would refresh that version.
    """
    known = (
        Delivery.id,
        Delivery.priority,
        Delivery.due_at,
        Delivery.late_until,
        Delivery.not_before,
        Delivery.reason,
    )
    missed = col(Delivery.downtime_id).is_not(None)
    rows = scope.session.execute(
        # select() has no overload for this many columns
        select(*known, missed).where(  # type: ignore[call-overload]  # see above
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            Delivery.id != but,
            col(Delivery.state).in_(states),
            col(Delivery.due_at) <= until,
            ~col(Delivery.dry_run),
        )
    )
    return [_Planned(*row) for row in rows]


def has_earlier_turn(scope: Scope, channel: Channel) -> bool:
    """Return True if a delivery that waits for the interval on an account could now be published
    earlier.

    Missed posts of a downtime keep their turns and are not considered.
    """
    kept = [
        one
        for one in _list_planned_deliveries(
            scope, channel.id, scope.now, [str(DeliveryState.SCHEDULED)]
        )
        if one.is_kept
    ]
    gap = channel.min_interval
    turns = lay_out_turns(
        [one.waiting for one in kept], free=_first_free_time(scope, channel.id, gap), gap=gap
    )
    return any(
        at is not None and one.turn - at > MINUTE
        for one in kept
        if not one.missed and (at := turns[one.id])
    )


def forecast_turns(scope: Scope, channel: Channel, until: datetime) -> dict[UUID, datetime | None]:
    """Return the expected publishing times of an account's planned deliveries due by `until`.

    None marks a delivery that would be too late. The result is empty if the account does not
    enforce its minimum interval.
    """
    if not is_interval_enforced(channel):
        return {}
    known = [one.waiting for one in _list_planned_deliveries(scope, channel.id, until, AHEAD)]
    return lay_out_turns(
        known,
        free=_first_free_time(scope, channel.id, channel.min_interval),
        gap=channel.min_interval,
    )


def forecast_turn(
    scope: Scope, channel: Channel, at: datetime, *, but: UUID = NO_DELIVERY_ID
) -> datetime | None:
    """Return the time at which a post planned at an instant would be published on an account, or
    None if that is too late.

    The account must enforce its minimum interval. `but` is the delivery being moved; a new one gets
    the default priority and late deadline.
    """
    known = {one.id: one for one in _list_planned_deliveries(scope, channel.id, at + A_DAY, AHEAD)}
    old = known.pop(but, None)
    late = lateness.latest_publish_time(
        lateness.DEFAULT_LATE_SPAN, at, channel.zone, until_midnight=False
    )
    if old is not None:
        late = at + (old.late_until - old.due_at) if old.late_until is not None else None
    new = WaitingDelivery(but, old.priority if old is not None else DEFAULT_PRIORITY, at, at, late)
    free = _first_free_time(scope, channel.id, channel.min_interval, but=but)
    return lay_out_turns(
        [new, *(one.waiting for one in known.values())], free=free, gap=channel.min_interval
    )[but]
