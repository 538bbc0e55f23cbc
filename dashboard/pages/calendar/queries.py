"""The calendar: a creator's days with their posts, and the hours that are free."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ops.wall_time import WallTime, day_bounds, load_zone, local_day, to_wall_time
from gate.policy.emergency_stops import StoppedScope
from schedules.approvals import review_queue
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.usual_hours import (
    filter_closing_periods,
    filter_free_times,
    list_usual_hours,
)
from schedules.calendar.day_summaries import PostSummary, has_posts_in_days, summarize_days
from schedules.calendar.next_steps import is_next_step_stopped
from schedules.downtime import account_blocks
from schedules.posts import labels
from schedules.posts.labels import Label
from schedules.posts.queries import DeliveryEntry, calendar_entries
from schedules.posts.states import NEEDS_DECISION, PENDING_STATES, DeliveryState
from schedules.publishing import preflight
from tenants.agencies.queries import Creator

MAX_DELIVERIES = 5000
"""Deliveries of one window; of more, the later ones are left out and that is said."""

STATE_GROUPS: Mapping[str, Collection[DeliveryState]] = {
    "all": frozenset(DeliveryState) - {DeliveryState.CANCELLED},
    "coming": frozenset(
        {
            DeliveryState.APPROVED,
            DeliveryState.SCHEDULED,
            DeliveryState.PUBLISHING,
            DeliveryState.PROCESSING,
            DeliveryState.PARTLY,
        }
    ),
    "waiting": frozenset({DeliveryState.DRAFT}),
    "trouble": NEEDS_DECISION,
    "out": frozenset({DeliveryState.PUBLISHED, DeliveryState.REMOVING, DeliveryState.REMOVED}),
    "cancelled": frozenset({DeliveryState.CANCELLED}),
}
"""What people look for, as states; `calendar.only.<name>` says it."""


@dataclass(frozen=True)
class CalendarFilter:
    """What the calendar is asked for; without a creator, all of the member's."""

    first: date
    days: int
    creator: UUID | None = None
    account: UUID | None = None
    group: str = "all"
    whole: int = MAX_DELIVERIES
    """Up to so many posts each is wanted with its accounts, and the hours that are free too."""
    most: int = MAX_DELIVERIES
    """Of more, so many of each day, in short."""
    zone: str = ""
    """Whose clock is looked at; "" for each creator's own."""
    label: UUID | None = None


@dataclass(frozen=True)
class CalendarCard:
    """One post at one time, on all the accounts it goes to there and then."""

    at: datetime
    creator: Creator
    words: str
    media: tuple[UUID, ...]
    posts: tuple[DeliveryEntry, ...]
    looked: str = ""
    """The zone it is looked at in; "" for its creator's."""

    @property
    def post_id(self) -> UUID:
        """The post."""
        return self.posts[0].post_id

    @property
    def occurrence_key(self) -> str:
        """Which of the times of its post it is."""
        return self.posts[0].occurrence_key

    @property
    def zone(self) -> str:
        """The zone its time is shown in."""
        return self.looked or self.creator.zone

    @property
    def local_time(self) -> datetime:
        """Its time on the clock that is looked at."""
        return self.at.astimezone(load_zone(self.zone))

    @property
    def planned_elsewhere(self) -> WallTime | None:
        """What was planned, where that was on another clock than the one that is looked at."""
        first = self.posts[0]
        return to_wall_time(self.at, first.zone) if first.zone != self.zone else None

    @property
    def drag_versions(self) -> str:
        """What a card hands back when it is dragged: versions by delivery; nothing where any of it
        stays."""
        movable = all(one.state in PENDING_STATES for one in self.posts)
        return " ".join(f"{one.delivery_id}={one.version}" for one in self.posts) if movable else ""

    @property
    def states(self) -> Sequence[DeliveryState]:
        """How it stands on each account."""
        return [one.state for one in self.posts]

    @property
    def deliveries(self) -> Collection[UUID]:
        """The deliveries of these accounts."""
        return [one.delivery_id for one in self.posts]


@dataclass(frozen=True)
class CompactCard:
    """The same in short: what a day of a month shows of it."""

    creator: Creator
    summary: PostSummary
    looked: str = ""

    @property
    def post_id(self) -> UUID:
        """The post."""
        return self.summary.post_id

    @property
    def occurrence_key(self) -> str:
        """Which of the times of its post it is."""
        return self.summary.occurrence_key

    @property
    def words(self) -> str:
        """How it begins."""
        return self.summary.words

    @property
    def states(self) -> Sequence[DeliveryState]:
        """How it stands on each account."""
        return self.summary.states

    @property
    def deliveries(self) -> Collection[UUID]:
        """The deliveries of these accounts."""
        return self.summary.versions.keys()

    @property
    def zone(self) -> str:
        """The zone its time is shown in."""
        return self.looked or self.creator.zone

    @property
    def local_time(self) -> datetime:
        """Its time on the clock that is looked at."""
        return self.summary.due_at.astimezone(load_zone(self.zone))

    @property
    def drag_versions(self) -> str:
        """What it hands back when it is dragged, as a turn does."""
        movable = all(state in PENDING_STATES for state in self.states)
        return (
            " ".join(f"{key}={version}" for key, version in self.summary.versions.items())
            if movable
            else ""
        )


@dataclass(frozen=True)
class CalendarDay:
    """One local day: what goes out, and the usual hours with nothing near them, each with whose
    they are."""

    day: date
    turns: Sequence[CalendarCard]
    free: Sequence[tuple[Creator, WallTime]] = ()
    short: Sequence[CompactCard] = ()
    """Instead of the turns, the first of them, where there are too many to show each."""
    more: int = 0
    """How many there are beside those."""


@dataclass(frozen=True)
class FreeSlot:
    """A usual hour of a day, and for whom it is free."""

    at: WallTime
    creators: Sequence[Creator]
    zone: str
    """The clock that is looked at."""

    @property
    def local_time(self) -> datetime:
        """What that clock shows then."""
        return self.at.instant().astimezone(load_zone(self.zone))


@dataclass(frozen=True)
class CalendarView:
    """The days that were asked for, and what can be chosen."""

    now: datetime
    today: date
    days: Sequence[CalendarDay]
    chosen: Sequence[Creator]
    """Whose days these are."""
    ever: bool
    """Whether anything stands in these days at all, filters aside."""
    halt: StoppedScope
    """Where nothing leaves, whatever hour it has."""
    cut: bool
    """Whether there was more than one window holds."""
    zone: str = ""
    """The zone it is looked at in; "" for each creator's own."""
    labels: Mapping[UUID, Sequence[Label]] = field(default_factory=dict)
    """The labels of the posts that are shown, by post."""
    sent_back: Collection[UUID] = ()
    """The drafts whose authors are asked for other words."""
    warned: Collection[UUID] = frozenset()
    """Deliveries that would not leave as they are, as was told ahead of their time."""

    @property
    def zones(self) -> Collection[str]:
        """The clocks its times are shown on."""
        return {self.zone or one.zone for one in self.chosen}

    def is_stopped(self, entry: DeliveryEntry) -> bool:
        """Whether an emergency stop keeps it back."""
        return is_next_step_stopped(self.halt, entry)

    def state_code(self, entry: DeliveryEntry) -> str:
        """How it stands, as `calendar.short.<name>` says it."""
        if self.is_stopped(entry):
            return "stopped"
        if entry.state is DeliveryState.DRAFT and entry.post_id in self.sent_back:
            return "sent_back"
        return "stays" if entry.delivery_id in self.warned else entry.display_state


def load_calendar(scope: Scope, mine: Sequence[Creator], wanted: CalendarFilter) -> CalendarView:
    """The days of these creators. Raises NotFound for a creator or an account that is not
    theirs."""
    chosen = [one for one in mine if wanted.creator in (None, one.id)]
    if wanted.creator is not None and not chosen:
        raise NotFound("creator.unknown", creator=str(wanted.creator))
    days, ever, cut = _load_condensed_days(scope, chosen, wanted) or _load_full_days(
        scope, chosen, wanted
    )
    today = local_day(scope.now, wanted.zone or (chosen[0].zone if chosen else "UTC"))
    posts = {each.post_id for day in days for each in day.short} | {
        turn.post_id for day in days for turn in day.turns
    }
    has = labels.labels_of_posts(scope, posts)
    drafts = {
        turn.post_id for day in days for turn in day.turns if DeliveryState.DRAFT in turn.states
    }
    return CalendarView(
        scope.now,
        today,
        days,
        chosen,
        ever,
        account_blocks.load_emergency_stops(scope),
        cut,
        wanted.zone,
        has,
        sent_back=review_queue.latest_objections(scope, drafts),
        warned=preflight.warned_deliveries(scope),
    )


_Read = tuple[list[CalendarDay], bool, bool]
"""The days, whether anything stands in them at all, and whether something is left out."""


def _load_condensed_days(
    scope: Scope, chosen: Sequence[Creator], wanted: CalendarFilter
) -> _Read | None:
    """The days in short; None where there is room for every post."""
    if wanted.whole >= MAX_DELIVERIES:
        return None
    by_id = {one.id: one for one in chosen}
    zones = {one.id: wanted.zone or one.zone for one in chosen}
    span = (wanted.first, wanted.days)
    narrow = {"account": wanted.account, "label": wanted.label}
    found = summarize_days(
        scope, zones, span, states=STATE_GROUPS[wanted.group], most=wanted.most, **narrow
    )
    if wanted.whole and found.posts_on_day <= wanted.whole:
        return None
    days = []
    for day in (wanted.first + timedelta(days=number) for number in range(wanted.days)):
        short = [
            CompactCard(by_id[one.creator_id], one, wanted.zone) for one in found.posts.get(day, [])
        ]
        days.append(CalendarDay(day, [], short=short, more=found.counts.get(day, 0) - len(short)))
    return days, bool(found.posts_on_day) or has_posts_in_days(scope, zones, span), False


def _load_full_days(scope: Scope, chosen: Sequence[Creator], wanted: CalendarFilter) -> _Read:
    """The days with every post, and the hours that are free."""
    by_id = {one.id: one for one in chosen}
    names = queries.channel_names(scope)
    last = wanted.first + timedelta(days=wanted.days)
    start = day_bounds(wanted.first - timedelta(days=1), "UTC")[0]
    end = day_bounds(last, "UTC")[1]
    entries = calendar_entries(scope, by_id, start, end, names=names, limit=MAX_DELIVERIES)
    ahead = last > local_day(scope.now, "UTC") - timedelta(days=1)
    hours = list_usual_hours(scope, by_id) if ahead else {}
    asked = wanted.label
    labelled = (
        labels.filter_posts_with_label(scope, asked, {one.post_id for one in entries})
        if asked is not None
        else None
    )
    calm = quiet_periods.list_quiet_periods(scope, by_id) if ahead else []
    found = _Found(entries, by_id, hours, scope.now, calm, wanted.zone, labelled)
    here = _group_deliveries_by_day(found)
    shown = [wanted.first + timedelta(days=number) for number in range(wanted.days)]
    days = [_build_day(wanted, day, found, here.get(day, [])) for day in shown]
    return days, bool(entries), len(entries) == MAX_DELIVERIES


@dataclass(frozen=True)
class _Found:
    entries: Sequence[DeliveryEntry]
    creators: Mapping[UUID, Creator]
    hours: Mapping[UUID, Sequence[time]]
    now: datetime
    quiet: Sequence[QuietPeriod]
    zone: str
    labelled: frozenset[UUID] | None
    """The posts with the label that is asked for; None where none is."""


def _group_deliveries_by_day(found: _Found) -> dict[date, list[DeliveryEntry]]:
    """The deliveries of each day on the clock that is looked at: each is read once, however many
    days are shown."""
    zones = {
        creator.id: load_zone(found.zone or creator.zone) for creator in found.creators.values()
    }
    days: dict[date, list[DeliveryEntry]] = {}
    for one in found.entries:
        days.setdefault(one.due_at.astimezone(zones[one.creator_id]).date(), []).append(one)
    return days


def _build_day(
    wanted: CalendarFilter, day: date, found: _Found, here: Sequence[DeliveryEntry]
) -> CalendarDay:
    shown = [
        one
        for one in here
        if one.state in STATE_GROUPS[wanted.group] and wanted.account in (None, one.channel_id)
    ]
    if found.labelled is not None:
        shown = [one for one in shown if one.post_id in found.labelled]
    whole = wanted.group == "all" and wanted.account is None and found.labelled is None
    gaps = (
        [gap for creator in found.hours for gap in _find_free_slots(found, creator, day, here)]
        if whole
        else []
    )
    return CalendarDay(
        day,
        group_cards(shown, found.creators, found.zone),
        sorted(gaps, key=lambda gap: gap[1].instant()),
    )


def _find_free_slots(
    found: _Found, creator_id: UUID, day: date, here: Sequence[DeliveryEntry]
) -> list[tuple[Creator, WallTime]]:
    """A creator's usual hours of a day with nothing near them, and none in which she posts
    nothing."""
    creator = found.creators[creator_id]
    taken = [
        one.due_at
        for one in here
        if one.creator_id == creator_id and one.state is not DeliveryState.CANCELLED
    ]
    looked = found.zone or creator.zone
    days = (
        [day] if looked == creator.zone else [day + timedelta(days=number) for number in (-1, 0, 1)]
    )
    hers = [WallTime(one, clock, creator.zone) for one in days for clock in found.hours[creator_id]]
    wanted = [one for one in hers if len(days) == 1 or local_day(one.instant(), looked) == day]
    closed = filter_closing_periods(found.quiet, creator_id)
    return [(creator, one) for one in filter_free_times(wanted, taken, found.now, closed)]


def free_slots(day: CalendarDay, looked: str = "") -> list[FreeSlot]:
    """The free hours of a day, creators of the same hour together, as a clock shows them that is
    looked at; pure."""
    found: dict[tuple[datetime, str], list[tuple[Creator, WallTime]]] = {}
    for creator, at in day.free:
        found.setdefault((at.instant(), at.zone), []).append((creator, at))
    return [
        FreeSlot(gaps[0][1], [creator for creator, _ in gaps], looked or gaps[0][1].zone)
        for gaps in found.values()
    ]


def group_cards(
    entries: Sequence[DeliveryEntry], creators: Mapping[UUID, Creator], looked: str = ""
) -> list[CalendarCard]:
    """Entries by time and post, each with its accounts, on a clock that is looked at; pure."""
    found: dict[tuple[datetime, UUID], list[DeliveryEntry]] = {}
    for one in entries:
        found.setdefault((one.due_at, one.post_id), []).append(one)
    return [
        CalendarCard(
            at,
            creators[posts[0].creator_id],
            posts[0].title or posts[0].body,
            posts[0].media,
            tuple(posts),
            looked,
        )
        for (at, _), posts in found.items()
    ]
