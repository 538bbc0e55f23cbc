"""The calendar board: deliveries of a window, recent state changes and first-use progress."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, func, or_, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts.models import Delivery, DeliveryMove, Post
from schedules.posts.queries import DeliveryEntry, build_entry
from schedules.posts.states import DeliveryState

MAX_BOARD_DELIVERIES = 2000
"""Maximum number of deliveries on one board."""


_BEGUN = """
SELECT EXISTS (SELECT 1 FROM deliveries WHERE tenant_id = :tenant AND creator_id =
ANY(:creators)) AS planned,
  EXISTS (SELECT 1 FROM deliveries WHERE tenant_id = :tenant AND creator_id = ANY(:creators)
    AND channel_id = ANY(:channels) AND state = 'published') AS published
"""


@dataclass(frozen=True)
class RecentMove:
    """A recent state change of a delivery.

    `seconds` is the delay relative to the due time, negative if early.
    """

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
    """The deliveries of a window and those that changed recently, with the changes, latest
    first."""

    entries: list[DeliveryEntry]
    moved: list[RecentMove]


@dataclass(frozen=True)
class PostingProgress:
    """The posting milestones that an agency has reached."""

    planned: bool
    published: bool


def load_board(
    scope: Scope,
    creators: Collection[UUID],
    window: tuple[datetime, datetime],
    *,
    since: datetime,
    names: Mapping[UUID, str],
    also: Collection[UUID] = (),
) -> CalendarBoard:
    """Load the board in one statement.

    It contains the deliveries due in `window`, those in `also` and those that changed since `since`
    (UTC-aware), together with the changes. `names` maps account IDs to names.
    """
    ours = (DeliveryMove.tenant_id == scope.tenant_id, col(DeliveryMove.created_at) >= since)
    stirred = select(DeliveryMove.delivery_id).where(
        *ours, col(DeliveryMove.creator_id).in_(list(creators))
    )
    move = (
        DeliveryMove.created_at,
        DeliveryMove.before,
        DeliveryMove.after,
        DeliveryMove.by,
        DeliveryMove.reason,
    )
    moves = select(func.jsonb_agg(func.jsonb_build_array(*move))).where(
        *ours, DeliveryMove.delivery_id == Delivery.id
    )
    rows = scope.session.execute(
        select(Delivery, Post, moves.scalar_subquery())
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
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
    moved = [
        _recent_move_from_row(one, row, owner, names)
        for row, owner, found in rows
        for one in found or ()
    ]
    return CalendarBoard(
        entries=[build_entry(row, owner, names) for row, owner, _ in rows],
        moved=sorted(moved, key=lambda one: one.at, reverse=True),
    )


def load_posting_progress(
    scope: Scope, creators: Collection[UUID], channels: Collection[UUID]
) -> PostingProgress:
    """Return whether these creators have ever planned a post, and ever published one on one of
    these channels."""
    asked = {"creators": list(creators), "channels": list(channels)}
    row = scope.run(_BEGUN, tenant=scope.tenant_id, **asked).one()
    return PostingProgress(row.planned, row.published)


def _recent_move_from_row(
    stored: Sequence[Any], row: Delivery, owner: Post, names: Mapping[UUID, str]
) -> RecentMove:
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
