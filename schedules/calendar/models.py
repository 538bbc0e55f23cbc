"""Table of calendar subscriptions: the secret addresses that calendar apps read."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.tables import TenantRow, table_arguments, timestamp_column


class CalendarSubscriptionRow(TenantRow, table=True):
    """A secret address under which calendars read what is planned: of all of its member's creators,
    or of one."""

    __tablename__ = "calendar_addresses"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="calendar_addresses_digest"),
        Index("calendar_addresses_found", "digest"),
        about="member",
        keep="while the tenant is here",
    )
    member_id: UUID
    creator_id: UUID | None = None
    digest: str
    words: bool = False
    """Whether it tells what posts say, on a phone that others may see."""
    used_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
