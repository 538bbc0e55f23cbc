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
    """Other words for one delivery that stands outside; at most one of a delivery is open."""

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
        keep="while the tenant is here",
    )
    post_id: UUID
    delivery_id: UUID
    channel_id: UUID
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    digest: str
    """The version of the post that it brings outside."""
    before: dict[str, str] = jsonb_column()
    """Title and body that the post had where it stands, as they were written."""
    after: dict[str, str] = jsonb_column()
    """Title and body that it is to have there."""
    by: str
    attempt: int = 0
    until: datetime = timestamp_column()
    """After this nobody tries again."""
    deadline_at: datetime | None = timestamp_column(optional=True)
    settled_at: datetime | None = timestamp_column(optional=True)
    version: int = 1
