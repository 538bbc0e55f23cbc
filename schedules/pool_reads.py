"""What the page of a pool reads: where the posts in it go, and which others could be put in."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import col, select

from foundation.database import Scope
from schedules.models import Delivery, Post
from schedules.reads import Entry, entry_of
from schedules.states import DeliveryState


def of_posts(
    scope: Scope, posts: Collection[UUID], start: datetime, end: datetime, *, names: Mapping[UUID, str]
) -> list[Entry]:
    """Where these posts go in [start, end) (UTC-aware), by time; `names` are the accounts', by id."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.post_id).in_(list(posts)),
            Delivery.due_at >= start,
            Delivery.due_at < end,
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
    )
    return [entry_of(row, owner, names) for row, owner in rows]


def left(
    scope: Scope,
    creator_id: UUID,
    since: datetime,
    *,
    without: Collection[UUID],
    names: Mapping[UUID, str],
    limit: int,
) -> list[Entry]:
    """A creator's posts that left since an instant (UTC-aware), the latest first, each with its latest delivery: none
    of a series, nor those in `without`."""
    latest = (
        select(Delivery.id)
        .ext(distinct_on(col(Delivery.post_id)))
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.creator_id == creator_id,
            Delivery.state == str(DeliveryState.PUBLISHED),
            Delivery.due_at >= since,
            col(Delivery.series_id).is_(None),
            col(Delivery.post_id).not_in(list(without)),
        )
        .order_by(col(Delivery.post_id), col(Delivery.due_at).desc())
    )
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.id).in_(latest))
        .order_by(col(Delivery.due_at).desc(), col(Delivery.id))
        .limit(limit)
    )
    return [entry_of(row, owner, names) for row, owner in rows]
