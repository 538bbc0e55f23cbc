"""What a creator's posts of the last days say: a model does not offer it again."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from schedules.models import Post

LATELY = timedelta(days=90)
"""How far back a creator's posts are looked at."""

MOST = 2000
"""Posts that are looked at, the newest first."""


def said(scope: Scope, creator_id: UUID) -> list[str]:
    """What they say, here or there, the newest first."""
    rows = scope.session.exec(
        select(Post.body, Post.overrides)
        .where(
            Post.tenant_id == scope.tenant_id,
            Post.creator_id == creator_id,
            col(Post.created_at) > scope.now - LATELY,
        )
        .order_by(col(Post.created_at).desc())
        .limit(MOST)
    ).all()
    return [text for body, others in rows for text in (body, *(one.get("body") or "" for one in others))]
