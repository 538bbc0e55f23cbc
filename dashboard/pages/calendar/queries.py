"""Queries of the calendar: days with posts and open slots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from dashboard.pages.posts.hold_reasons import load_hold_reasons
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, day_bounds, load_zone, local_day, to_wall_time
from gate.policy.emergency_stops import StoppedScope
from schedules.approvals import review_queue
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.slots import SlotPlace, list_free_places, list_slots_of_channels
from schedules.availability.usual_hours import (
    filter_closing_periods,
    filter_free_times,
    list_usual_hours,
)
from schedules.calendar.day_summaries import (
    PostSummary,
    find_posts,
    has_posts_in_days,
    summarize_days,
)
from schedules.calendar.next_steps import is_next_step_stopped
from schedules.downtime import account_blocks
from schedules.posts import labels
from schedules.posts.labels import Label
from schedules.posts.queries import DeliveryEntry, calendar_entries
from schedules.posts.states import NEEDS_DECISION, PENDING_STATES, DeliveryState
from schedules.publishing import preflight
from tenants.agencies.queries import Creator

MAX_DELIVERIES = 5000
"""Maximum number of deliveries in a window. Later deliveries are omitted, and the page shows a note
about it."""

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
"""Delivery states by filter. The message `calendar.only.<name>` labels each one."""


MAX_FOUND = 100
"""Maximum number of posts that a search returns."""

STOPPABLE_STATES = frozenset({DeliveryState.APPROVED, DeliveryState.SCHEDULED})
"""States of deliveries that an emergency stop keeps from being published."""

TONE_SIGNS: Mapping[str, str] = {
    "trouble": "!",
    "waiting": "?",
    "sending": "→",
    "planned": "○",
    "done": "✓",
    "over": "–",
}
"""Tones of cards with their signs, those that need most attention first. The sign and the name of
the state are always shown with the color."""

TONES = tuple(TONE_SIGNS)

STATE_TONES: Mapping[str, str] = {
    **dict.fromkeys(
        ("held", "uncertain", "failed", "broken_off", "stays", "stopped", "sent_back"), "trouble"
    ),
    "draft": "waiting",
    **dict.fromkeys(("publishing", "processing", "handed_over", "partly"), "sending"),
    **dict.fromkeys(("approved", "scheduled"), "planned"),
    "published": "done",
    **dict.fromkeys(("cancelled", "removing", "removed", "rehearsed"), "over"),
}
"""Tones by state code, the suffix of the message `calendar.short.<name>`."""


@dataclass(frozen=True)
class CalendarFilter:
    """A request for days of the calendar. Without a creator it covers all of the member's
    creators."""

    first: date
    days: int
    creator: UUID | None = None
    account: UUID | None = None
    group: str = "all"
    whole: int = MAX_DELIVERIES
    """Maximum number of posts in the full form, which returns each post with its accounts and
    includes open slots."""
    most: int = MAX_DELIVERIES
    """Number of posts for each day in the compact form, which is used if there are more than
    `whole`."""
    zone: str = ""
    """Displayed time zone, or "" for each creator's."""
    label: UUID | None = None
    text: str = ""
    """Text to search for. With a text, posts of any day are returned."""


@dataclass(frozen=True)
class CalendarCard:
    """A post at one time, with its deliveries to every account at that time."""

    at: datetime
    creator: Creator
    words: str
    media: tuple[UUID, ...]
    posts: tuple[DeliveryEntry, ...]
    looked: str = ""
    """Displayed time zone, or "" for the creator's."""

    @property
    def post_id(self) -> UUID:
        return self.posts[0].post_id

    @property
    def occurrence_key(self) -> str:
        """Key of the occurrence of a recurring post."""
        return self.posts[0].occurrence_key

    @property
    def zone(self) -> str:
        """Time zone of the displayed time."""
        return self.looked or self.creator.zone

    @property
    def local_time(self) -> datetime:
        """Time of the post in the displayed time zone."""
        return self.at.astimezone(load_zone(self.zone))

    @property
    def planned_elsewhere(self) -> WallTime | None:
        """Scheduled time in the time zone it was scheduled in, if that differs from the displayed
        one."""
        first = self.posts[0]
        return to_wall_time(self.at, first.zone) if first.zone != self.zone else None

    @property
    def drag_versions(self) -> str:
        """Versions by delivery that a dragged card sends back. Empty if any of its deliveries
        cannot be moved."""
        movable = all(one.state in PENDING_STATES for one in self.posts)
        return " ".join(f"{one.delivery_id}={one.version}" for one in self.posts) if movable else ""

    @property
    def states(self) -> Sequence[DeliveryState]:
        """State of each delivery."""
        return [one.state for one in self.posts]

    @property
    def channels(self) -> Sequence[UUID]:
        """Account of each delivery."""
        return [one.channel_id for one in self.posts]

    @property
    def picture(self) -> UUID | None:
        """First picture or video."""
        return self.media[0] if self.media else None

    @property
    def deliveries(self) -> Collection[UUID]:
        """IDs of the deliveries."""
        return [one.delivery_id for one in self.posts]


@dataclass(frozen=True)
class CompactCard:
    """The compact form of a card, such as in a day of the month view."""

    creator: Creator
    summary: PostSummary
    looked: str = ""

    @property
    def post_id(self) -> UUID:
        return self.summary.post_id

    @property
    def occurrence_key(self) -> str:
        """Key of the occurrence of a recurring post."""
        return self.summary.occurrence_key

    @property
    def words(self) -> str:
        """Start of the text."""
        return self.summary.words

    @property
    def states(self) -> Sequence[DeliveryState]:
        """State of each delivery."""
        return self.summary.states

    @property
    def deliveries(self) -> Collection[UUID]:
        """IDs of the deliveries."""
        return self.summary.versions.keys()

    @property
    def channels(self) -> Sequence[UUID]:
        """Account of each delivery."""
        return self.summary.channels

    @property
    def picture(self) -> UUID | None:
        """First picture or video."""
        return self.summary.picture

    @property
    def zone(self) -> str:
        """Time zone of the displayed time."""
        return self.looked or self.creator.zone

    @property
    def local_time(self) -> datetime:
        """Time of the post in the displayed time zone."""
        return self.summary.due_at.astimezone(load_zone(self.zone))

    @property
    def drag_versions(self) -> str:
        """Versions by delivery that a dragged card sends back. Empty if any of its deliveries
        cannot be moved."""
        movable = all(state in PENDING_STATES for state in self.states)
        return (
            " ".join(f"{key}={version}" for key, version in self.summary.versions.items())
            if movable
            else ""
        )


@dataclass(frozen=True)
class CardLook:
    """The appearance of a card. `code` is the state that determines it, `codes` the state of each
    delivery."""

    tone: str
    sign: str
    code: str
    codes: Sequence[str]


@dataclass(frozen=True)
class OpenTime:
    """A time without a post: an open slot of a creator's posting schedules, or a usual hour of a
    creator who has none."""

    creator: Creator
    at: WallTime
    is_usual: bool


@dataclass(frozen=True)
class CalendarDay:
    """A local day with its posts and open times."""

    day: date
    turns: Sequence[CalendarCard]
    free: Sequence[OpenTime] = ()
    short: Sequence[CompactCard] = ()
    """Compact cards of the first posts, used instead of `turns` if there are too many."""
    more: int = 0
    """Number of posts besides those in `short`."""


@dataclass(frozen=True)
class FreeSlot:
    """An open slot or usual hour and the creators who can use it."""

    at: WallTime
    creators: Sequence[Creator]
    zone: str
    """Displayed time zone."""
    is_usual: bool = False

    @property
    def local_time(self) -> datetime:
        """Time of the slot in the displayed time zone."""
        return self.at.instant().astimezone(load_zone(self.zone))


@dataclass(frozen=True)
class CalendarView:
    """The requested days of the calendar."""

    now: datetime
    today: date
    days: Sequence[CalendarDay]
    chosen: Sequence[Creator]
    """Creators that the days cover."""
    ever: bool
    """True if the days contain any post, regardless of filters."""
    halt: StoppedScope
    """Emergency stops in effect."""
    cut: bool
    """True if posts were omitted because of the limit."""
    zone: str = ""
    """Displayed time zone, or "" for each creator's."""
    labels: Mapping[UUID, Sequence[Label]] = field(default_factory=dict)
    """Labels of the displayed posts, keyed by post."""
    sent_back: Collection[UUID] = ()
    """Drafts with requested changes."""
    warned: Collection[UUID] = frozenset()
    """Deliveries with a preflight warning: they cannot be published as they are."""
    accounts: Mapping[UUID, Channel] = field(default_factory=dict)
    """Accounts of the posts, keyed by ID."""
    hold_reasons: Mapping[UUID, Message] = field(default_factory=dict)
    """Missing consents of deliveries on hold, keyed by delivery."""

    @property
    def zones(self) -> Collection[str]:
        """Time zones of the displayed times."""
        return {self.zone or one.zone for one in self.chosen}

    def is_stopped(self, entry: DeliveryEntry) -> bool:
        """Return True if an emergency stop blocks the delivery."""
        return is_next_step_stopped(self.halt, entry)

    def state_code(self, entry: DeliveryEntry) -> str:
        """Return the state of a delivery as the suffix of the message code
        `calendar.short.<name>`."""
        if self.is_stopped(entry):
            return "stopped"
        if entry.state is DeliveryState.DRAFT and entry.post_id in self.sent_back:
            return "sent_back"
        return "stays" if entry.delivery_id in self.warned else entry.display_state

    def state_codes(self, card: CalendarCard | CompactCard) -> list[str]:
        """Return the state of each delivery of a card, as `state_code` does."""
        if isinstance(card, CalendarCard):
            return [self.state_code(one) for one in card.posts]
        rows = zip(card.states, card.deliveries, card.channels, strict=True)
        return [self._summary_state_code(card, *row) for row in rows]

    def _summary_state_code(
        self, card: CompactCard, state: DeliveryState, delivery_id: UUID, channel_id: UUID
    ) -> str:
        if state in STOPPABLE_STATES and self.halt.covers(card.creator.id, channel_id):
            return "stopped"
        if state is DeliveryState.DRAFT and card.post_id in self.sent_back:
            return "sent_back"
        return "stays" if delivery_id in self.warned else str(state)

    def look(self, card: CalendarCard | CompactCard) -> CardLook:
        """Return how a card is shown: as its delivery that needs most attention."""
        codes = self.state_codes(card)
        code = min(codes, key=lambda one: TONES.index(STATE_TONES[one]))
        tone = STATE_TONES[code]
        return CardLook(tone, TONE_SIGNS[tone], code, codes)


def load_calendar(scope: Scope, mine: Sequence[Creator], wanted: CalendarFilter) -> CalendarView:
    """Return the requested days. Raise NotFound for a creator or an account of another creator."""
    chosen = [one for one in mine if wanted.creator in (None, one.id)]
    if wanted.creator is not None and not chosen:
        raise NotFound("creator.unknown", creator=str(wanted.creator))
    days, ever, cut = _load_days(scope, chosen, wanted)
    today = local_day(scope.now, wanted.zone or (chosen[0].zone if chosen else "UTC"))
    cards: list[CalendarCard | CompactCard] = [card for day in days for card in day.turns]
    cards += [card for day in days for card in day.short]
    drafts = {card.post_id for card in cards if DeliveryState.DRAFT in card.states}
    has = labels.labels_of_posts(scope, {card.post_id for card in cards})
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
        accounts={one.id: one for one in queries.list_channels(scope)},
        hold_reasons=load_hold_reasons(
            scope, [entry for day in days for card in day.turns for entry in card.posts]
        ),
    )


_Read = tuple[list[CalendarDay], bool, bool]
"""The days, whether they contain any post, and whether posts were omitted."""


def _load_days(scope: Scope, chosen: Sequence[Creator], wanted: CalendarFilter) -> _Read:
    if wanted.text:
        return _load_found_days(scope, chosen, wanted)
    return _load_condensed_days(scope, chosen, wanted) or _load_full_days(scope, chosen, wanted)


def _load_found_days(scope: Scope, chosen: Sequence[Creator], wanted: CalendarFilter) -> _Read:
    """Return the days with the posts that contain the requested text."""
    by_id = {one.id: one for one in chosen}
    found = find_posts(
        scope,
        by_id,
        wanted.text,
        states=STATE_GROUPS[wanted.group],
        account=wanted.account,
        label=wanted.label,
        most=MAX_FOUND,
    )
    days: dict[date, list[CompactCard]] = {}
    for one in found:
        card = CompactCard(by_id[one.creator_id], one, wanted.zone)
        days.setdefault(card.local_time.date(), []).append(card)
    shown = [CalendarDay(day, [], short=cards) for day, cards in sorted(days.items())]
    return shown, True, len(found) == MAX_FOUND


def _load_condensed_days(
    scope: Scope, chosen: Sequence[Creator], wanted: CalendarFilter
) -> _Read | None:
    """Return the days in the compact form, or None if there is room for every post."""
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
    """Return the days with every post and the open slots."""
    by_id = {one.id: one for one in chosen}
    names = queries.channel_names(scope)
    last = wanted.first + timedelta(days=wanted.days)
    start = day_bounds(wanted.first - timedelta(days=1), "UTC")[0]
    end = day_bounds(last, "UTC")[1]
    entries = calendar_entries(scope, by_id, start, end, names=names, limit=MAX_DELIVERIES)
    ahead = last > local_day(scope.now, "UTC") - timedelta(days=1)
    places = _list_open_places(scope, by_id, end) if ahead else {}
    hours = list_usual_hours(scope, by_id.keys() - places.keys()) if ahead else {}
    asked = wanted.label
    labelled = (
        labels.filter_posts_with_label(scope, asked, {one.post_id for one in entries})
        if asked is not None
        else None
    )
    calm = quiet_periods.list_quiet_periods(scope, by_id) if ahead else []
    found = _Found(entries, by_id, hours, places, scope.now, calm, wanted.zone, labelled)
    here = _group_deliveries_by_day(found)
    shown = [wanted.first + timedelta(days=number) for number in range(wanted.days)]
    days = [_build_day(wanted, day, found, here.get(day, [])) for day in shown]
    return days, bool(entries), len(entries) == MAX_DELIVERIES


@dataclass(frozen=True)
class _Found:
    entries: Sequence[DeliveryEntry]
    creators: Mapping[UUID, Creator]
    hours: Mapping[UUID, Sequence[time]]
    """Usual hours of the creators without a posting schedule."""
    places: Mapping[UUID, Sequence[SlotPlace]]
    """Open slots of the creators with one."""
    now: datetime
    quiet: Sequence[QuietPeriod]
    zone: str
    labelled: frozenset[UUID] | None
    """Posts with the requested label. None if no label was requested."""


def _group_deliveries_by_day(found: _Found) -> dict[date, list[DeliveryEntry]]:
    """Group the deliveries by day in the displayed time zone. Each delivery is processed once,
    however many days are shown."""
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
    gaps: list[OpenTime] = []
    if whole:
        gaps += [gap for one in found.hours for gap in _find_free_hours(found, one, day, here)]
        gaps += [gap for one in found.places for gap in _find_open_slots(found, one, day)]
    return CalendarDay(
        day,
        group_cards(shown, found.creators, found.zone),
        sorted(gaps, key=lambda gap: gap.at.instant()),
    )


def _list_open_places(
    scope: Scope, creators: Mapping[UUID, Creator], until: datetime
) -> dict[UUID, list[SlotPlace]]:
    """Return the open slots of each creator that has a posting schedule, as the queue shows
    them."""
    channels = [
        one for one in queries.list_channels(scope) if one.creator_id in creators and one.surface
    ]
    planned = list_slots_of_channels(scope, [one.id for one in channels])
    planned_channels = [one for one in channels if one.id in planned]
    found: dict[UUID, list[SlotPlace]] = {one.creator_id: [] for one in planned_channels}
    free = list_free_places(scope, planned_channels, until) if planned_channels else {}
    for one in planned_channels:
        found[one.creator_id] += free.get(one.id, ())
    return found


def _find_open_slots(found: _Found, creator_id: UUID, day: date) -> list[OpenTime]:
    """Return the open slots of a creator on a day, each time once."""
    creator = found.creators[creator_id]
    zone = found.zone or creator.zone
    times = {one.due_time for one in found.places[creator_id]}
    return [
        OpenTime(creator, to_wall_time(at, creator.zone), is_usual=False)
        for at in sorted(times)
        if local_day(at, zone) == day
    ]


def _find_free_hours(
    found: _Found, creator_id: UUID, day: date, here: Sequence[DeliveryEntry]
) -> list[OpenTime]:
    """Return the usual posting times of a creator on a day that have no post nearby and are not in
    a quiet period."""
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
    free = filter_free_times(wanted, taken, found.now, closed)
    return [OpenTime(creator, one, is_usual=True) for one in free]


def free_slots(day: CalendarDay, looked: str = "") -> list[FreeSlot]:
    """Return the open times of a day in the displayed time zone `looked`. Creators with the same
    time share one entry. Pure."""
    found: dict[tuple[datetime, str, bool], list[OpenTime]] = {}
    for one in day.free:
        found.setdefault((one.at.instant(), one.at.zone, one.is_usual), []).append(one)
    return [
        FreeSlot(gaps[0].at, [one.creator for one in gaps], looked or gaps[0].at.zone, usual)
        for (_, _, usual), gaps in found.items()
    ]


def group_cards(
    entries: Sequence[DeliveryEntry], creators: Mapping[UUID, Creator], looked: str = ""
) -> list[CalendarCard]:
    """Group deliveries by time and post into cards for the displayed time zone `looked`. Pure."""
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
