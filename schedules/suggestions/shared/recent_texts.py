"""Recent texts of a creator, which a model must not propose again."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from schedules.posts.models import Post

LATELY = timedelta(days=90)
"""Age up to which posts are considered."""

MAX_RECENT_POSTS = 2000
"""Maximum number of posts considered, newest first."""


def list_recent_texts(scope: Scope, creator_id: UUID) -> list[str]:
    """Return the texts of recent posts and of their overrides, newest first."""
    rows = scope.session.exec(
        select(Post.body, Post.overrides)
        .where(
            Post.tenant_id == scope.tenant_id,
            Post.creator_id == creator_id,
            col(Post.created_at) > scope.now - LATELY,
        )
        .order_by(col(Post.created_at).desc())
        .limit(MAX_RECENT_POSTS)
    ).all()
    return [
        text for body, others in rows for text in (body, *(one.get("body") or "" for one in others))
    ]
