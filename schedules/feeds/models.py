"""Tables of feeds and of their entries, each of which becomes a draft at most once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint

import schedules.posts.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class Feed(CreatorOwnedRow, table=True):
    """A feed whose new entries become drafts."""

    __tablename__ = "feeds"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "url"),
        about="creator",
        keep="while the tenant exists",
    )
    url: str
    title: str = ""
    channels: list[str] = jsonb_column(list)
    paused: bool = False
    etag: str = ""
    modified: str = ""
    seeded: bool = False
    """True after the first reading, whose entries do not become drafts."""
    next_read_at: datetime = timestamp_column()
    last_read_at: datetime | None = timestamp_column(optional=True)
    failures: int = 0
    reason: dict[str, Any] | None = message_column()
    day: str = ""
    """The local day on which the `today` drafts were created, such as 2026-03-02."""
    today: int = 0
    total: int = 0


class FeedEntry(CreatorOwnedRow, table=True):
    """A known entry of a feed, which becomes a draft at most once."""

    __tablename__ = "feed_entries"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "feed_id", "guid"),
        ForeignKeyConstraint(["tenant_id", "feed_id"], ["feeds.tenant_id", "feeds.id"]),
        about="creator",
        keep="while the tenant exists",
    )
    feed_id: UUID
    guid: str
    """SHA-256 of the entry's ID in the feed."""
