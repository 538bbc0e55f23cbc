"""Table of calendar subscriptions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.tables import TenantRow, table_arguments, timestamp_column


class CalendarSubscriptionRow(TenantRow, table=True):
    """A secret URL that shows calendar apps the planned posts of one or all creators of its
    member."""

    __tablename__ = "calendar_addresses"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="calendar_addresses_digest"),
        Index("calendar_addresses_found", "digest"),
        about="member",
        keep="while the tenant exists",
    )
    member_id: UUID
    creator_id: UUID | None = None
    digest: str
    words: bool = False
    """True if the calendar includes the text of posts, which other people may see on the member's
    phone."""
    used_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
