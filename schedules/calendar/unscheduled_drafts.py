"""Unscheduled drafts: posts written by members that have no delivery and are in no
evergreen pool."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import Conflict
from schedules.approvals.models import Approval
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import labels, queries
from schedules.posts.deliveries import get_post
from schedules.posts.labels import Label
from schedules.posts.models import Delivery, Post
from schedules.posts.queries import StoredPost
from schedules.recurrence.models import PoolEntry
from tenants import audit

BY_PEOPLE = ("dashboard", "api", "mcp")
"""Origins of posts that members write or generate. Posts of other origins belong to the process
that created them."""

MAX_LISTED_DRAFTS = 100
_OF_POST = ("post_prints", "post_labels", "comments")


@dataclass(frozen=True)
class UnscheduledDraft:
    """A post without deliveries; `at` is the time of its last change (UTC-aware)."""

    post: StoredPost
    at: datetime
    labels: tuple[Label, ...]


def list_unscheduled_drafts(scope: Scope, creators: Collection[UUID]) -> list[UnscheduledDraft]:
    """Return the unscheduled drafts of these creators, last changed first, at most
    `MAX_LISTED_DRAFTS`."""
    rows = scope.session.exec(
        select(Post)
        .where(
            Post.tenant_id == scope.tenant_id,
            col(Post.creator_id).in_(list(creators)),
            col(Post.origin).in_(BY_PEOPLE),
            ~_is_scheduled_condition(scope),
        )
        .order_by(col(Post.updated_at).desc(), col(Post.id).desc())
        .limit(MAX_LISTED_DRAFTS)
        .execution_options(populate_existing=True)
    ).all()
    named = labels.labels_of_posts(scope, [row.id for row in rows])
    return [
        UnscheduledDraft(
            queries.build_stored_post(row), row.updated_at or scope.now, named.get(row.id, ())
        )
        for row in rows
    ]


def delete_draft(scope: Scope, post_id: UUID) -> None:
    """Delete an unscheduled draft with its comments.

    Raises NotFound. Raises Conflict for a post that has or had a delivery or is in a pool, and for
    one with a verdict, because verdicts must be retained.
    """
    row = get_post(scope, post_id)
    # a concurrent scheduling waits for this lock and then finds no post
    scope.session.refresh(row, with_for_update=True)
    anywhere = select(Post.id).where(
        Post.tenant_id == scope.tenant_id, Post.id == post_id, _is_scheduled_condition(scope)
    )
    if row.origin not in BY_PEOPLE or scope.session.exec(anywhere).first() is not None:
        raise Conflict("aside.goes_somewhere")
    words = select(Approval.id).where(
        Approval.tenant_id == scope.tenant_id, Approval.post_id == post_id
    )
    if scope.session.exec(words).first() is not None:
        raise Conflict("aside.was_judged")
    for table in _OF_POST:
        scope.run(
            f"DELETE FROM {table} WHERE tenant_id = :tenant"  # noqa: S608  constant names
            " AND post_id = :post",
            tenant=scope.tenant_id,
            post=post_id,
        )
    scope.session.delete(row)
    scope.session.flush()
    audit.record(scope, "post.thrown_away", f"post:{post_id}")


def is_draft_unchanged(scope: Scope, post_id: UUID, seen: Draft) -> bool:
    """Return True if a draft exists, is unscheduled and has the content in `seen`.

    The draft stays locked until the transaction ends.
    """
    here = (Post.tenant_id == scope.tenant_id, Post.id == post_id)
    locked = (
        select(Post)
        .where(*here)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    row = scope.session.exec(locked).one_or_none()
    if (
        row is None
        or scope.session.exec(select(Post.id).where(*here, _is_scheduled_condition(scope))).first()
        is not None
    ):
        return False
    return drafts.draft_of_post(queries.build_stored_post(row)).content_only == seen.content_only


def _is_scheduled_condition(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a post has or had a delivery or is in a pool."""
    placed = exists().where(
        col(Delivery.tenant_id) == scope.tenant_id, col(Delivery.post_id) == col(Post.id)
    )
    pooled = exists().where(
        col(PoolEntry.tenant_id) == scope.tenant_id, col(PoolEntry.first_id) == col(Post.id)
    )
    return placed | pooled
