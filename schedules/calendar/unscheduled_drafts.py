"""Posts that were put aside: written, and going nowhere yet. Somebody goes on with one, or throws
it away."""

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
"""Origins of posts that somebody wrote by hand, or had written; others wait for what made them."""

MAX_LISTED_DRAFTS = 100
_OF_POST = ("post_prints", "post_labels", "comments")


@dataclass(frozen=True)
class UnscheduledDraft:
    """A post that goes nowhere yet; `at` is when it was written last (UTC-aware)."""

    post: StoredPost
    at: datetime
    labels: tuple[Label, ...]


def list_unscheduled_drafts(scope: Scope, creators: Collection[UUID]) -> list[UnscheduledDraft]:
    """The posts of these creators that were put aside, the last written first; `MOST` of them."""
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
    """Delete a post that was put aside, with what was said of it. Raises NotFound, and Conflict for
    one that goes anywhere, did once, or comes back, and for one somebody said yes or no to: that is
    kept."""
    row = get_post(scope, post_id)
    scope.session.refresh(row, with_for_update=True)  # whoever plans it now waits, and finds none
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
            # our own names
            f"DELETE FROM {table} WHERE tenant_id = :tenant AND post_id = :post",  # noqa: S608  see above
            tenant=scope.tenant_id,
            post=post_id,
        )
    scope.session.delete(row)
    scope.session.flush()
    audit.record(scope, "post.thrown_away", f"post:{post_id}")


def is_draft_unchanged(scope: Scope, post_id: UUID, seen: Draft) -> bool:
    """Whether a draft is still there, goes nowhere, and says what was `seen` of it. It is locked:
    so it stays until the scope ends."""
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
    """Whether a post goes anywhere, did once, or is in a pool."""
    placed = exists().where(
        col(Delivery.tenant_id) == scope.tenant_id, col(Delivery.post_id) == col(Post.id)
    )
    pooled = exists().where(
        col(PoolEntry.tenant_id) == scope.tenant_id, col(PoolEntry.first_id) == col(Post.id)
    )
    return placed | pooled
