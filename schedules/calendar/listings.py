"""Paginated lists of posts and deliveries for the API, in an order that concurrent writes do not
shift."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from channels.accounts import queries
from channels.attempts.queries import AttemptSummary, list_attempts
from foundation.db.database import Scope
from foundation.errors import NotFound
from gate.contract.units import Subject
from schedules.approvals import decisions
from schedules.edits.queries import EditView, edits_of_deliveries
from schedules.posts import labels
from schedules.posts.delivery_units import DELIVERY_SUBJECT
from schedules.posts.labels import Label
from schedules.posts.models import Delivery, Post
from schedules.posts.queries import (
    MAX_PAGE_SIZE,
    DeliveryEntry,
    DeliveryStep,
    StoredPost,
    build_entry,
    delivery_timeline,
    entries_of_post,
    get_stored_post,
)
from schedules.posts.states import DeliveryState


@dataclass(frozen=True)
class ListedPost:
    """A post with its version, creation time and labels."""

    post: StoredPost
    version: int
    made_at: datetime
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class PostDetail:
    """A post, its deliveries by time, and a flag that tells if its current version has all required
    approvals."""

    listed: ListedPost
    approved: bool
    entries: tuple[DeliveryEntry, ...]


@dataclass(frozen=True)
class DeliveryDetail:
    """A delivery with its history, oldest first."""

    entry: DeliveryEntry
    moves: tuple[DeliveryStep, ...]
    attempts: tuple[AttemptSummary, ...]
    edits: tuple[EditView, ...] = ()


@dataclass(frozen=True)
class DeliveryFilter:
    """Filter of deliveries; all given conditions apply. `since` is inclusive, `before`
    exclusive."""

    post_id: UUID | None = None
    channel_id: UUID | None = None
    state: DeliveryState | None = None
    since: datetime | None = None
    before: datetime | None = None
    label_id: UUID | None = None


def list_posts(
    scope: Scope,
    creators: Collection[UUID],
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
    label_id: UUID | None = None,
) -> list[ListedPost]:
    """Return posts of these creators, newest first.

    `before` is the creation time and ID of the last post of the previous page. Raises NotFound for
    an unknown label.
    """
    # An id may be random and then has no order in time.
    query = (
        select(Post)
        .where(Post.tenant_id == scope.tenant_id, col(Post.creator_id).in_(list(creators)))
        .order_by(col(Post.created_at).desc(), col(Post.id).desc())
        .limit(min(limit, MAX_PAGE_SIZE))
    )
    query = (
        query
        if before is None
        else query.where(tuple_(col(Post.created_at), col(Post.id)) < before)
    )
    if label_id is not None:
        query = query.where(col(Post.id).in_(labels.posts_with_label_query(scope, label_id)))
    rows = scope.session.exec(query).all()
    named = labels.labels_of_posts(scope, [row.id for row in rows])
    return [_listed_post_from_row(scope, row, named.get(row.id, ())) for row in rows]


def get_post_detail(scope: Scope, creators: Collection[UUID], post_id: UUID) -> PostDetail:
    """Return one post. Raises NotFound, also for posts of other tenants and creators."""
    row = scope.session.get(Post, (scope.tenant_id, post_id), populate_existing=True)
    if row is None or row.creator_id not in creators:
        raise NotFound("post.unknown")
    entries = entries_of_post(scope, post_id, names=queries.channel_names(scope))
    named = labels.labels_of_posts(scope, [post_id]).get(post_id, ())
    return PostDetail(
        _listed_post_from_row(scope, row, named),
        not decisions.needs_approval(scope, row, scope.now),
        tuple(entries),
    )


def _listed_post_from_row(scope: Scope, row: Post, named: tuple[Label, ...]) -> ListedPost:
    return ListedPost(
        get_stored_post(scope, row.id), row.version, row.created_at or scope.now, named
    )


def list_deliveries(
    scope: Scope,
    creators: Collection[UUID],
    wanted: DeliveryFilter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[DeliveryEntry]:
    """Return deliveries of these creators by due time and ID.

    `after` is the due time and ID of the last delivery of the previous page.
    """
    query = (
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(Delivery.tenant_id == scope.tenant_id, col(Delivery.creator_id).in_(list(creators)))
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(min(limit, MAX_PAGE_SIZE))
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
        query = query.where(
            col(Delivery.post_id).in_(labels.posts_with_label_query(scope, wanted.label_id))
        )
    if after is not None:
        query = query.where(tuple_(col(Delivery.due_at), col(Delivery.id)) > after)
    names = queries.channel_names(scope)
    return [build_entry(row, owner, names) for row, owner in scope.session.exec(query)]


def get_delivery_entry(
    scope: Scope, creators: Collection[UUID], delivery_id: UUID
) -> DeliveryEntry:
    """Return one delivery. Raises NotFound, also for deliveries of other tenants and creators."""
    row = scope.session.get(Delivery, (scope.tenant_id, delivery_id), populate_existing=True)
    owner = scope.session.get(Post, (scope.tenant_id, row.post_id)) if row is not None else None
    if row is None or owner is None or row.creator_id not in creators:
        raise NotFound("delivery.unknown")
    return build_entry(row, owner, queries.channel_names(scope))


def get_delivery_detail(
    scope: Scope, creators: Collection[UUID], delivery_id: UUID
) -> DeliveryDetail:
    """Return one delivery with its state changes, attempts and edits. Raises NotFound."""
    found = get_delivery_entry(scope, creators, delivery_id)
    story = list_attempts(scope, Subject(DELIVERY_SUBJECT, delivery_id))
    reworded = edits_of_deliveries(scope, [delivery_id]).get(delivery_id, [])
    return DeliveryDetail(
        found, tuple(delivery_timeline(scope, delivery_id)), tuple(story), tuple(reworded)
    )
