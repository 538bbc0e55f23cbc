"""Table of edits of published posts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text

import schedules.posts.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class PostEdit(CreatorOwnedRow, table=True):
    """A text edit of one published delivery; at most one edit of a delivery is open."""

    __tablename__ = "edits"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "post_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"]
        ),
        Index("edits_post", "tenant_id", "post_id"),
        Index(
            "edits_open",
            "tenant_id",
            "delivery_id",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'due', 'sending', 'refused', 'unsure')"),
        ),
        about="creator",
        keep="while the tenant exists",
    )
    post_id: UUID
    delivery_id: UUID
    channel_id: UUID
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    digest: str
    """Digest of the version of the post that the edit publishes."""
    before: dict[str, str] = jsonb_column()
    """Published title and body, as the author wrote them."""
    after: dict[str, str] = jsonb_column()
    """New title and body."""
    by: str
    attempt: int = 0
    until: datetime = timestamp_column()
    """Instant after which no attempt is made."""
    deadline_at: datetime | None = timestamp_column(optional=True)
    settled_at: datetime | None = timestamp_column(optional=True)
    version: int = 1
