"""What a calendar says beside its posts: the hours a creator keeps, what just moved, how far a beginner has come."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from sqlmodel import col, func, or_, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, parse_clock_time, to_wall_time
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.posts.models import Delivery, DeliveryMove, Post
from schedules.posts.queries import DeliveryEntry, build_entry
from schedules.posts.states import DeliveryState

HABIT = timedelta(days=28)
"""How far back the hours of a creator are read."""

MAX_HOURS = 4
A_HABIT = 3
"""An hour counts once posts left at it on so many days."""

DEFAULT_USUAL_HOUR = time(18, 30)
"""Proposed to whom nothing is known of yet: the start of the evening, when most people look at their phone."""

CLOSE = timedelta(minutes=45)
"""A post this near to an hour takes it."""

FARTHEST = 400
"""Days beyond two full weeks that are looked through: longer than any holiday."""

MAX_BOARD_DELIVERIES = 2000
"""Deliveries on one board."""

_HOURS = """
SELECT creator_id, substr(wall_time, 12, 5) AS clock, count(DISTINCT substr(wall_time, 1, 10)) AS days
FROM deliveries
WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND due_at >= :since AND due_at < :until
  AND state <> 'cancelled'
GROUP BY creator_id, clock ORDER BY creator_id, days DESC, clock
"""

_BEGUN = """
SELECT EXISTS (SELECT 1 FROM deliveries WHERE tenant_id = :tenant AND creator_id = ANY(:creators)) AS planned,
  EXISTS (SELECT 1 FROM deliveries WHERE tenant_id = :tenant AND creator_id = ANY(:creators)
    AND state = 'published') AS published
"""


@dataclass(frozen=True)
class RecentMove:
    """A delivery that has just gone from one state to another; `seconds` is how late it was then, below 0 early."""

    delivery_id: UUID
    post_id: UUID
    creator_id: UUID
    account: str
    words: str
    before: DeliveryState
    after: DeliveryState
    at: datetime
    seconds: float
    by: str
    reason: Message | None
    url: str | None
    picture: UUID | None


@dataclass(frozen=True)
class CalendarBoard:
    """What somebody who works here looks at: posts of the window, and of whatever moved; what they did since the
    instant that was asked for, the last first."""

    entries: list[DeliveryEntry]
    moved: list[RecentMove]


@dataclass(frozen=True)
class PostingProgress:
    """How far posts have come here, ever."""

    planned: bool
    published: bool


def list_usual_hours(scope: Scope, creators: Collection[UUID]) -> dict[UUID, list[time]]:
    """The clock times each creator's posts usually leave at, earliest first; one of ours for whom nothing is known."""
    rows = scope.run(
        _HOURS, tenant=scope.tenant_id, creators=list(creators), since=scope.now - HABIT, until=scope.now + HABIT
    ).all()
    kept: dict[UUID, list[time]] = {creator: [] for creator in creators}
    for row in rows:
        if row.days >= A_HABIT and len(kept[row.creator_id]) < MAX_HOURS:
            kept[row.creator_id].append(parse_clock_time(row.clock))
    return {creator: sorted(found) or [DEFAULT_USUAL_HOUR] for creator, found in kept.items()}


def filter_free_times(
    wanted: Iterable[WallTime], taken: Collection[datetime], now: datetime, closed: Sequence[QuietPeriod] = ()
) -> list[WallTime]:
    """Those of the wanted times that are still to come, have no post near them and are not closed; pure."""
    return list(_iterate_free_times(wanted, taken, now, closed))


def _iterate_free_times(
    wanted: Iterable[WallTime], taken: Collection[datetime], now: datetime, closed: Sequence[QuietPeriod]
) -> Iterator[WallTime]:
    for one in wanted:
        at = one.instant()
        if (
            at > now
            and all(abs(at - other) > CLOSE for other in taken)
            and quiet_periods.find_covering_period(closed, at) is None
        ):
            yield one


def filter_closing_periods(
    periods: Iterable[QuietPeriod], creator_id: UUID, channels: Collection[UUID] = ()
) -> list[QuietPeriod]:
    """Those of these periods in which a creator posts nothing on any of some accounts, or at all; pure."""
    hers = (one for one in periods if one.creator_id == creator_id)
    return [one for one in hers if one.channel_id is None or one.channel_id in channels]


def find_next_usual_time(
    scope: Scope, creator_id: UUID, zone: str, *, channels: Collection[UUID] = (), days: int = 14
) -> WallTime:
    """The next usual hour of a creator without a post near it, in no quiet period of hers or of these accounts; after
    two full weeks, the first such hour after them. Where none of her hours is ever open, the first one: who plans is
    warned of it as of any hour."""
    known = list_usual_hours(scope, [creator_id])[creator_id]
    today, channels = to_wall_time(scope.now, zone).day, tuple(channels)
    closed = filter_closing_periods(quiet_periods.list_quiet_periods(scope, [creator_id]), creator_id, channels)
    wanted = [WallTime(today + timedelta(days=ahead), clock, zone) for ahead in range(days + 1) for clock in known]
    later = (WallTime(today + timedelta(days=ahead), known[0], zone) for ahead in range(days + 1, days + FARTHEST))
    taken = scope.session.exec(
        select(Delivery.due_at).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            col(Delivery.due_at) > scope.now - CLOSE,
            col(Delivery.due_at) < scope.now + timedelta(days=days + 2),
            col(Delivery.state) != str(DeliveryState.CANCELLED),
        )
    ).all()
    found = chain(
        _iterate_free_times(wanted, taken, scope.now, closed), _iterate_free_times(later, (), scope.now, closed)
    )
    return next(found, WallTime(today + timedelta(days=days + 1), known[0], zone))


def load_board(
    scope: Scope,
    creators: Collection[UUID],
    window: tuple[datetime, datetime],
    *,
    since: datetime,
    names: Mapping[UUID, str],
    also: Collection[UUID] = (),
) -> CalendarBoard:
    """All of it in one statement: deliveries due in the window, those in `also`, and those that moved since an instant;
    with their moves since then. `names` are the accounts', by id."""
    ours = (DeliveryMove.tenant_id == scope.tenant_id, col(DeliveryMove.created_at) >= since)
    stirred = select(DeliveryMove.delivery_id).where(*ours, col(DeliveryMove.creator_id).in_(list(creators)))
    move = (DeliveryMove.created_at, DeliveryMove.before, DeliveryMove.after, DeliveryMove.by, DeliveryMove.reason)
    moves = select(func.jsonb_agg(func.jsonb_build_array(*move))).where(*ours, DeliveryMove.delivery_id == Delivery.id)
    rows = scope.session.execute(
        select(Delivery, Post, moves.scalar_subquery())
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.creator_id).in_(list(creators)),
            or_(
                (col(Delivery.due_at) >= window[0]) & (col(Delivery.due_at) < window[1]),
                col(Delivery.id).in_(list(also)),
                col(Delivery.id) == func.any(func.array(stirred.scalar_subquery())),
            ),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(MAX_BOARD_DELIVERIES)
    ).all()
    moved = [_recent_move_from_row(one, row, owner, names) for row, owner, found in rows for one in found or ()]
    return CalendarBoard(
        entries=[build_entry(row, owner, names) for row, owner, _ in rows],
        moved=sorted(moved, key=lambda one: one.at, reverse=True),
    )


def load_posting_progress(scope: Scope, creators: Collection[UUID]) -> PostingProgress:
    """Whether anything was ever planned, or published, for these creators."""
    row = scope.run(_BEGUN, tenant=scope.tenant_id, creators=list(creators)).one()
    return PostingProgress(row.planned, row.published)


def _recent_move_from_row(stored: Sequence[Any], row: Delivery, owner: Post, names: Mapping[UUID, str]) -> RecentMove:
    stamp, before, after, by, reason = stored
    at = datetime.fromisoformat(stamp)
    return RecentMove(
        delivery_id=row.id,
        post_id=row.post_id,
        creator_id=row.creator_id,
        account=names.get(row.channel_id, "?"),
        words=owner.title or owner.body,
        before=DeliveryState(before),
        after=DeliveryState(after),
        at=at,
        seconds=(at - row.due_at).total_seconds(),
        by=by,
        reason=Message.from_json(reason) if reason else None,
        url=row.url,
        picture=UUID(owner.media[0]) if owner.media else None,
    )
