"""How near two posts of one account come: the neighbour that is too near, and the nearest time with
room."""

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
"""Between two posts that the queue places on one account, where the account asks for no more."""

OVERDUE_AFTER = timedelta(minutes=2)
"""A delivery later than this was kept back by us: on its account such ones leave one by one, not in
a burst."""

CATCH_UP_INTERVAL = timedelta(minutes=10)
"""Between two overdue deliveries on one account, unless the account asks for more."""

SEARCH_RANGE = timedelta(days=1)
SEARCH_STEP = timedelta(minutes=15)

FREE_STATES = frozenset(
    {DeliveryState.CANCELLED, DeliveryState.FAILED, DeliveryState.REMOVED, DeliveryState.REHEARSED}
)
"""States of deliveries that take no room on an account."""


@dataclass(frozen=True)
class IntervalWarning:
    """What speaks against a time on an account, and what would not.

    `at` and `words` are the neighbour's, none where only `quiet_periods` covers the time, or those
    that wait before it; `instead` is the later or earlier time with room that is nearest to it, or
    to the same hour behind quiet days. Where the account holds its distance, `leaves` is when it
    would leave, none with `held`: too late by then.
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
    """Whether that is later than it is planned."""


def minimum_interval_of(channel: Channel) -> timedelta:
    """How far apart the queue keeps two posts of an account."""
    return max(channel.min_interval, MIN_INTERVAL)


def busy_times(
    scope: Scope, channel_id: UUID, since: datetime, *, but: Collection[UUID] = ()
) -> list[datetime]:
    """When posts of an account leave from an instant on, in order, those in `but` left out."""
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


def interval_over_at(scope: Scope, channel_id: UUID, gap: timedelta) -> datetime:
    """When an account has had its room since the last post that left there."""
    last = scope.session.exec(
        select(func.max(Delivery.settled_at)).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.native_id).is_not(None),
        )
    ).one()
    return last + gap if last is not None else scope.now


def next_catch_up_time(scope: Scope, channel: Channel) -> datetime:
    """When the next post that an account missed may leave: `GAP` after the last such one, so that
    they are no burst.

    From what left on time it keeps the distance its account asks for, no more: else a busy account
    would never be free.
    """
    kept = (
        OVERDUE_AFTER + channel.min_interval
    )  # no later than this, one was put off by the account's own distance at most
    last, missed = scope.session.exec(
        select(
            func.max(Delivery.settled_at),
            func.max(Delivery.settled_at).filter(
                col(Delivery.settled_at) > col(Delivery.due_at) + kept
            ),
        ).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel.id,
            col(Delivery.native_id).is_not(None),
        )
    ).one()
    after = [
        *([last + channel.min_interval] if last else []),
        *([missed + max(channel.min_interval, CATCH_UP_INTERVAL)] if missed else []),
    ]
    return max(after, default=scope.now)


def has_room(taken: Sequence[datetime], at: datetime, gap: timedelta) -> bool:
    """Whether no instant of `taken` (in order) is nearer than `gap`; pure."""
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
    """The instant nearest to `wanted`, within a day, with `gap` to all of `taken`, to come and not
    closed; pure.

    Asked of the edges of what is taken, and of every quarter of an hour. None where the day is
    full.
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
    """The same hour of the first day after the quiet days in which an instant lies, one period
    after another; pure."""
    days = [one for one in closed if one.last is not None]
    for _ in days:  # at most each ends once
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
    """What speaks against posting on an account at an instant, None if nothing does; `but` is the
    delivery itself.

    It never stops anybody: who plans by hand may want it so. Raises NotFound.
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
    """The post of the account that is nearest to an instant, where it is nearer than the account
    wants."""
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
