"""What a creator's posts of the last days say: a model does not offer it again."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from schedules.posts.models import Post

LATELY = timedelta(days=90)
"""How far back a creator's posts are looked at."""

MAX_RECENT_POSTS = 2000
"""Posts that are looked at, the newest first."""


def list_recent_texts(scope: Scope, creator_id: UUID) -> list[str]:
    """What they say, here or there, the newest first."""
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
