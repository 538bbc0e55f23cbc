"""Minimum intervals between two posts of an account: find a post that is too close and the nearest
free time."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, func, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.availability import enforced_interval, quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState

MIN_INTERVAL = timedelta(minutes=1)
"""Interval that the queue maintains between two posts of an account without a longer minimum."""

OVERDUE_AFTER = timedelta(minutes=2)
"""Delay after which a delivery counts as overdue because of the installation. Overdue deliveries of
an account are published in order, at its minimum interval and within the platform's limits."""

SEARCH_RANGE = timedelta(days=1)
SEARCH_STEP = timedelta(minutes=15)

FREE_STATES = frozenset(
    {DeliveryState.CANCELLED, DeliveryState.FAILED, DeliveryState.REMOVED, DeliveryState.REHEARSED}
)
"""States of deliveries that occupy no time on an account."""


@dataclass(frozen=True)
class IntervalWarning:
    """The conflicts of a publishing time on an account, with an alternative.

    `at` and `words` are the time and text of the neighbouring post. They are empty if only a quiet
    period covers the time, or if the conflict is with posts that wait before it. `instead` is the
    nearest free time around the requested one, or around the same hour after the quiet days. If the
    account enforces its minimum interval, `leaves` is the expected publishing time; if the post
    would be too late by then, `leaves` is None and `held` is True.
    """

    account: str
    gap: timedelta
    at: datetime | None
    words: str
    quiet: QuietPeriod | None
    instead: WallTime | None
    leaves: WallTime | None = None
    held: bool = False
    waits: bool = False
    """True if the expected publishing time is later than the requested one."""


def minimum_interval_of(channel: Channel) -> timedelta:
    """Return the interval that the queue maintains between two posts of an account."""
    return max(channel.min_interval, MIN_INTERVAL)


def busy_times(
    scope: Scope, channel_id: UUID, since: datetime, *, but: Collection[UUID] = ()
) -> list[datetime]:
    """Return the due times of an account's posts from an instant on, in order, excluding those in
    `but`."""
    rows = scope.session.exec(
        select(Delivery.due_at, Delivery.id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.due_at) >= since,
            col(Delivery.state).not_in(sorted(map(str, FREE_STATES))),
        )
        .order_by(col(Delivery.due_at))
    )
    left_out = frozenset(but)
    return [due for due, one in rows if one not in left_out]


def busy_times_of_channels(
    scope: Scope, channels: Collection[UUID], since: datetime, until: datetime
) -> dict[UUID, list[datetime]]:
    """Return the due times of the posts of several accounts from `since` to `until`, both included,
    in order, by account."""
    rows = scope.session.exec(
        select(Delivery.channel_id, Delivery.due_at)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.channel_id).in_(list(channels)),
            col(Delivery.due_at) >= since,
            col(Delivery.due_at) <= until,
            col(Delivery.state).not_in(sorted(map(str, FREE_STATES))),
        )
        .order_by(col(Delivery.due_at))
    )
    found: dict[UUID, list[datetime]] = {one: [] for one in channels}
    for channel_id, due in rows:
        found[channel_id].append(due)
    return found


def interval_over_at(scope: Scope, channel_id: UUID, gap: timedelta) -> datetime:
    """Return the instant at which `gap` has passed since the last published post of an account."""
    last = scope.session.exec(
        select(func.max(Delivery.settled_at)).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.native_id).is_not(None),
        )
    ).one()
    return last + gap if last is not None else scope.now


def has_room(taken: Sequence[datetime], at: datetime, gap: timedelta) -> bool:
    """Return True if no instant of `taken` (sorted) is closer than `gap` to `at`; pure."""
    place = bisect_left(taken, at)
    return all(abs(taken[one] - at) >= gap for one in (place - 1, place) if 0 <= one < len(taken))


def nearest_free_time(
    wanted: datetime,
    taken: Sequence[datetime],
    gap: timedelta,
    *,
    now: datetime,
    closed: Iterable[QuietPeriod] = (),
) -> datetime | None:
    """Return the free instant nearest to `wanted`, or None if the day before and after is full;
    pure.

    The instant is in the future, at most a day away, at least `gap` from every instant of `taken`
    and in no period of `closed`. Candidates are the edges of the taken instants and every quarter
    of an hour.
    """
    closed = list(closed)
    quarters = (
        wanted + number * SEARCH_STEP
        for number in range(-SEARCH_RANGE // SEARCH_STEP, SEARCH_RANGE // SEARCH_STEP + 1)
    )
    edges = {*quarters, *(one + gap for one in taken), *(one - gap for one in taken)}
    free = (
        one
        for one in edges
        if one > now
        and abs(one - wanted) <= SEARCH_RANGE
        and has_room(taken, one, gap)
        and quiet_periods.find_covering_period(closed, one) is None
    )
    return min(free, key=lambda one: (abs(one - wanted), one), default=None)


def first_time_after_quiet(at: datetime, closed: Sequence[QuietPeriod]) -> datetime:
    """Return the same time of day on the first day after the quiet days that cover an instant;
    pure.

    Adjacent and overlapping periods are skipped one after another.
    """
    days = [one for one in closed if one.last is not None]
    for _ in days:  # each period is left at most once
        covered = quiet_periods.find_covering_period(days, at)
        if covered is None or covered.last is None:
            break
        at = WallTime(
            covered.last + SEARCH_RANGE, to_wall_time(at, covered.zone).clock, covered.zone
        ).instant()
    return at


def find_interval_warning(
    scope: Scope, channel_id: UUID, at: datetime, *, but: UUID | None = None
) -> IntervalWarning | None:
    """Return the conflicts of posting on an account at an instant, or None if there are none.

    `but` is the delivery being planned. The result is advice: the member may plan the time anyway.
    Raises NotFound.
    """
    channel = queries.get_channel(scope, channel_id)
    closed = quiet_periods.quiet_periods_of_channel(scope, channel.creator_id, channel_id)
    gap = channel.min_interval
    covered = quiet_periods.find_covering_period(closed, at)
    neighbour = _find_nearest_post(scope, channel, at, but)
    binds = enforced_interval.is_interval_enforced(channel) and at > scope.now
    leaves = None
    if binds:
        leaves = enforced_interval.forecast_turn(
            scope, channel, at, but=but or enforced_interval.NO_DELIVERY_ID
        )
    if neighbour is None and covered is None and (not binds or leaves == at):
        return None
    taken = busy_times(
        scope, channel_id, at - SEARCH_RANGE - gap, but=() if but is None else (but,)
    )
    free = nearest_free_time(
        first_time_after_quiet(at, closed),
        taken,
        minimum_interval_of(channel),
        now=scope.now,
        closed=closed,
    )
    instead = to_wall_time(free, channel.zone) if free is not None else None
    due, words = neighbour if neighbour is not None else (None, "")
    found = IntervalWarning(
        channel.name, gap, due, words, covered, instead, held=binds and leaves is None
    )
    return (
        found
        if leaves is None
        else replace(found, leaves=to_wall_time(leaves, channel.zone), waits=leaves > at)
    )


def _find_nearest_post(
    scope: Scope, channel: Channel, at: datetime, but: UUID | None
) -> tuple[datetime, str] | None:
    """Return the nearest post within the account's minimum interval, or None if there is none."""
    if not channel.min_interval:
        return None
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel.id,
            col(Delivery.due_at) > at - channel.min_interval,
            col(Delivery.due_at) < at + channel.min_interval,
            col(Delivery.state).not_in(sorted(map(str, FREE_STATES))),
        )
    ).all()
    others = [(row.due_at, owner.title or owner.body) for row, owner in rows if row.id != but]
    return min(others, key=lambda one: abs(one[0] - at), default=None)
