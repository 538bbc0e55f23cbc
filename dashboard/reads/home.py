"""Home: what needs somebody, what is happening now, and the day of each creator, in at most ten statements; one more
where a post is kept back, posts were missed, a change is wanted, a stop is told or two pictures are shown, and two
where one is in doubt or waits for a yes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from channels import reads as channel_reads
from dashboard.reads import live, needs
from dashboard.reads.doubts import Doubt, doubts
from dashboard.reads.live import LIVE, Line
from dashboard.reads.needs import Need
from dashboard.reads.system import stoppable
from foundation.database import Scope
from foundation.money import Money
from foundation.words import Message
from gate.switches import Halt
from insights import reads as insight_reads
from insights.reads import Sales
from schedules import agenda, blocked, downtime_reads, preflights, reviewing
from schedules.agenda import Moved
from schedules.calendar import bounds, local_day
from schedules.coming import TO_LEAVE, leaves_at, stopped
from schedules.objections import CHANGE_WANTED
from schedules.reads import Entry
from schedules.states import DeliveryState
from studio import library
from studio import reads as studio_reads
from studio.reads import Running
from subscribers import public_desk
from tenants import reads as tenant_reads
from tenants.reads import Creator, Member, Notice
from tenants.roles import Right, may

CHART_DAYS = 14
USUAL_DAYS = 28
AHEAD = timedelta(days=3)
LEAVING = frozenset({DeliveryState.SCHEDULED, DeliveryState.PUBLISHING, DeliveryState.PARTLY})
QUIET = frozenset(
    {
        DeliveryState.APPROVED,
        DeliveryState.DRAFT,
        DeliveryState.PUBLISHING,
        DeliveryState.PARTLY,
        DeliveryState.CANCELLED,
    }
)
"""States nobody watches a post come to."""

TAKEN_OFF = frozenset({DeliveryState.CANCELLED, DeliveryState.REMOVING, DeliveryState.REMOVED})

PLANNED = frozenset((before, DeliveryState.SCHEDULED) for before in (DeliveryState.DRAFT, DeliveryState.APPROVED))


@dataclass(frozen=True)
class Takings:
    """Money in one currency: today's net and orders, the mean of the 28 days before (None without any sale in them),
    the net of the last fourteen days, today last, and how today's is shared."""

    today: Money
    orders: int
    usual: Money | None
    days: tuple[int, ...]
    shares: tuple[Money, Money, Money]
    """Creator, agency, staff."""

    @property
    def best(self) -> Money:
        """The highest net of these days."""
        return Money(max(self.days), self.today.currency)

    @property
    def total(self) -> Money:
        """The net of these days together."""
        return Money(sum(self.days), self.today.currency)


@dataclass(frozen=True)
class Turn:
    """One post at one time, on all the accounts it goes to."""

    due_at: datetime
    words: str
    posts: tuple[Entry, ...]


@dataclass(frozen=True)
class Day:
    """One creator's day so far."""

    creator: Creator
    posts: Sequence[Entry]
    takings: Sequence[Takings]

    @property
    def sent(self) -> int:
        """How many of the day's posts stand where they should."""
        return sum(post.state is DeliveryState.PUBLISHED for post in self.posts)

    @property
    def planned(self) -> int:
        """How many were to stand there: those that somebody took off or back are no longer among them."""
        return sum(post.state not in TAKEN_OFF for post in self.posts)

    @property
    def turns(self) -> list[Turn]:
        """The day's posts by time, each with its accounts."""
        turns: dict[tuple[datetime, UUID], list[Entry]] = {}
        for post in self.posts:
            turns.setdefault((post.due_at, post.post_id), []).append(post)
        return [Turn(at, posts[0].title or posts[0].body, tuple(posts)) for (at, _), posts in turns.items()]


@dataclass(frozen=True)
class Coming:
    """The post that leaves next."""

    creator: str
    account: str
    leaves_at: datetime
    stopped: bool
    """Whether an emergency stop keeps it back."""


@dataclass(frozen=True)
class Stride:
    """One of the five steps to the first post: its name, whether it is done, and the page where it is."""

    name: str
    done: bool
    href: str


@dataclass(frozen=True)
class Home:
    """The first page: what needs somebody, what happens, and the day of each creator this member works for."""

    now: datetime
    needs: Sequence[Need]
    waiting: int
    """How many of the needs this member can do something about."""
    days: Sequence[Day]
    total: Sequence[Takings]
    coming: Coming | None
    live: Sequence[Line]
    kept_back: Mapping[UUID, Message]
    """Of each post on hold because of somebody it shows: who, and what to do."""
    doubts: Mapping[UUID, Doubt]
    """What is known of each post in doubt."""
    running: Sequence[Running]
    strides: Sequence[Stride]
    """Empty once the first post stands."""
    sees_posts: bool
    sees_money: bool
    halt: Halt

    def waits(self, entry: Entry) -> bool:
        """Whether an emergency stop keeps it back."""
        return stopped(self.halt, entry)

    @property
    def sent(self) -> int:
        """Posts of today that are online."""
        return sum(day.sent for day in self.days)

    @property
    def planned(self) -> int:
        """Posts of today."""
        return sum(day.planned for day in self.days)


@dataclass(frozen=True)
class _Posts:
    needs: Sequence[Need]
    entries: Sequence[Entry]
    live: Sequence[Line]
    kept_back: Mapping[UUID, Message]
    doubts: Mapping[UUID, Doubt]
    running: Sequence[Running]
    strides: Sequence[Stride]


def home(scope: Scope, member: Member) -> Home:
    """The home page of a member, as far as their role goes; instants are UTC-aware."""
    works = any(may(member.role, right) for right in (Right.RUN, Right.APPROVE, Right.CHAT))
    money = may(member.role, Right.MONEY)
    mine = [one for one in tenant_reads.creators(scope) if not member.creators or one.slug in member.creators]
    shown = mine if works or money else []
    posts = _posts(scope, mine, member) if works else _Posts([], [], [], {}, {}, [], [])
    sales, halt = _sales(scope, shown) if money else {}, _halt(scope, posts.entries)
    return Home(
        now=scope.now,
        needs=posts.needs,
        waiting=needs.waiting(posts.needs, member),
        days=[_day(scope, creator, posts.entries, sales.get(creator.id, {})) for creator in shown],
        total=_total(scope, shown, sales),
        coming=_coming(scope, mine, posts.entries, halt),
        live=posts.live,
        kept_back=posts.kept_back,
        doubts=posts.doubts,
        running=posts.running,
        strides=posts.strides,
        sees_posts=works,
        sees_money=money,
        halt=halt,
    )


def _posts(scope: Scope, mine: Sequence[Creator], member: Member) -> _Posts:
    ids = [one.id for one in mine]
    by_id = {one.id: one for one in mine}
    names = channel_reads.names(scope)
    notices = _notices(scope, by_id, member)
    days = [bounds(local_day(scope.now, one.zone), one.zone) for one in mine]
    start = min((day[0] for day in days), default=scope.now)
    about = needs.deliveries_of(notices)
    since = scope.now - LIVE
    board = agenda.board(scope, ids, (start, scope.now + AHEAD), since=since, names=names, also=about)
    missed = downtime_reads.shares(scope, ids, needs.downtimes_of(notices))
    known = stoppable(scope, mine) if any(one.cause.startswith(needs.SWITCH) for one in notices) else {}
    entries, moved = board.entries, [one for one in board.moved if _seen(one)]
    talk, money, yes = (may(member.role, right) for right in (Right.CHAT, Right.MONEY, Right.APPROVE))
    happens = live.of_one_kind(
        scope,
        studio_reads.running(scope, ids, since=since),
        live.live(scope, ids, moved, since=since, talk=talk, money=money),
    )
    return _Posts(
        needs=[
            *needs.of_theirs(needs.named(needs.found(notices, by_id, entries, member), known), missed, member),
            *needs.to_approve(reviewing.waiting_for(scope, ids, member.principal_id) if yes else 0, scope.now),
            *needs.to_answer(public_desk.waiting(scope, ids) if talk else 0, member, scope.now),
        ],
        entries=entries,
        live=happens[1],
        kept_back=live.kept_back(scope, entries, moved),
        doubts=doubts(scope, [one for one in entries if one.delivery_id in about]),
        running=happens[0],
        strides=[] if any(one.state is DeliveryState.PUBLISHED for one in entries) else _strides(scope, mine),
    )


def _notices(scope: Scope, mine: Mapping[UUID, Creator], member: Member) -> list[Notice]:
    """What this member should know, but for a change that they asked of somebody themselves."""
    told = tenant_reads.open_notices(scope, to=member.principal_id)
    found = {one.cause: one for one in told if one.creator_id is None or one.creator_id in mine}
    about = {UUID(cause.removeprefix(CHANGE_WANTED)): cause for cause in found if cause.startswith(CHANGE_WANTED)}
    for post_id in reviewing.left_to_others(scope, about, member.principal_id):
        del found[about[post_id]]
    return list(found.values())


def _seen(move: Moved) -> bool:
    """Whether people watch for it: being planned, or starting to leave, is seen on the day itself."""
    return move.after not in QUIET and (move.before, move.after) not in PLANNED


def _strides(scope: Scope, mine: Sequence[Creator]) -> list[Stride]:
    """How far a beginner has come; nothing once a first post stands, however long ago."""
    begun = agenda.begun(scope, [one.id for one in mine])
    if begun.published:
        return []
    theirs = {one.id for one in mine}
    connected = any(one.creator_id in theirs for one in channel_reads.every_channel(scope))
    pictures = any(library.tiles(scope, one.id, limit=1) for one in mine)
    return [
        Stride("creator", bool(mine), "/start"),
        Stride("account", connected, "/channels"),
        Stride("picture", pictures, "/studio"),
        Stride("post", begun.planned, "/calendar?new=1"),
        Stride("online", begun.published, "/calendar"),
    ]


def _day(scope: Scope, creator: Creator, entries: Iterable[Entry], sales: Mapping[date, Sequence[Sales]]) -> Day:
    today = local_day(scope.now, creator.zone)
    start, end = bounds(today, creator.zone)
    posts = [
        one
        for one in entries
        if one.creator_id == creator.id and start <= one.due_at < end and one.state is not DeliveryState.CANCELLED
    ]
    currencies = sorted({row.net.currency for rows in sales.values() for row in rows})
    return Day(creator, posts, [takings(sales, currency, today) for currency in currencies])


def _sales(scope: Scope, shown: Sequence[Creator]) -> dict[UUID, dict[date, list[Sales]]]:
    days = [local_day(scope.now, one.zone) for one in shown]
    if not days:
        return {}
    first = min(days) - timedelta(days=USUAL_DAYS)
    return insight_reads.sales_of(scope, [one.id for one in shown], first, max(days))


def _total(
    scope: Scope, shown: Sequence[Creator], sales: Mapping[UUID, Mapping[date, Sequence[Sales]]]
) -> list[Takings]:
    """The money of all of them together, each creator's day being theirs."""
    if len(shown) < 2:  # one creator’s figures stand on their card
        return []
    rows: dict[str, list[Takings]] = {}
    for creator in shown:
        for one in _day(scope, creator, (), sales.get(creator.id, {})).takings:
            rows.setdefault(one.today.currency, []).append(one)
    return [_sum(each) for _, each in sorted(rows.items())]


def _sum(parts: Sequence[Takings]) -> Takings:
    usual = [part.usual.minor for part in parts if part.usual is not None]
    currency = parts[0].today.currency
    shares = [Money(sum(part.shares[number].minor for part in parts), currency) for number in range(3)]
    return Takings(
        today=Money(sum(part.today.minor for part in parts), currency),
        orders=sum(part.orders for part in parts),
        usual=Money(sum(usual), currency) if usual else None,
        days=tuple(sum(nets) for nets in zip(*(part.days for part in parts), strict=True)),
        shares=(shares[0], shares[1], shares[2]),
    )


def takings(found: Mapping[date, Sequence[Sales]], currency: str, today: date) -> Takings:
    """One currency's money out of the sales by day; pure. Days without sales count as nothing."""
    days = [today - timedelta(days=back) for back in range(USUAL_DAYS, -1, -1)]
    rows = [next((row for row in found.get(day, []) if row.net.currency == currency), None) for day in days]
    nets = [row.net.minor if row is not None else 0 for row in rows]
    before, last, none = nets[:-1], rows[-1], Money(0, currency)
    return Takings(
        today=Money(nets[-1], currency),
        orders=last.orders if last is not None else 0,
        usual=Money(round(sum(before) / USUAL_DAYS), currency) if any(before) else None,
        days=tuple(nets[-CHART_DAYS:]),
        shares=(last.creator, last.agency, last.staff) if last is not None else (none, none, none),
    )


def _halt(scope: Scope, entries: Iterable[Entry]) -> Halt:
    """Where an emergency stop keeps something back; asked only where something is to leave."""
    return blocked.halted(scope) if any(one.state in TO_LEAVE for one in entries) else Halt(False, frozenset())


def _coming(scope: Scope, mine: Iterable[Creator], entries: Iterable[Entry], halt: Halt) -> Coming | None:
    names = {one.id: one.name for one in mine}
    here = [one for one in entries if one.state in LEAVING and scope.now <= leaves_at(one) < scope.now + AHEAD]
    warned = preflights.warned(scope) if here else frozenset()
    first = min((one for one in here if one.delivery_id not in warned), key=leaves_at, default=None)
    if first is None:
        return None
    kept = halt.reaches(first.creator_id, first.channel_id)
    return Coming(names[first.creator_id], first.channel, leaves_at(first), kept)
