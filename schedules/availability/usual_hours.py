"""Usual hours: the times of day at which a creator posts, and the next free one."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import chain
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime, parse_clock_time, to_wall_time
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState

DEFAULT_USUAL_HOUR = time(18, 30)
"""Hour proposed for creators without a posting history: early evening, when most people check their
phones."""

HABIT_PERIOD = timedelta(days=28)
"""Period before and after now whose posts determine the usual hours of a creator."""

MIN_HABIT_DAYS = 3
"""Minimum number of days with a post at an hour before the hour counts as usual."""

MAX_USUAL_HOURS = 4

MIN_FREE_DISTANCE = timedelta(minutes=45)
"""Minimum time between a free hour and any post; a closer post occupies the hour."""

MAX_SEARCH_DAYS = 400
"""Number of days searched if two weeks have no free hour: longer than any holiday."""


# Wall times are stored as ISO texts: characters 12 to 16 are the time of day.
_HOURS = """
SELECT creator_id, substr(wall_time, 12, 5) AS clock, count(DISTINCT substr(wall_time, 1, 10)) AS
days
FROM deliveries
WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND due_at >= :since AND due_at < :until
  AND state <> 'cancelled'
GROUP BY creator_id, clock ORDER BY creator_id, days DESC, clock
"""


def list_usual_hours(scope: Scope, creators: Collection[UUID]) -> dict[UUID, list[time]]:
    """Return the usual posting times of each creator, earliest first; new creators get a
    default."""
    rows = scope.run(
        _HOURS,
        tenant=scope.tenant_id,
        creators=list(creators),
        since=scope.now - HABIT_PERIOD,
        until=scope.now + HABIT_PERIOD,
    ).all()
    kept: dict[UUID, list[time]] = {creator: [] for creator in creators}
    for row in rows:
        if row.days >= MIN_HABIT_DAYS and len(kept[row.creator_id]) < MAX_USUAL_HOURS:
            kept[row.creator_id].append(parse_clock_time(row.clock))
    return {creator: sorted(found) or [DEFAULT_USUAL_HOUR] for creator, found in kept.items()}


def filter_free_times(
    wanted: Iterable[WallTime],
    taken: Collection[datetime],
    now: datetime,
    closed: Sequence[QuietPeriod] = (),
) -> list[WallTime]:
    """Return the future times of `wanted` with no post nearby and no quiet period; pure."""
    return list(_iterate_free_times(wanted, taken, now, closed))


def _iterate_free_times(
    wanted: Iterable[WallTime],
    taken: Collection[datetime],
    now: datetime,
    closed: Sequence[QuietPeriod],
) -> Iterator[WallTime]:
    for one in wanted:
        at = one.instant()
        if (
            at > now
            and all(abs(at - other) > MIN_FREE_DISTANCE for other in taken)
            and quiet_periods.find_covering_period(closed, at) is None
        ):
            yield one


def filter_closing_periods(
    periods: Iterable[QuietPeriod], creator_id: UUID, channels: Collection[UUID] = ()
) -> list[QuietPeriod]:
    """Return the quiet periods that apply to a creator or to one of the given accounts; pure."""
    hers = (one for one in periods if one.creator_id == creator_id)
    return [one for one in hers if one.channel_id is None or one.channel_id in channels]


def find_next_usual_time(
    scope: Scope, creator_id: UUID, zone: str, *, channels: Collection[UUID] = (), days: int = 14
) -> WallTime:
    """Return the next free usual hour of a creator, outside quiet periods of the creator and
    `channels`.

    If the next `days` days have no free usual hour, the first usual hour after them is returned. If
    quiet periods cover every candidate, that hour is returned anyway; the member is warned when
    planning it.
    """
    known = list_usual_hours(scope, [creator_id])[creator_id]
    today = to_wall_time(scope.now, zone).day
    channels = tuple(channels)
    closed = filter_closing_periods(
        quiet_periods.list_quiet_periods(scope, [creator_id]), creator_id, channels
    )
    wanted = [
        WallTime(today + timedelta(days=ahead), clock, zone)
        for ahead in range(days + 1)
        for clock in known
    ]
    later = (
        WallTime(today + timedelta(days=ahead), known[0], zone)
        for ahead in range(days + 1, days + MAX_SEARCH_DAYS)
    )
    taken = scope.session.exec(
        select(Delivery.due_at).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            col(Delivery.due_at) > scope.now - MIN_FREE_DISTANCE,
            col(Delivery.due_at) < scope.now + timedelta(days=days + 2),
            col(Delivery.state) != str(DeliveryState.CANCELLED),
        )
    ).all()
    found = chain(
        _iterate_free_times(wanted, taken, scope.now, closed),
        _iterate_free_times(later, (), scope.now, closed),
    )
    return next(found, WallTime(today + timedelta(days=days + 1), known[0], zone))
