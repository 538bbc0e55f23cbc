"""The calendar: a creator's days with their posts, and the hours that are free."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID

from channels import reads as channel_reads
from foundation.database import Scope
from foundation.errors import NotFound
from gate.switches import Halt
from schedules import agenda, blocked, labels, preflights, quiet, reviewing
from schedules import reads as schedule_reads
from schedules.agenda import free
from schedules.calendar import WallTime, bounds, local_day, local_wall, zone_of
from schedules.coming import stopped
from schedules.days import Summary, any_planned, summaries
from schedules.labels import Label
from schedules.quiet import Quiet
from schedules.reads import Entry
from schedules.states import NEEDS_A_PERSON, TO_COME, DeliveryState
from tenants.reads import Creator

S = DeliveryState
MOST = 5000
"""Deliveries of one window; of more, the later ones are left out and that is said."""

GROUPS: Mapping[str, Collection[DeliveryState]] = {
    "all": frozenset(S) - {S.CANCELLED},
    "coming": frozenset({S.APPROVED, S.SCHEDULED, S.PUBLISHING, S.PROCESSING, S.PARTLY}),
    "waiting": frozenset({S.DRAFT}),
    "trouble": NEEDS_A_PERSON,
    "out": frozenset({S.PUBLISHED, S.REMOVING, S.REMOVED}),
    "cancelled": frozenset({S.CANCELLED}),
}
"""What people look for, as states; `calendar.only.<name>` says it."""


@dataclass(frozen=True)
class Wanted:
    """What the calendar is asked for; without a creator, all of the member's."""

    first: date
    days: int
    creator: UUID | None = None
    account: UUID | None = None
    group: str = "all"
    whole: int = MOST
    """Up to so many posts each is wanted with its accounts, and the hours that are free too."""
    most: int = MOST
    """Of more, so many of each day, in short."""
    zone: str = ""
    """Whose clock is looked at; "" for each creator's own."""
    label: UUID | None = None


@dataclass(frozen=True)
class Turn:
    """One post at one time, on all the accounts it goes to there and then."""

    at: datetime
    creator: Creator
    words: str
    media: tuple[UUID, ...]
    posts: tuple[Entry, ...]
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
    def local(self) -> datetime:
        """Its time on the clock that is looked at."""
        return self.at.astimezone(zone_of(self.zone))

    @property
    def elsewhere(self) -> WallTime | None:
        """What was planned, where that was on another clock than the one that is looked at."""
        first = self.posts[0]
        return local_wall(self.at, first.zone) if first.zone != self.zone else None

    @property
    def seen(self) -> str:
        """What a card hands back when it is dragged: versions by delivery; nothing where any of it stays."""
        movable = all(one.state in TO_COME for one in self.posts)
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
class ShortTurn:
    """The same in short: what a day of a month shows of it."""

    creator: Creator
    summary: Summary
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
    def local(self) -> datetime:
        """Its time on the clock that is looked at."""
        return self.summary.due_at.astimezone(zone_of(self.zone))

    @property
    def seen(self) -> str:
        """What it hands back when it is dragged, as a turn does."""
        movable = all(state in TO_COME for state in self.states)
        return " ".join(f"{key}={version}" for key, version in self.summary.versions.items()) if movable else ""


@dataclass(frozen=True)
class Day:
    """One local day: what goes out, and the usual hours with nothing near them, each with whose they are."""

    day: date
    turns: Sequence[Turn]
    free: Sequence[tuple[Creator, WallTime]] = ()
    short: Sequence[ShortTurn] = ()
    """Instead of the turns, the first of them, where there are too many to show each."""
    more: int = 0
    """How many there are beside those."""


@dataclass(frozen=True)
class FreeHour:
    """A usual hour of a day, and for whom it is free."""

    at: WallTime
    creators: Sequence[Creator]
    zone: str
    """The clock that is looked at."""

    @property
    def local(self) -> datetime:
        """What that clock shows then."""
        return self.at.instant().astimezone(zone_of(self.zone))


@dataclass(frozen=True)
class Calendar:
    """The days that were asked for, and what can be chosen."""

    now: datetime
    today: date
    days: Sequence[Day]
    chosen: Sequence[Creator]
    """Whose days these are."""
    ever: bool
    """Whether anything stands in these days at all, filters aside."""
    halt: Halt
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

    def waits(self, entry: Entry) -> bool:
        """Whether an emergency stop keeps it back."""
        return stopped(self.halt, entry)

    def short(self, entry: Entry) -> str:
        """How it stands, as `calendar.short.<name>` says it."""
        if self.waits(entry):
            return "stopped"
        if entry.state is S.DRAFT and entry.post_id in self.sent_back:
            return "sent_back"
        return "stays" if entry.delivery_id in self.warned else entry.told


def calendar(scope: Scope, mine: Sequence[Creator], wanted: Wanted) -> Calendar:
    """The days of these creators. Raises NotFound for a creator or an account that is not theirs."""
    chosen = [one for one in mine if wanted.creator in (None, one.id)]
    if wanted.creator is not None and not chosen:
        raise NotFound("creator.unknown", creator=str(wanted.creator))
    days, ever, cut = _shortened(scope, chosen, wanted) or _every_turn(scope, chosen, wanted)
    today = local_day(scope.now, wanted.zone or (chosen[0].zone if chosen else "UTC"))
    posts = {each.post_id for day in days for each in day.short} | {turn.post_id for day in days for turn in day.turns}
    has = labels.of_posts(scope, posts)
    drafts = {turn.post_id for day in days for turn in day.turns if S.DRAFT in turn.states}
    return Calendar(
        scope.now,
        today,
        days,
        chosen,
        ever,
        blocked.halted(scope),
        cut,
        wanted.zone,
        has,
        sent_back=reviewing.sent_back(scope, drafts),
        warned=preflights.warned(scope),
    )


_Read = tuple[list[Day], bool, bool]
"""The days, whether anything stands in them at all, and whether something is left out."""


def _shortened(scope: Scope, chosen: Sequence[Creator], wanted: Wanted) -> _Read | None:
    """The days in short; None where there is room for every post."""
    if wanted.whole >= MOST:
        return None
    by_id, zones, span = (
        {one.id: one for one in chosen},
        {one.id: wanted.zone or one.zone for one in chosen},
        (wanted.first, wanted.days),
    )
    narrow = {"account": wanted.account, "label": wanted.label}
    found = summaries(scope, zones, span, states=GROUPS[wanted.group], most=wanted.most, **narrow)
    if wanted.whole and found.count <= wanted.whole:
        return None
    days = []
    for day in (wanted.first + timedelta(days=number) for number in range(wanted.days)):
        short = [ShortTurn(by_id[one.creator_id], one, wanted.zone) for one in found.posts.get(day, [])]
        days.append(Day(day, [], short=short, more=found.counts.get(day, 0) - len(short)))
    return days, bool(found.count) or any_planned(scope, zones, span), False


def _every_turn(scope: Scope, chosen: Sequence[Creator], wanted: Wanted) -> _Read:
    """The days with every post, and the hours that are free."""
    by_id, names = {one.id: one for one in chosen}, channel_reads.names(scope)
    last = wanted.first + timedelta(days=wanted.days)
    start, end = bounds(wanted.first - timedelta(days=1), "UTC")[0], bounds(last, "UTC")[1]
    entries = schedule_reads.agenda(scope, by_id, start, end, names=names, limit=MOST)
    ahead = last > local_day(scope.now, "UTC") - timedelta(days=1)
    hours = agenda.hours(scope, by_id) if ahead else {}
    asked = wanted.label
    labelled = labels.among(scope, asked, {one.post_id for one in entries}) if asked is not None else None
    calm = quiet.periods(scope, by_id) if ahead else []
    found = _Found(entries, by_id, hours, scope.now, calm, wanted.zone, labelled)
    here = _by_day(found)
    shown = [wanted.first + timedelta(days=number) for number in range(wanted.days)]
    days = [_day(wanted, day, found, here.get(day, [])) for day in shown]
    return days, bool(entries), len(entries) == MOST


@dataclass(frozen=True)
class _Found:
    entries: Sequence[Entry]
    creators: Mapping[UUID, Creator]
    hours: Mapping[UUID, Sequence[time]]
    now: datetime
    quiet: Sequence[Quiet]
    zone: str
    labelled: frozenset[UUID] | None
    """The posts with the label that is asked for; None where none is."""


def _by_day(found: _Found) -> dict[date, list[Entry]]:
    """The deliveries of each day on the clock that is looked at: each is read once, however many days are shown."""
    zones = {creator.id: zone_of(found.zone or creator.zone) for creator in found.creators.values()}
    days: dict[date, list[Entry]] = {}
    for one in found.entries:
        days.setdefault(one.due_at.astimezone(zones[one.creator_id]).date(), []).append(one)
    return days


def _day(wanted: Wanted, day: date, found: _Found, here: Sequence[Entry]) -> Day:
    shown = [one for one in here if one.state in GROUPS[wanted.group] and wanted.account in (None, one.channel_id)]
    if found.labelled is not None:
        shown = [one for one in shown if one.post_id in found.labelled]
    whole = wanted.group == "all" and wanted.account is None and found.labelled is None
    gaps = [gap for creator in found.hours for gap in _gaps(found, creator, day, here)] if whole else []
    return Day(day, turns(shown, found.creators, found.zone), sorted(gaps, key=lambda gap: gap[1].instant()))


def _gaps(found: _Found, creator_id: UUID, day: date, here: Sequence[Entry]) -> list[tuple[Creator, WallTime]]:
    """A creator's usual hours of a day with nothing near them, and none in which she posts nothing."""
    creator = found.creators[creator_id]
    taken = [one.due_at for one in here if one.creator_id == creator_id and one.state is not S.CANCELLED]
    looked = found.zone or creator.zone
    days = [day] if looked == creator.zone else [day + timedelta(days=number) for number in (-1, 0, 1)]
    hers = [WallTime(one, clock, creator.zone) for one in days for clock in found.hours[creator_id]]
    wanted = [one for one in hers if len(days) == 1 or local_day(one.instant(), looked) == day]
    closed = agenda.closed_to(found.quiet, creator_id)
    return [(creator, one) for one in free(wanted, taken, found.now, closed)]


def free_hours(day: Day, looked: str = "") -> list[FreeHour]:
    """The free hours of a day, creators of the same hour together, as a clock shows them that is looked at; pure."""
    found: dict[tuple[datetime, str], list[tuple[Creator, WallTime]]] = {}
    for creator, at in day.free:
        found.setdefault((at.instant(), at.zone), []).append((creator, at))
    return [
        FreeHour(gaps[0][1], [creator for creator, _ in gaps], looked or gaps[0][1].zone) for gaps in found.values()
    ]


def turns(entries: Sequence[Entry], creators: Mapping[UUID, Creator], looked: str = "") -> list[Turn]:
    """Entries by time and post, each with its accounts, on a clock that is looked at; pure."""
    found: dict[tuple[datetime, UUID], list[Entry]] = {}
    for one in entries:
        found.setdefault((one.due_at, one.post_id), []).append(one)
    return [
        Turn(at, creators[posts[0].creator_id], posts[0].title or posts[0].body, posts[0].media, tuple(posts), looked)
        for (at, _), posts in found.items()
    ]
