"""Posts and deliveries as programs read them: page by page, in an order that nothing written meanwhile shifts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from channels import reads as channel_reads
from channels.reads import AttemptStory
from foundation.database import Scope
from foundation.errors import NotFound
from gate.units import Subject
from schedules import approvals, edit_reads, labels, reads
from schedules.composing import DELIVERY
from schedules.edit_reads import Reworded
from schedules.labels import Label
from schedules.models import Delivery, Post
from schedules.reads import Entry, Step, Written, entry_of
from schedules.states import DeliveryState

MOST = 200
"""Rows of one page."""


@dataclass(frozen=True)
class Listed:
    """A post with its version; `made_at` and the rest as it was written."""

    post: Written
    version: int
    made_at: datetime
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class Whole:
    """A post, where it goes by time, and whether everybody who is asked said yes to it as it stands."""

    listed: Listed
    approved: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Told:
    """A delivery with everything that happened to it, oldest first."""

    entry: Entry
    moves: tuple[Step, ...]
    attempts: tuple[AttemptStory, ...]
    edits: tuple[Reworded, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Which deliveries: each condition that is given narrows; `since` is inclusive, `before` is not."""

    post_id: UUID | None = None
    channel_id: UUID | None = None
    state: DeliveryState | None = None
    since: datetime | None = None
    before: datetime | None = None
    label_id: UUID | None = None


def posts(
    scope: Scope,
    creators: Collection[UUID],
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
    label_id: UUID | None = None,
) -> list[Listed]:
    """Posts of these creators, the newest first; with `before`, those behind that place (when it was made, and its id),
    with `label_id`, those that have that label. Raises NotFound for a label nobody has."""
    query = (
        select(Post)
        .where(Post.tenant_id == scope.tenant_id, col(Post.creator_id).in_(list(creators)))
        .order_by(col(Post.created_at).desc(), col(Post.id).desc())  # an id may be drawn, and say nothing of when
        .limit(min(limit, MOST))
    )
    query = query if before is None else query.where(tuple_(col(Post.created_at), col(Post.id)) < before)
    if label_id is not None:
        query = query.where(col(Post.id).in_(labels.bearing(scope, label_id)))
    rows = scope.session.exec(query).all()
    named = labels.of_posts(scope, [row.id for row in rows])
    return [_listed(scope, row, named.get(row.id, ())) for row in rows]


def whole(scope: Scope, creators: Collection[UUID], post_id: UUID) -> Whole:
    """One post. Raises NotFound; another tenant's, and another creator's, look the same."""
    row = scope.session.get(Post, (scope.tenant_id, post_id), populate_existing=True)
    if row is None or row.creator_id not in creators:
        raise NotFound("post.unknown")
    entries = reads.of_post(scope, post_id, names=channel_reads.names(scope))
    named = labels.of_posts(scope, [post_id]).get(post_id, ())
    return Whole(_listed(scope, row, named), not approvals.is_awaited(scope, row, scope.now), tuple(entries))


def _listed(scope: Scope, row: Post, named: tuple[Label, ...]) -> Listed:
    return Listed(reads.written_post(scope, row.id), row.version, row.created_at or scope.now, named)


def deliveries(
    scope: Scope, creators: Collection[UUID], wanted: Wanted, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Entry]:
    """Deliveries of these creators by time and id; with `after`, those behind that place."""
    query = (
        select(Delivery, Post)
        .join(Post, (col(Post.tenant_id) == col(Delivery.tenant_id)) & (col(Post.id) == col(Delivery.post_id)))
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.creator_id).in_(list(creators)))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(min(limit, MOST))
    )
    if wanted.post_id is not None:
        query = query.where(Delivery.post_id == wanted.post_id)
    if wanted.channel_id is not None:
        query = query.where(Delivery.channel_id == wanted.channel_id)
    if wanted.state is not None:
        query = query.where(Delivery.state == str(wanted.state))
    if wanted.since is not None:
        query = query.where(col(Delivery.due_at) >= wanted.since)
    if wanted.before is not None:
        query = query.where(col(Delivery.due_at) < wanted.before)
    if wanted.label_id is not None:
        query = query.where(col(Delivery.post_id).in_(labels.bearing(scope, wanted.label_id)))
    if after is not None:
        query = query.where(tuple_(col(Delivery.due_at), col(Delivery.id)) > after)
    names = channel_reads.names(scope)
    return [entry_of(row, owner, names) for row, owner in scope.session.exec(query)]


def entry(scope: Scope, creators: Collection[UUID], delivery_id: UUID) -> Entry:
    """One delivery. Raises NotFound; another tenant's, and another creator's, look the same."""
    row = scope.session.get(Delivery, (scope.tenant_id, delivery_id), populate_existing=True)
    owner = scope.session.get(Post, (scope.tenant_id, row.post_id)) if row is not None else None
    if row is None or owner is None or row.creator_id not in creators:
        raise NotFound("delivery.unknown")
    return entry_of(row, owner, channel_reads.names(scope))


def told(scope: Scope, creators: Collection[UUID], delivery_id: UUID) -> Told:
    """One delivery with its moves and attempts. Raises NotFound."""
    found = entry(scope, creators, delivery_id)
    story = channel_reads.attempts(scope, Subject(DELIVERY, delivery_id))
    reworded = edit_reads.of_deliveries(scope, [delivery_id]).get(delivery_id, [])
    return Told(found, tuple(reads.timeline(scope, delivery_id)), tuple(story), tuple(reworded))
