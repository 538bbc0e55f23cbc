"""Queries of the home page: items that need attention, live activity and the day of each creator.

The page needs at most ten statements. It needs one more statement each for posts on hold, missed
posts, requested changes, an emergency stop and pictures, and two more each for uncertain deliveries
and pending approvals.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from channels.accounts.queries import channel_labels
from dashboard.pages.home import activity_queries, attention_items
from dashboard.pages.home.activity_queries import ACTIVITY_WINDOW, ActivityLine
from dashboard.pages.home.attention_items import AttentionItem
from dashboard.pages.posts.hold_reasons import load_hold_reasons
from dashboard.pages.posts.uncertain_delivery_queries import (
    UncertainDelivery,
    load_uncertain_deliveries,
)
from dashboard.shell.queries import list_stop_targets
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.ops.wall_time import day_bounds, local_day
from gate.policy.emergency_stops import StoppedScope
from insights.rollups.queries import DaySales, daily_sales_by_creator
from schedules.approvals import pending_decisions, review_queue
from schedules.approvals.change_requests import CHANGE_REQUEST_CAUSE
from schedules.calendar.board import RecentMove, load_board
from schedules.calendar.next_steps import PUBLISHES_BY_ITSELF, is_next_step_stopped, publish_time
from schedules.downtime import account_blocks, queries
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import NEEDS_DECISION, PENDING_STATES, DeliveryState
from schedules.publishing import preflight
from studio.runs.queries import RunProgress, list_active_runs
from subscribers.comments import moderation
from tenants.agencies.queries import Creator, Member, list_visible_creators
from tenants.agencies.rights import Right, has_right
from tenants.notices.queries import Notice, list_open_notices

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
"""Target states that the activity does not show."""

TAKEN_OFF = frozenset({DeliveryState.CANCELLED, DeliveryState.REMOVING, DeliveryState.REMOVED})

PLANNED = frozenset(
    (before, DeliveryState.SCHEDULED) for before in (DeliveryState.DRAFT, DeliveryState.APPROVED)
)


@dataclass(frozen=True)
class SalesSummary:
    """Sales in one currency: the net amount and orders of today, the net amounts of the last 14
    days (today last), and the revenue split of today. `usual` is the daily mean of the 28 days
    before today, or None if they had no sales."""

    today: Money
    orders: int
    usual: Money | None
    days: tuple[int, ...]
    shares: tuple[Money, Money, Money]
    """Shares of the creator, the agency and the staff."""

    @property
    def best_day(self) -> Money:
        """Highest net amount of a day."""
        return Money(max(self.days), self.today.currency)

    @property
    def total_net(self) -> Money:
        """Net amount of all days."""
        return Money(sum(self.days), self.today.currency)


@dataclass(frozen=True)
class StateGroup:
    """Deliveries of a post with the same state."""

    state: str
    stopped: bool
    """True if an emergency stop blocks them."""
    reason: Message | None
    posts: tuple[DeliveryEntry, ...]

    @property
    def is_problem(self) -> bool:
        """Return True if they need a decision."""
        return self.posts[0].state in NEEDS_DECISION

    @property
    def is_published(self) -> bool:
        """Return True if they are published."""
        return self.posts[0].state is DeliveryState.PUBLISHED


SHOWN_POSTS = 4
"""Maximum number of posts in the day of a creator. The others are counted and linked."""


@dataclass(frozen=True)
class PostGroup:
    """A post at one time, with its deliveries to every account."""

    due_at: datetime
    words: str
    posts: tuple[DeliveryEntry, ...]

    @property
    def has_problem(self) -> bool:
        """Return True if a delivery needs a decision."""
        return any(post.state in NEEDS_DECISION for post in self.posts)

    @property
    def is_pending(self) -> bool:
        """Return True if a delivery is still to be published."""
        return any(post.state in PENDING_STATES for post in self.posts)

    def group_by_state(self, is_stopped: Callable[[DeliveryEntry], bool]) -> list[StateGroup]:
        """Return the deliveries grouped by what is shown of them: the state, the emergency stop and
        the reason."""
        groups: list[StateGroup] = []
        for post in self.posts:
            reason = post.reason if post.state in NEEDS_DECISION else None
            alone = StateGroup(post.display_state, is_stopped(post), reason, (post,))
            same = next((one for one in groups if replace(one, posts=(post,)) == alone), None)
            if same is None:
                groups.append(alone)
            else:
                groups[groups.index(same)] = replace(same, posts=(*same.posts, post))
        return groups


@dataclass(frozen=True)
class CreatorDayView:
    """Today's posts and sales of a creator."""

    creator: Creator
    posts: Sequence[DeliveryEntry]
    takings: Sequence[SalesSummary]

    @property
    def published_count(self) -> int:
        """Number of today's published posts."""
        return sum(post.state is DeliveryState.PUBLISHED for post in self.posts)

    @property
    def planned_count(self) -> int:
        """Number of today's posts, excluding cancelled and removed posts."""
        return sum(post.state not in TAKEN_OFF for post in self.posts)

    @property
    def post_groups(self) -> list[PostGroup]:
        """Today's posts by time, each with its deliveries."""
        turns: dict[tuple[datetime, UUID], list[DeliveryEntry]] = {}
        for post in self.posts:
            turns.setdefault((post.due_at, post.post_id), []).append(post)
        return [
            PostGroup(at, posts[0].title or posts[0].body, tuple(posts))
            for (at, _), posts in turns.items()
        ]

    @property
    def shown_groups(self) -> list[PostGroup]:
        """The most important posts of the day by time: those with a problem, then the next ones,
        then the latest ones."""
        groups = self.post_groups
        latest = sorted(groups, key=lambda one: one.due_at, reverse=True)
        problems = [one for one in groups if one.has_problem]
        coming = [one for one in groups if one.is_pending and not one.has_problem]
        others = [one for one in latest if not one.is_pending and not one.has_problem]
        chosen = [*problems, *coming, *others][:SHOWN_POSTS]
        return [one for one in groups if one in chosen]


@dataclass(frozen=True)
class NextPost:
    """The next post to be published."""

    creator: str
    account: str
    leaves_at: datetime
    stopped: bool
    """True if an emergency stop blocks it."""


@dataclass(frozen=True)
class HomeView:
    """The values of the home page: items that need attention, live activity, and the day of each
    creator the member works for."""

    now: datetime
    needs: Sequence[AttentionItem]
    waiting: int
    """Number of items that the member can act on."""
    days: Sequence[CreatorDayView]
    total: Sequence[SalesSummary]
    coming: NextPost | None
    live: Sequence[ActivityLine]
    kept_back: Mapping[UUID, Message]
    """Message about the missing consent of each held delivery."""
    doubts: Mapping[UUID, UncertainDelivery]
    """Details of uncertain deliveries, keyed by delivery."""
    running: Sequence[RunProgress]
    platforms: Mapping[UUID, str]
    """Platform of each account."""
    sees_posts: bool
    sees_money: bool
    halt: StoppedScope

    def is_stopped(self, entry: DeliveryEntry) -> bool:
        """Return True if an emergency stop blocks the delivery."""
        return is_next_step_stopped(self.halt, entry)

    @property
    def published_count(self) -> int:
        """Number of today's published posts."""
        return sum(day.published_count for day in self.days)

    @property
    def planned_count(self) -> int:
        """Number of today's posts."""
        return sum(day.planned_count for day in self.days)


@dataclass(frozen=True)
class _Posts:
    needs: Sequence[AttentionItem]
    entries: Sequence[DeliveryEntry]
    live: Sequence[ActivityLine]
    kept_back: Mapping[UUID, Message]
    doubts: Mapping[UUID, UncertainDelivery]
    running: Sequence[RunProgress]
    platforms: Mapping[UUID, str]


def load_home(scope: Scope, member: Member) -> HomeView:
    """Return the home page of a member, within the rights of their role. Instants are UTC-aware."""
    works = any(has_right(member.role, right) for right in (Right.RUN, Right.APPROVE, Right.CHAT))
    money = has_right(member.role, Right.MONEY)
    mine = list_visible_creators(scope, member)
    shown = mine if works or money else []
    posts = _load_posts(scope, mine, member) if works else _Posts([], [], [], {}, {}, [], {})
    sales = _load_daily_sales(scope, shown) if money else {}
    halt = _load_stopped_scope(scope, posts.entries)
    return HomeView(
        now=scope.now,
        needs=posts.needs,
        waiting=attention_items.count_actionable(posts.needs, member),
        days=[
            _build_creator_day(scope, creator, posts.entries, sales.get(creator.id, {}))
            for creator in shown
        ],
        total=_total_sales(scope, shown, sales),
        coming=_find_next_post(scope, mine, posts.entries, halt),
        live=posts.live,
        kept_back=posts.kept_back,
        doubts=posts.doubts,
        running=posts.running,
        platforms=posts.platforms,
        sees_posts=works,
        sees_money=money,
        halt=halt,
    )


def _load_posts(scope: Scope, mine: Sequence[Creator], member: Member) -> _Posts:
    ids = [one.id for one in mine]
    by_id = {one.id: one for one in mine}
    accounts = channel_labels(scope)
    names = {key: one.name for key, one in accounts.items()}
    notices = _list_notices(scope, by_id, member)
    days = [day_bounds(local_day(scope.now, one.zone), one.zone) for one in mine]
    start = min((day[0] for day in days), default=scope.now)
    about = attention_items.notice_deliveries(notices)
    since = scope.now - ACTIVITY_WINDOW
    board = load_board(scope, ids, (start, scope.now + AHEAD), since=since, names=names, also=about)
    missed = queries.load_downtime_shares(scope, ids, attention_items.notice_downtimes(notices))
    known = (
        list_stop_targets(scope, mine)
        if any(one.cause.startswith(attention_items.STOP_CAUSE) for one in notices)
        else {}
    )
    entries = board.entries
    moved = [one for one in board.moved if _is_notable_move(one)]
    talk, money = (has_right(member.role, right) for right in (Right.CHAT, Right.MONEY))
    happens = activity_queries.without_demo_runs(
        scope,
        list_active_runs(scope, ids, since=since),
        activity_queries.load_live_activity(scope, ids, moved, since=since, talk=talk, money=money),
    )
    return _Posts(
        needs=[
            *attention_items.keep_own_downtimes(
                attention_items.name_stops(
                    attention_items.list_attention_items(notices, by_id, entries, member), known
                ),
                missed,
                member,
            ),
            *attention_items.approvals_item(
                pending_decisions.count_pending_posts(scope, member, ids), scope.now
            ),
            *attention_items.comments_item(
                moderation.count_open_public_comments(scope, ids) if talk else 0, member, scope.now
            ),
        ],
        entries=entries,
        live=happens[1],
        kept_back=load_hold_reasons(scope, entries, moved),
        doubts=load_uncertain_deliveries(
            scope, [one for one in entries if one.delivery_id in about]
        ),
        running=happens[0],
        platforms={key: one.platform for key, one in accounts.items()},
    )


def _list_notices(scope: Scope, mine: Mapping[UUID, Creator], member: Member) -> list[Notice]:
    """Return the notices of the member, without those about changes that they requested
    themselves."""
    told = list_open_notices(scope, to=member.principal_id)
    found = {one.cause: one for one in told if one.creator_id is None or one.creator_id in mine}
    about = {
        UUID(cause.removeprefix(CHANGE_REQUEST_CAUSE)): cause
        for cause in found
        if cause.startswith(CHANGE_REQUEST_CAUSE)
    }
    for post_id in review_queue.posts_objected_by(scope, about, member.principal_id):
        del found[about[post_id]]
    return list(found.values())


def _is_notable_move(move: RecentMove) -> bool:
    """Return True if the activity shows the transition. Scheduling and the start of publishing are
    visible in the list of the day."""
    return move.after not in QUIET and (move.before, move.after) not in PLANNED


def _build_creator_day(
    scope: Scope,
    creator: Creator,
    entries: Iterable[DeliveryEntry],
    sales: Mapping[date, Sequence[DaySales]],
) -> CreatorDayView:
    today = local_day(scope.now, creator.zone)
    start, end = day_bounds(today, creator.zone)
    posts = [
        one
        for one in entries
        if one.creator_id == creator.id
        and start <= one.due_at < end
        and one.state is not DeliveryState.CANCELLED
    ]
    currencies = sorted({row.net.currency for rows in sales.values() for row in rows})
    return CreatorDayView(
        creator, posts, [summarize_sales(sales, currency, today) for currency in currencies]
    )


def _load_daily_sales(
    scope: Scope, shown: Sequence[Creator]
) -> dict[UUID, dict[date, list[DaySales]]]:
    days = [local_day(scope.now, one.zone) for one in shown]
    if not days:
        return {}
    first = min(days) - timedelta(days=USUAL_DAYS)
    return daily_sales_by_creator(scope, [one.id for one in shown], first, max(days))


def _total_sales(
    scope: Scope, shown: Sequence[Creator], sales: Mapping[UUID, Mapping[date, Sequence[DaySales]]]
) -> list[SalesSummary]:
    """Return the sales of all creators together. The day of each creator follows their own time
    zone."""
    if len(shown) < 2:  # The card of a single creator already shows these figures.
        return []
    rows: dict[str, list[SalesSummary]] = {}
    for creator in shown:
        for one in _build_creator_day(scope, creator, (), sales.get(creator.id, {})).takings:
            rows.setdefault(one.today.currency, []).append(one)
    return [_sum_sales(each) for _, each in sorted(rows.items())]


def _sum_sales(parts: Sequence[SalesSummary]) -> SalesSummary:
    usual = [part.usual.minor for part in parts if part.usual is not None]
    currency = parts[0].today.currency
    shares = [
        Money(sum(part.shares[number].minor for part in parts), currency) for number in range(3)
    ]
    return SalesSummary(
        today=Money(sum(part.today.minor for part in parts), currency),
        orders=sum(part.orders for part in parts),
        usual=Money(sum(usual), currency) if usual else None,
        days=tuple(sum(nets) for nets in zip(*(part.days for part in parts), strict=True)),
        shares=(shares[0], shares[1], shares[2]),
    )


def summarize_sales(
    found: Mapping[date, Sequence[DaySales]], currency: str, today: date
) -> SalesSummary:
    """Return the sales of one currency. A day without sales counts as zero. Pure."""
    days = [today - timedelta(days=back) for back in range(USUAL_DAYS, -1, -1)]
    rows = [
        next((row for row in found.get(day, []) if row.net.currency == currency), None)
        for day in days
    ]
    nets = [row.net.minor if row is not None else 0 for row in rows]
    before = nets[:-1]
    last = rows[-1]
    none = Money(0, currency)
    return SalesSummary(
        today=Money(nets[-1], currency),
        orders=last.orders if last is not None else 0,
        usual=Money(round(sum(before) / USUAL_DAYS), currency) if any(before) else None,
        days=tuple(nets[-CHART_DAYS:]),
        shares=(last.creator, last.agency, last.staff) if last is not None else (none, none, none),
    )


def _load_stopped_scope(scope: Scope, entries: Iterable[DeliveryEntry]) -> StoppedScope:
    """Return the emergency stops in effect. They are read only if a delivery is due to be published
    automatically."""
    return (
        account_blocks.load_emergency_stops(scope)
        if any(one.state in PUBLISHES_BY_ITSELF for one in entries)
        else StoppedScope(False, frozenset())
    )


def _find_next_post(
    scope: Scope, mine: Iterable[Creator], entries: Iterable[DeliveryEntry], halt: StoppedScope
) -> NextPost | None:
    names = {one.id: one.name for one in mine}
    here = [
        one
        for one in entries
        if one.state in LEAVING and scope.now <= publish_time(one) < scope.now + AHEAD
    ]
    warned = preflight.warned_deliveries(scope) if here else frozenset()
    first = min(
        (one for one in here if one.delivery_id not in warned), key=publish_time, default=None
    )
    if first is None:
        return None
    kept = halt.covers(first.creator_id, first.channel_id)
    return NextPost(names[first.creator_id], first.channel, publish_time(first), kept)
