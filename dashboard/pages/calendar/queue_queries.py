"""Queries of the queue view: the posts and the open slots of each account, by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from dashboard.pages.calendar.queries import (
    MAX_DELIVERIES,
    STATE_GROUPS,
    CalendarCard,
    CalendarFilter,
    CalendarView,
    group_cards,
)
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime, day_bounds, load_zone, local_day, to_wall_time
from schedules.approvals import review_queue
from schedules.availability.slots import SlotPlace, list_free_places, list_slots_of_channels
from schedules.availability.usual_hours import list_usual_hours
from schedules.downtime import account_blocks
from schedules.posts import labels
from schedules.posts.queries import DeliveryEntry, calendar_entries
from schedules.posts.states import DeliveryState
from schedules.publishing import preflight
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class QueueItem:
    """A post, or an open slot, of an account. `at` is its instant."""

    at: datetime
    card: CalendarCard | None = None
    place: SlotPlace | None = None


@dataclass(frozen=True)
class QueueDay:
    """A day of an account: its open slots and its first posts, by time. `more` is the number of its
    other posts."""

    items: Sequence[QueueItem]
    more: int = 0


@dataclass(frozen=True)
class AccountQueue:
    """The days of an account in the displayed time zone; days without an item are omitted."""

    creator: Creator
    account: Channel
    has_slots: bool
    days: Mapping[date, QueueDay]
    zone: str
    """Displayed time zone."""
    usual_hours: Sequence[time] = ()
    """Usual hours of the creator, which the other views show until one has a posting schedule."""

    @property
    def free_count(self) -> int:
        """Number of open slots."""
        return sum(one.place is not None for day in self.days.values() for one in day.items)

    @property
    def post_count(self) -> int:
        """Number of posts."""
        shown = sum(one.card is not None for day in self.days.values() for one in day.items)
        return shown + sum(day.more for day in self.days.values())

    def start_time(self, one: QueueItem) -> WallTime:
        """Return the time of an item in the creator's time zone, which the composer uses."""
        return to_wall_time(one.at, self.creator.zone)

    def local_time(self, one: QueueItem) -> datetime:
        """Return the time of an item in the displayed time zone."""
        return one.at.astimezone(load_zone(self.zone))


@dataclass(frozen=True)
class QueuesView:
    """The queues of all accounts. `cards` describes the state of their posts."""

    cards: CalendarView
    accounts: Sequence[AccountQueue]
    cut: bool
    is_narrowed: bool
    """True if a filter hides posts. Open slots are then unknown and not listed."""


def load_queues(scope: Scope, mine: Sequence[Creator], wanted: CalendarFilter) -> QueuesView:
    """Return the posts and open slots of each account in the requested days."""
    chosen = {one.id: one for one in mine if wanted.creator in (None, one.id)}
    channels = [
        one
        for one in queries.list_channels(scope)
        if one.creator_id in chosen and one.surface and wanted.account in (None, one.id)
    ]
    theirs, cut = _read_entries(scope, chosen, channels, wanted)
    narrowed = wanted.group != "all" or wanted.label is not None
    free = {} if narrowed else list_free_places(scope, channels, _bounds(wanted)[1])
    every = [one.id for one in queries.list_channels(scope) if one.creator_id in chosen]
    slots = list_slots_of_channels(scope, every)
    unplanned = chosen.keys() - {one.creator_id for each in slots.values() for one in each}
    usual = list_usual_hours(scope, unplanned) if unplanned else {}
    queues = []
    for one in channels:
        cards = group_cards(theirs[one.id], chosen, wanted.zone)
        items = [QueueItem(card.at, card=card) for card in cards]
        items += [QueueItem(place.due_time, place=place) for place in free.get(one.id, ())]
        creator = chosen[one.creator_id]
        queue = _build_queue(creator, one, items, wanted, has_slots=one.id in slots)
        queues.append(replace(queue, usual_hours=usual.get(creator.id, ())))
    entries = [entry for each in theirs.values() for entry in each]
    drafts = {one.post_id for one in entries if one.state is DeliveryState.DRAFT}
    zone = wanted.zone or next((one.zone for one in chosen.values()), "UTC")
    shown = CalendarView(
        scope.now,
        local_day(scope.now, zone),
        (),
        list(chosen.values()),
        bool(entries),
        account_blocks.load_emergency_stops(scope),
        cut,
        wanted.zone,
        labels.labels_of_posts(scope, {one.post_id for one in entries}),
        sent_back=review_queue.latest_objections(scope, drafts),
        warned=preflight.warned_deliveries(scope),
        accounts={one.id: one for one in channels},
    )
    return QueuesView(shown, queues, cut, narrowed)


def _bounds(wanted: CalendarFilter) -> tuple[datetime, datetime]:
    """Return instants that include the requested days in every time zone."""
    last = wanted.first + timedelta(days=wanted.days)
    return day_bounds(wanted.first - timedelta(days=1), "UTC")[0], day_bounds(last, "UTC")[1]


def _read_entries(
    scope: Scope,
    chosen: Mapping[UUID, Creator],
    channels: Sequence[Channel],
    wanted: CalendarFilter,
) -> tuple[dict[UUID, list[DeliveryEntry]], bool]:
    """Return the deliveries of each account that the filters show, and whether some were
    omitted."""
    names = {one.id: one.name for one in channels}
    entries = calendar_entries(scope, chosen, *_bounds(wanted), names=names, limit=MAX_DELIVERIES)
    labelled = (
        labels.filter_posts_with_label(scope, wanted.label, {one.post_id for one in entries})
        if wanted.label is not None
        else None
    )
    found: dict[UUID, list[DeliveryEntry]] = {one: [] for one in names}
    for one in entries:
        shown = one.state in STATE_GROUPS[wanted.group] and one.channel_id in names
        if shown and (labelled is None or one.post_id in labelled):
            found[one.channel_id].append(one)
    return found, len(entries) == MAX_DELIVERIES


def _build_queue(
    creator: Creator,
    account: Channel,
    items: Sequence[QueueItem],
    wanted: CalendarFilter,
    *,
    has_slots: bool,
) -> AccountQueue:
    zone = wanted.zone or creator.zone
    last = wanted.first + timedelta(days=wanted.days - 1)
    days: dict[date, list[QueueItem]] = {}
    for one in sorted(items, key=lambda one: one.at):
        day = local_day(one.at, zone)
        if wanted.first <= day <= last:
            days.setdefault(day, []).append(one)
    shown = {day: _shorten_day(each, wanted.most) for day, each in days.items()}
    return AccountQueue(creator, account, has_slots, shown, zone)


def _shorten_day(items: Sequence[QueueItem], most: int) -> QueueDay:
    """Return a day with all its open slots and at most `most` posts. Pure."""
    cards = [one for one in items if one.card is not None]
    hidden = {id(one) for one in cards[most:]}
    return QueueDay([one for one in items if id(one) not in hidden], len(hidden))
