"""The calendar in lanes: a row for each creator or each account, so that gaps and what lies too near are seen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from dashboard.reads.calendar import GROUPS, MOST, Turn, Wanted, turns
from foundation.database import Scope
from gate.switches import Halt
from schedules import blocked, labels, quiet
from schedules import reads as schedule_reads
from schedules.calendar import WallTime, bounds, local_day, zone_of
from schedules.labels import Label
from schedules.quiet import Quiet
from schedules.reads import Entry
from schedules.spacing import GONE, gap_of
from tenants.reads import Creator

By = Literal["creator", "account"]
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Cell:
    """A day of a lane, or an hour of one: what leaves in it, and the quiet days or hours that reach into it."""

    turns: Sequence[Turn]
    quiet: Sequence[Quiet]


@dataclass(frozen=True)
class Lane:
    """One row. `account` is None for all of a creator's; `nights` are its quiet hours, which come back each week."""

    creator: Creator
    account: Channel | None
    zone: str
    cells: Sequence[Cell]
    nights: Sequence[Quiet]
    stopped: bool
    """Whether an emergency stop keeps all of it back."""

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return str(self.account.id if self.account is not None else self.creator.id)

    @property
    def count(self) -> int:
        """How many posts it has here."""
        return sum(len(cell.turns) for cell in self.cells)

    @property
    def trouble(self) -> ChannelState | None:
        """Why nothing leaves by this account, whatever is planned."""
        resting = self.account is not None and self.account.state is not ChannelState.ACTIVE
        return self.account.state if resting and self.account is not None else None


@dataclass(frozen=True)
class Lanes:
    """The lanes of some days: of one, hour by hour."""

    now: datetime
    today: date
    days: Sequence[date]
    lanes: Sequence[Lane]
    close: Collection[UUID]
    """Deliveries that are nearer to another of their account than it asks for."""
    ever: bool
    cut: bool
    labels: Mapping[UUID, Sequence[Label]]
    """The labels of its posts, by post."""

    @property
    def hours(self) -> bool:
        """Whether each column is an hour of the one day."""
        return len(self.days) == 1

    @property
    def zones(self) -> Collection[str]:
        """The clocks its times are shown on."""
        return {lane.zone for lane in self.lanes}

    def near(self, turn: Turn) -> bool:
        """Whether a post is too near to another one on one of its accounts."""
        return any(one.delivery_id in self.close for one in turn.posts)


def lanes(scope: Scope, mine: Sequence[Creator], wanted: Wanted, by: By) -> Lanes:
    """The days that are asked for, in lanes: with those that have nothing in them, since gaps are looked for."""
    chosen = {one.id: one for one in mine if wanted.creator in (None, one.id)}
    channels = [one for one in channel_reads.every_channel(scope) if one.creator_id in chosen and one.surface]
    last = wanted.first + timedelta(days=wanted.days)
    start, end = bounds(wanted.first - timedelta(days=1), "UTC")[0], bounds(last, "UTC")[1]
    names = {one.id: one.name for one in channels}
    entries = schedule_reads.agenda(scope, chosen, start, end, names=names, limit=MOST)
    shown = [one for one in entries if one.state in GROUPS[wanted.group] and wanted.account in (None, one.channel_id)]
    if wanted.label is not None:
        labelled = labels.among(scope, wanted.label, {one.post_id for one in shown})
        shown = [one for one in shown if one.post_id in labelled]
    found = _Found(wanted, chosen, shown, quiet.periods(scope, chosen), blocked.halted(scope))
    offered = [one for one in channels if wanted.account in (None, one.id)]
    rows, theirs = _rows(chosen, offered, by), {one.creator_id for one in offered}
    made = _lanes(found, [row for row in rows if wanted.account is None or row[0].id in theirs])
    zone = wanted.zone or (next(iter(chosen.values())).zone if chosen else "UTC")
    days = [wanted.first + timedelta(days=number) for number in range(wanted.days)]
    close = too_close(entries, {one.id: gap_of(one) for one in channels})
    has = labels.of_posts(scope, {one.post_id for one in shown})
    today, cut = local_day(scope.now, zone), len(entries) == MOST
    return Lanes(scope.now, today, days, made, close, bool(entries), cut, has)


def too_close(entries: Sequence[Entry], gaps: Mapping[UUID, timedelta]) -> frozenset[UUID]:
    """The deliveries with another one on their account nearer than its gap, of those that take room there; pure."""
    last: dict[UUID, Entry] = {}
    found: set[UUID] = set()
    for one in sorted(entries, key=lambda one: one.due_at):
        if one.state in GONE:
            continue
        before = last.get(one.channel_id)
        if before is not None and one.due_at - before.due_at < gaps.get(one.channel_id, timedelta(0)):
            found |= {before.delivery_id, one.delivery_id}
        last[one.channel_id] = one
    return frozenset(found)


@dataclass(frozen=True)
class _Found:
    wanted: Wanted
    creators: Mapping[UUID, Creator]
    entries: Sequence[Entry]
    quiet: Sequence[Quiet]
    halt: Halt


_Row = tuple[Creator, Channel | None]


def _rows(creators: Mapping[UUID, Creator], channels: Sequence[Channel], by: By) -> list[_Row]:
    if by == "creator":
        return [(one, None) for one in creators.values()]
    return [(one, channel) for one in creators.values() for channel in channels if channel.creator_id == one.id]


def _lanes(found: _Found, rows: Sequence[_Row]) -> list[Lane]:
    """Each delivery is looked at once, however many lanes and columns there are."""
    wanted = found.wanted
    zones = {one.id: zone_of(wanted.zone or one.zone) for one in found.creators.values()}
    whole = any(channel is None for _, channel in rows)
    cells: dict[tuple[UUID, int], list[Entry]] = {}
    for one in found.entries:
        wall = one.due_at.astimezone(zones[one.creator_id])
        days = (wall.date() - wanted.first).days
        if 0 <= days < wanted.days:
            column = wall.hour if wanted.days == 1 else days
            cells.setdefault((one.creator_id if whole else one.channel_id, column), []).append(one)
    return [_lane(found, row, cells) for row in rows]


def _lane(found: _Found, row: _Row, cells: Mapping[tuple[UUID, int], Sequence[Entry]]) -> Lane:
    creator, account = row
    zone, key = found.wanted.zone or creator.zone, account.id if account is not None else creator.id
    theirs = [one for one in found.quiet if one.creator_id == creator.id]
    if account is not None:
        theirs = [one for one in theirs if one.channel_id in (None, account.id)]
    spans = _spans(found.wanted, zone) if theirs else []
    made = []
    for column in range(24 if found.wanted.days == 1 else found.wanted.days):
        closed = _closed(theirs, *spans[column], hours=found.wanted.days == 1) if spans else []
        here = turns(cells.get((key, column), ()), found.creators, found.wanted.zone)
        made.append(Cell(here, closed))
    stopped = found.halt.reaches(creator.id, *([account.id] if account is not None else []))
    return Lane(creator, account, zone, made, [one for one in theirs if one.first is None], stopped)


def _spans(wanted: Wanted, zone: str) -> list[tuple[datetime, datetime]]:
    """When each column begins and ends: an hour that is skipped is empty, one that comes twice is its first."""
    if wanted.days > 1:
        return [bounds(wanted.first + timedelta(days=number), zone) for number in range(wanted.days)]
    starts = [WallTime(wanted.first, time(hour), zone).instant() for hour in range(24)]
    return [(start, start + HOUR) for start in starts]


def _closed(periods: Sequence[Quiet], start: datetime, end: datetime, *, hours: bool) -> list[Quiet]:
    """The periods that reach into a column; of hours that come back each week only where columns are hours; pure."""
    return [
        one
        for one in periods
        if (one.first is not None and one.window[0] < end and one.window[1] > start)
        or (one.first is None and hours and one.covers(start))
    ]
