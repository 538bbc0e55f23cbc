"""Occurrences of stored series: the dates of the rule without skipped dates and quiet periods.

An occurrence in a quiet period is skipped, never moved, because another occurrence may already be
at its new time. An occurrence that a member moved individually stays, because the member was
warned. When a quiet period ends early, its future occurrences are created again.
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
"""Suffix that marks the occurrence key of a delivery skipped for a quiet period."""

A_DAY = timedelta(days=1)
LOOKED_THROUGH = 400
"""Maximum number of occurrences searched for one that is not quiet: a year of a daily rule."""

QuietByChannel = Mapping[UUID, Sequence[QuietPeriod]]
"""The quiet periods that apply to each account of a series."""


def recurrence_of_series(row: Series) -> Recurrence:
    """Return the recurrence of a series."""
    return Recurrence(
        parse_recurrence_rule(row.rule), row.starts_on, parse_clock_time(row.clock), row.zone
    )


def skipped_dates(row: Series) -> frozenset[date]:
    """Return the local dates that members have skipped."""
    return frozenset(map(date.fromisoformat, row.skipped))


def quiet_periods_by_channel(
    scope: Scope, creator_id: UUID, channels: Sequence[UUID]
) -> QuietByChannel:
    """Return the quiet periods that apply to each of these accounts of a creator."""
    known = quiet_periods.list_quiet_periods(scope, [creator_id])
    return {
        channel: [one for one in known if one.channel_id in (None, channel)] for channel in channels
    }


def quiet_periods_of_series(scope: Scope, row: Series) -> QuietByChannel:
    """Return the quiet periods that apply to each account of a series."""
    return quiet_periods_by_channel(scope, row.creator_id, [UUID(one) for one in row.channels])


def quiet_on_all_channels(closed: QuietByChannel, wall: WallTime) -> QuietPeriod | None:
    """Return a quiet period if an occurrence is quiet on every account, otherwise None; pure."""
    at = wall.instant()
    found = [quiet_periods.find_covering_period(periods, at) for periods in closed.values()]
    return found[0] if found and all(found) else None


def upcoming_occurrences(scope: Scope, row: Series, most: int) -> list[WallTime]:
    """Return at most `most` next occurrences, excluding skipped dates and those quiet on every
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
    """Occurrences divided by quiet periods.

    `open` are published on at least one account; `quiet` are published on none, and each has the
    label of its period.
    """

    open: tuple[WallTime, ...]
    quiet: tuple[tuple[WallTime, str], ...]


def split_by_quiet(walls: Sequence[WallTime], closed: QuietByChannel) -> OccurrenceSplit:
    """Divide occurrences by whether they are quiet on every account; pure."""
    found = [(wall, quiet_on_all_channels(closed, wall)) for wall in walls]
    leave = tuple(wall for wall, period in found if period is None)
    return OccurrenceSplit(
        leave, tuple((wall, period.label) for wall, period in found if period is not None)
    )


def quiet_occurrences(
    scope: Scope, row: Series, until: datetime
) -> tuple[tuple[WallTime, str], ...]:
    """Return the occurrences until an instant (UTC-aware) that are quiet on every account, with the
    period's label."""
    without = skipped_dates(row)
    walls = [
        wall
        for wall in recurrence_of_series(row).occurrences_between(scope.now, until)
        if wall.day not in without
    ]
    return split_by_quiet(walls, quiet_periods_of_series(scope, row)).quiet


def is_never_published(scope: Scope, row: Series, channel_id: UUID, also: QuietPeriod) -> bool:
    """Return True if one more quiet period would prevent every future occurrence on an account."""
    closed = [*quiet_periods_by_channel(scope, row.creator_id, [channel_id])[channel_id], also]
    walls = islice(
        recurrence_of_series(row).next_occurrences(scope.now, without=skipped_dates(row)),
        LOOKED_THROUGH,
    )
    return all(
        quiet_periods.find_covering_period(closed, wall.instant()) is not None for wall in walls
    )


def leave_out_delivery(scope: Scope, row: Delivery, why: Message) -> None:
    """Cancel a delivery of a series because of a quiet period.

    Its occurrence key is freed, so that the occurrence is created again if the period is deleted.
    Raises Conflict if the delivery is being published or was changed concurrently.
    """
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
    """The stored occurrences of a series by account and key.

    `made` are current, `out` were skipped for quiet periods, `taken` are all keys in use, and
    `by_hand` are the times to which members moved skipped ones.
    """

    made: frozenset[tuple[UUID, str]]
    taken: frozenset[tuple[UUID, str]]
    out: frozenset[tuple[UUID, str]]
    by_hand: Mapping[tuple[UUID, str], WallTime]


def load_known_occurrences(scope: Scope, row: Series, posts: Collection[UUID]) -> KnownOccurrences:
    """Load the stored occurrences of a series for all its `posts`.

    An occurrence that a member had moved is created again at its moved time.
    """
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
        # A delivery that returned after an account failover is the same occurrence.
        mine = misfires.original_occurrence_key(mine)
        stands[channel, mine] = not out
        # Rows are in order of creation: a later one supersedes an earlier one of the same
        # occurrence.
        by_hand.pop((channel, mine), None)
        if out and mine.partition("~")[0] != at and _is_occurrence_date(row, mine):
            by_hand[channel, mine] = parse_wall_time(at, zone)
    made = frozenset(one for one, standing in stands.items() if standing)
    taken = frozenset((channel, key) for channel, key, *_ in rows)
    return KnownOccurrences(made, taken, frozenset(stands.keys() - made), by_hand)


def _is_occurrence_date(row: Series, key: str) -> bool:
    """Return True if the date of an occurrence key still belongs to the series."""
    day = date.fromisoformat(key[:10])
    return day not in skipped_dates(row) and recurrence_of_series(row).falls_on(day)


def leave_out_quiet_deliveries(scope: Scope, row: Series) -> int:
    """Cancel pending deliveries of a series that are now in a quiet period; return their number.

    Members receive one notice. The caller must hold the lock of the series.
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
    """Close the notice about skipped occurrences if none of `out` is in the future."""
    if all(
        parse_wall_time(key.partition("~")[0], row.zone).instant() < scope.now for _, key in out
    ):
        notices.close(scope, _left_out_notice_cause(row))


def _left_out_notice_cause(row: Series) -> str:
    """Return the cause of the notice about occurrences skipped for quiet periods."""
    return f"series:{row.id}:quiet"


def deliveries_too_close(
    scope: Scope, rows: Sequence[Delivery], goes: Mapping[UUID, WallTime]
) -> dict[UUID, Message]:
    """Return the deliveries that would move too close to another one of their series, with the
    reason.

    Too close means closer than the minimum interval of the series and closer than before. These
    deliveries are not moved and then count as fixed for the others.
    """
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
    """Return the times of a series on an account that do not move, near the targets of the others.

    Existing deliveries and occurrences that the rule will still create are included.
    """
    ends = [goes[one.id].instant() for one in movers]
    since = min(ends) - row.gap_min
    until = max(ends) + row.gap_min
    # occurrence keys begin with a local date, so they compare as text
    first = str(since.date() - 2 * A_DAY)
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
    if row.next_extend_at is not None:  # the series continues, so the rule creates more occurrences
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
    """Return the deliveries of `movers` that cannot move, including those that such deliveries
    block; pure."""
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
    """Return True if another delivery is closer than `gap` and closer than before the move; pure.

    `others` contains the new and the old time of each delivery, sorted by the new one.
    """
    near = others[
        bisect_left(others, after - gap, key=_end_time_key) : bisect_right(
            others, after + gap, key=_end_time_key
        )
    ]
    return any(abs(at - after) < gap and abs(at - after) < abs(was - before) for at, was in near)


def _end_time_key(other: tuple[datetime, datetime]) -> datetime:
    return other[0]
