"""When a stored series leaves: by its rule, less the dates somebody took out, less days and hours
without posts.

What a rule says gives way to a quiet period or a pause: it is left out, never moved, since its own
next time may stand where it would go. A time that a person gave it by hand stays: they were warned.
Once the period is gone, the times that are still to come stand again (ADR 0106).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlmodel import col, or_, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, parse_clock_time, parse_wall_time
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.downtime import misfires
from schedules.posts import deliveries
from schedules.posts.models import Delivery, Series
from schedules.posts.states import PENDING_STATES, DeliveryState
from schedules.posts.transitions import transition_delivery
from schedules.recurrence.rules import Recurrence, parse_recurrence_rule
from tenants.notices import notices

OUT = ".out-"
"""Ends what a time was known by that is left out."""

A_DAY = timedelta(days=1)
LOOKED_THROUGH = 400
"""Times that are looked through for one that is not quiet: a daily one, for a year."""

QuietByChannel = Mapping[UUID, Sequence[QuietPeriod]]
"""The periods without posts that hold for each account of a series."""


def recurrence_of_series(row: Series) -> Recurrence:
    """When a series repeats."""
    return Recurrence(
        parse_recurrence_rule(row.rule), row.starts_on, parse_clock_time(row.clock), row.zone
    )


def skipped_dates(row: Series) -> frozenset[date]:
    """The local dates somebody took out of a series."""
    return frozenset(map(date.fromisoformat, row.skipped))


def quiet_periods_by_channel(
    scope: Scope, creator_id: UUID, channels: Sequence[UUID]
) -> QuietByChannel:
    """The periods without posts that hold for each of these accounts of a creator."""
    known = quiet_periods.list_quiet_periods(scope, [creator_id])
    return {
        channel: [one for one in known if one.channel_id in (None, channel)] for channel in channels
    }


def quiet_periods_of_series(scope: Scope, row: Series) -> QuietByChannel:
    """The same, of the accounts of a series."""
    return quiet_periods_by_channel(scope, row.creator_id, [UUID(one) for one in row.channels])


def quiet_on_all_channels(closed: QuietByChannel, wall: WallTime) -> QuietPeriod | None:
    """The period for which a time leaves on none of its accounts; None where it leaves on any.
    Pure."""
    at = wall.instant()
    found = [quiet_periods.find_covering_period(periods, at) for periods in closed.values()]
    return found[0] if found and all(found) else None


def upcoming_occurrences(scope: Scope, row: Series, most: int) -> list[WallTime]:
    """At most so many of its next times, those that nobody took out and that are not quiet on every
    account."""
    closed = quiet_periods_of_series(scope, row)
    walls = islice(
        recurrence_of_series(row).next_occurrences(scope.now, without=skipped_dates(row)),
        LOOKED_THROUGH,
    )
    return list(
        islice((wall for wall in walls if quiet_on_all_channels(closed, wall) is None), most)
    )


@dataclass(frozen=True)
class OccurrenceSplit:
    """Times of a rule: those that leave on any account, and those that leave on none, each with
    what is in the way."""

    open: tuple[WallTime, ...]
    quiet: tuple[tuple[WallTime, str], ...]


def split_by_quiet(walls: Sequence[WallTime], closed: QuietByChannel) -> OccurrenceSplit:
    """Times of a rule by whether they leave anywhere; pure."""
    found = [(wall, quiet_on_all_channels(closed, wall)) for wall in walls]
    leave = tuple(wall for wall, period in found if period is None)
    return OccurrenceSplit(
        leave, tuple((wall, period.label) for wall, period in found if period is not None)
    )


def quiet_occurrences(
    scope: Scope, row: Series, until: datetime
) -> tuple[tuple[WallTime, str], ...]:
    """Its times to come until an instant (UTC-aware) that give way on every account, each with what
    to."""
    without = skipped_dates(row)
    walls = [
        wall
        for wall in recurrence_of_series(row).occurrences_between(scope.now, until)
        if wall.day not in without
    ]
    return split_by_quiet(walls, quiet_periods_of_series(scope, row)).quiet


def is_never_published(scope: Scope, row: Series, channel_id: UUID, also: QuietPeriod) -> bool:
    """Whether a series would not leave on an account any more if one more period were kept."""
    closed = [*quiet_periods_by_channel(scope, row.creator_id, [channel_id])[channel_id], also]
    walls = islice(
        recurrence_of_series(row).next_occurrences(scope.now, without=skipped_dates(row)),
        LOOKED_THROUGH,
    )
    return all(
        quiet_periods.find_covering_period(closed, wall.instant()) is not None for wall in walls
    )


def leave_out_delivery(scope: Scope, row: Delivery, why: Message) -> None:
    """Take one time of a series off the calendar for days without posts. What it was known by is
    free: once those days are none any more, it is made again. Raises Conflict for one that is on
    its way, or was changed meanwhile."""
    transition_delivery(
        scope,
        row,
        DeliveryState.CANCELLED,
        reason=why,
        occurrence_key=f"{row.occurrence_key}{OUT}{row.id.hex[-8:]}",
    )
    deliveries.cancel_wakeups(scope, row.id)


@dataclass(frozen=True)
class KnownOccurrences:
    """The times a series has, by account and by what each is known by, and what is `taken` of
    that; `out` are those that were left out since, `by_hand` the times that people gave to some
    of these."""

    made: frozenset[tuple[UUID, str]]
    taken: frozenset[tuple[UUID, str]]
    out: frozenset[tuple[UUID, str]]
    by_hand: Mapping[tuple[UUID, str], WallTime]


def load_known_occurrences(scope: Scope, row: Series, posts: Collection[UUID]) -> KnownOccurrences:
    """What was made of a series, of all of its `posts`. A time given by hand comes back as it was
    given: nobody asked for that of the rule any more."""
    rows = scope.session.exec(
        select(Delivery.channel_id, Delivery.occurrence_key, Delivery.wall_time, Delivery.zone)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.post_id).in_(posts),
            Delivery.series_id == row.id,
        )
        .order_by(col(Delivery.created_at), col(Delivery.id))
    ).all()
    stands: dict[tuple[UUID, str], bool] = {}
    by_hand: dict[tuple[UUID, str], WallTime] = {}
    for channel, key, at, zone in rows:
        mine, out, _ = key.partition(OUT)
        mine = misfires.original_occurrence_key(
            mine
        )  # back on its account after a spare one, it is the same time
        stands[channel, mine] = not out
        by_hand.pop((channel, mine), None)
        if out and mine.partition("~")[0] != at and _is_occurrence_date(row, mine):
            by_hand[channel, mine] = parse_wall_time(at, zone)
    made = frozenset(one for one, standing in stands.items() if standing)
    taken = frozenset((channel, key) for channel, key, *_ in rows)
    return KnownOccurrences(made, taken, frozenset(stands.keys() - made), by_hand)


def _is_occurrence_date(row: Series, key: str) -> bool:
    """Whether a series still has the date that something is known by."""
    day = date.fromisoformat(key[:10])
    return day not in skipped_dates(row) and recurrence_of_series(row).falls_on(day)


def leave_out_quiet_deliveries(scope: Scope, row: Series) -> int:
    """Leave out what is on the calendar by the rule and quiet since; how many that were, told in
    one notice.

    The caller holds the series.
    """
    closed = quiet_periods_of_series(scope, row)
    if not any(closed.values()):
        return 0
    ahead = scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.series_id == row.id,
            col(Delivery.due_at) > scope.now,
            col(Delivery.state).in_(sorted(map(str, PENDING_STATES))),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    found = [
        (one, period)
        for one in ahead
        if misfires.is_regular_occurrence(one)
        and (
            period := quiet_periods.find_covering_period(closed.get(one.channel_id, ()), one.due_at)
        )
        is not None
    ]
    for one, period in found:
        leave_out_delivery(scope, one, Message("series.quiet", {"label": period.label}))
    if found:
        first, period = found[0]
        said: dict[str, str | int] = {
            "count": len(found),
            "since": misfires.occurrence_message_params(first),
            "label": period.label,
        }
        notices.put(
            scope,
            Message("series.gave_way", said),
            cause=_left_out_notice_cause(row),
            creator_id=row.creator_id,
        )
    return len(found)


def close_left_out_notice(scope: Scope, row: Series, out: Collection[tuple[UUID, str]]) -> None:
    """Some of what gave way is made again, `out` are still left out: once none of them is to come,
    nobody is told."""
    if all(
        parse_wall_time(key.partition("~")[0], row.zone).instant() < scope.now for _, key in out
    ):
        notices.close(scope, _left_out_notice_cause(row))


def _left_out_notice_cause(row: Series) -> str:
    """The cause of the notice about what gave way."""
    return f"series:{row.id}:quiet"


def deliveries_too_close(
    scope: Scope, rows: Sequence[Delivery], goes: Mapping[UUID, WallTime]
) -> dict[UUID, Message]:
    """Of deliveries that would go elsewhere, those of a series that would come nearer to another
    one of it on their account than its least distance, and nearer than they are; each with the
    reason. They stay, and are then looked at as what stays."""
    groups: dict[tuple[UUID, UUID], list[Delivery]] = {}
    for one in rows:
        if one.series_id is not None and one.id in goes and goes[one.id].instant() != one.due_at:
            groups.setdefault((one.series_id, one.channel_id), []).append(one)
    found: dict[UUID, Message] = {}
    for (series_id, channel_id), movers in groups.items():
        row = scope.session.get(Series, (scope.tenant_id, series_id))
        if row is not None:
            why = Message("shift.series_close", {"hours": round(row.gap_min / timedelta(hours=1))})
            stays = _list_fixed_times(scope, row, channel_id, movers, goes)
            found |= dict.fromkeys(_find_crowded_deliveries(movers, goes, stays, row.gap_min), why)
    return found


def _list_fixed_times(
    scope: Scope,
    row: Series,
    channel_id: UUID,
    movers: Sequence[Delivery],
    goes: Mapping[UUID, WallTime],
) -> list[datetime]:
    """When what does not move of a series leaves on an account, around where others go: what
    stands, and what its rule will yet make."""
    ends = [goes[one.id].instant() for one in movers]
    since = min(ends) - row.gap_min
    until = max(ends) + row.gap_min
    first = str(since.date() - 2 * A_DAY)  # keys begin with a local date
    last = str(until.date() + 3 * A_DAY)
    known = scope.session.exec(
        select(Delivery).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.series_id == row.id,
            Delivery.channel_id == channel_id,
            or_(
                col(Delivery.due_at).between(since, until),
                col(Delivery.occurrence_key).between(first, last),
            ),
        )
    ).all()
    moving = {one.id for one in movers}
    made = {misfires.original_occurrence_key(one.occurrence_key).partition("~")[0] for one in known}
    there = [
        one.due_at
        for one in known
        if one.id not in moving and one.state not in (DeliveryState.CANCELLED, DeliveryState.FAILED)
    ]
    if row.next_extend_at is not None:  # it goes on
        closed = quiet_periods_by_channel(scope, row.creator_id, [channel_id])[channel_id]
        without = skipped_dates(row)
        walls = recurrence_of_series(row).occurrences_between(max(since, scope.now), until)
        fresh = [
            wall.instant() for wall in walls if str(wall) not in made and wall.day not in without
        ]
        there += [at for at in fresh if quiet_periods.find_covering_period(closed, at) is None]
    return there


def _find_crowded_deliveries(
    movers: Sequence[Delivery],
    goes: Mapping[UUID, WallTime],
    stays: Sequence[datetime],
    gap: timedelta,
) -> set[UUID]:
    """Those of `movers` that cannot go: each that stays may be in the way of the next one; pure."""
    refused: set[UUID] = set()
    while True:
        going = [
            (one.id, one.due_at, goes[one.id].instant()) for one in movers if one.id not in refused
        ]
        still = [(at, at) for at in (*stays, *(one.due_at for one in movers if one.id in refused))]
        others = sorted([*still, *((after, before) for _, before, after in going)])
        more = {
            key for key, before, after in going if _is_moved_too_close(others, before, after, gap)
        }
        if not more:
            return refused
        refused |= more


def _is_moved_too_close(
    others: Sequence[tuple[datetime, datetime]], before: datetime, after: datetime, gap: timedelta
) -> bool:
    """Whether any of `others` (where each ends and was, in order) is nearer than `gap`, and than it
    was; pure."""
    near = others[
        bisect_left(others, after - gap, key=_end_time_key) : bisect_right(
            others, after + gap, key=_end_time_key
        )
    ]
    return any(abs(at - after) < gap and abs(at - after) < abs(was - before) for at, was in near)


def _end_time_key(other: tuple[datetime, datetime]) -> datetime:
    return other[0]
