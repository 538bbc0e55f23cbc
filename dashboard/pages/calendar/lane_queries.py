"""Queries of the lanes: one row for each creator or account, which shows gaps and posts that are
too close together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from dashboard.pages.calendar.queries import (
    MAX_DELIVERIES,
    STATE_GROUPS,
    CalendarCard,
    CalendarFilter,
    group_cards,
)
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime, day_bounds, load_zone, local_day
from gate.policy.emergency_stops import StoppedScope
from schedules.availability import quiet_periods
from schedules.availability.minimum_interval import FREE_STATES, minimum_interval_of
from schedules.availability.quiet_periods import QuietPeriod
from schedules.downtime import account_blocks
from schedules.posts import labels
from schedules.posts.labels import Label
from schedules.posts.queries import DeliveryEntry, calendar_entries
from tenants.agencies.queries import Creator

LaneGrouping = Literal["creator", "account"]
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class LaneCell:
    """A day or an hour of a lane, with its posts and the quiet periods that overlap it."""

    turns: Sequence[CalendarCard]
    quiet: Sequence[QuietPeriod]


@dataclass(frozen=True)
class Lane:
    """A row of the calendar. `account` is None in a lane of a creator; `nights` are the quiet hours
    that recur every week."""

    creator: Creator
    account: Channel | None
    zone: str
    cells: Sequence[LaneCell]
    nights: Sequence[QuietPeriod]
    stopped: bool
    """True if an emergency stop blocks every post of the lane."""

    @property
    def key(self) -> str:
        """Unique key of the lane."""
        return str(self.account.id if self.account is not None else self.creator.id)

    @property
    def post_count(self) -> int:
        """Number of posts in the lane."""
        return sum(len(cell.turns) for cell in self.cells)

    @property
    def blocking_state(self) -> ChannelState | None:
        """State of the account if it is not active and therefore publishes nothing,
        otherwise None."""
        resting = self.account is not None and self.account.state is not ChannelState.ACTIVE
        return self.account.state if resting and self.account is not None else None


@dataclass(frozen=True)
class LanesView:
    """The lanes of the requested days. A single day is divided into hours."""

    now: datetime
    today: date
    days: Sequence[date]
    lanes: Sequence[Lane]
    close: Collection[UUID]
    """Deliveries that are closer to another delivery on the same account than the minimum interval
    of the account."""
    ever: bool
    cut: bool
    labels: Mapping[UUID, Sequence[Label]]
    """Labels, keyed by post."""

    @property
    def is_hourly(self) -> bool:
        """Return True if each column is an hour of a single day."""
        return len(self.days) == 1

    @property
    def zones(self) -> Collection[str]:
        """Time zones of the displayed times."""
        return {lane.zone for lane in self.lanes}

    def is_too_close(self, turn: CalendarCard) -> bool:
        """Return True if the post is too close to another one on at least one of its accounts."""
        return any(one.delivery_id in self.close for one in turn.posts)


def load_lanes(
    scope: Scope, mine: Sequence[Creator], wanted: CalendarFilter, by: LaneGrouping
) -> LanesView:
    """Return the lanes of the requested days, including empty lanes, which show the gaps."""
    chosen = {one.id: one for one in mine if wanted.creator in (None, one.id)}
    channels = [
        one for one in queries.list_channels(scope) if one.creator_id in chosen and one.surface
    ]
    last = wanted.first + timedelta(days=wanted.days)
    start = day_bounds(wanted.first - timedelta(days=1), "UTC")[0]
    end = day_bounds(last, "UTC")[1]
    names = {one.id: one.name for one in channels}
    entries = calendar_entries(scope, chosen, start, end, names=names, limit=MAX_DELIVERIES)
    shown = [
        one
        for one in entries
        if one.state in STATE_GROUPS[wanted.group] and wanted.account in (None, one.channel_id)
    ]
    if wanted.label is not None:
        labelled = labels.filter_posts_with_label(
            scope, wanted.label, {one.post_id for one in shown}
        )
        shown = [one for one in shown if one.post_id in labelled]
    found = _Found(
        wanted,
        chosen,
        shown,
        quiet_periods.list_quiet_periods(scope, chosen),
        account_blocks.load_emergency_stops(scope),
    )
    offered = [one for one in channels if wanted.account in (None, one.id)]
    rows = _list_lane_rows(chosen, offered, by)
    theirs = {one.creator_id for one in offered}
    made = _build_lanes(
        found, [row for row in rows if wanted.account is None or row[0].id in theirs]
    )
    zone = wanted.zone or (next(iter(chosen.values())).zone if chosen else "UTC")
    days = [wanted.first + timedelta(days=number) for number in range(wanted.days)]
    close = find_too_close(entries, {one.id: minimum_interval_of(one) for one in channels})
    has = labels.labels_of_posts(scope, {one.post_id for one in shown})
    today = local_day(scope.now, zone)
    cut = len(entries) == MAX_DELIVERIES
    return LanesView(scope.now, today, days, made, close, bool(entries), cut, has)


def find_too_close(
    entries: Sequence[DeliveryEntry], gaps: Mapping[UUID, timedelta]
) -> frozenset[UUID]:
    """Return the deliveries that are closer to another delivery on the same account than the
    minimum interval of the account. Deliveries that occupy no slot are ignored. Pure."""
    last: dict[UUID, DeliveryEntry] = {}
    found: set[UUID] = set()
    for one in sorted(entries, key=lambda one: one.due_at):
        if one.state in FREE_STATES:
            continue
        before = last.get(one.channel_id)
        if before is not None and one.due_at - before.due_at < gaps.get(
            one.channel_id, timedelta(0)
        ):
            found |= {before.delivery_id, one.delivery_id}
        last[one.channel_id] = one
    return frozenset(found)


@dataclass(frozen=True)
class _Found:
    wanted: CalendarFilter
    creators: Mapping[UUID, Creator]
    entries: Sequence[DeliveryEntry]
    quiet: Sequence[QuietPeriod]
    halt: StoppedScope


_Row = tuple[Creator, Channel | None]


def _list_lane_rows(
    creators: Mapping[UUID, Creator], channels: Sequence[Channel], by: LaneGrouping
) -> list[_Row]:
    if by == "creator":
        return [(one, None) for one in creators.values()]
    return [
        (one, channel)
        for one in creators.values()
        for channel in channels
        if channel.creator_id == one.id
    ]


def _build_lanes(found: _Found, rows: Sequence[_Row]) -> list[Lane]:
    """Build all lanes. Each delivery is processed once, however many lanes and columns
    there are."""
    wanted = found.wanted
    zones = {one.id: load_zone(wanted.zone or one.zone) for one in found.creators.values()}
    whole = any(channel is None for _, channel in rows)
    cells: dict[tuple[UUID, int], list[DeliveryEntry]] = {}
    for one in found.entries:
        wall = one.due_at.astimezone(zones[one.creator_id])
        days = (wall.date() - wanted.first).days
        if 0 <= days < wanted.days:
            column = wall.hour if wanted.days == 1 else days
            cells.setdefault((one.creator_id if whole else one.channel_id, column), []).append(one)
    return [_build_lane(found, row, cells) for row in rows]


def _build_lane(
    found: _Found, row: _Row, cells: Mapping[tuple[UUID, int], Sequence[DeliveryEntry]]
) -> Lane:
    creator, account = row
    zone = found.wanted.zone or creator.zone
    key = account.id if account is not None else creator.id
    theirs = [one for one in found.quiet if one.creator_id == creator.id]
    if account is not None:
        theirs = [one for one in theirs if one.channel_id in (None, account.id)]
    spans = _list_column_spans(found.wanted, zone) if theirs else []
    made = []
    for column in range(24 if found.wanted.days == 1 else found.wanted.days):
        closed = (
            _filter_quiet_periods(theirs, *spans[column], hours=found.wanted.days == 1)
            if spans
            else []
        )
        here = group_cards(cells.get((key, column), ()), found.creators, found.wanted.zone)
        made.append(LaneCell(here, closed))
    stopped = found.halt.covers(creator.id, *([account.id] if account is not None else []))
    return Lane(creator, account, zone, made, [one for one in theirs if one.first is None], stopped)


def _list_column_spans(wanted: CalendarFilter, zone: str) -> list[tuple[datetime, datetime]]:
    """Return the start and end of each column. When clocks change, a skipped hour has no posts and
    a repeated hour counts as its first occurrence."""
    if wanted.days > 1:
        return [
            day_bounds(wanted.first + timedelta(days=number), zone) for number in range(wanted.days)
        ]
    starts = [WallTime(wanted.first, time(hour), zone).instant() for hour in range(24)]
    return [(start, start + HOUR) for start in starts]


def _filter_quiet_periods(
    periods: Sequence[QuietPeriod], start: datetime, end: datetime, *, hours: bool
) -> list[QuietPeriod]:
    """Return the quiet periods that overlap a column. Weekly quiet hours are included only if
    columns are hours. Pure."""
    return [
        one
        for one in periods
        if (one.first is not None and one.quiet_window[0] < end and one.quiet_window[1] > start)
        or (one.first is None and hours and one.covers(start))
    ]
