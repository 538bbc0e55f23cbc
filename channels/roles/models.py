"""Table of readers who should have, or no longer have, a role on a platform."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

from channels.accounts.models import channel_foreign_key
from foundation.db.tables import TenantRow, message_column, table_arguments, timestamp_column


class ReaderRoleRow(TenantRow, table=True):
    """A reader who should bear a role of an account's place, or should no more; gone once it is
    surely taken."""

    __tablename__ = "fan_roles"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "user_id", "role", name="fan_roles_once"),
        Index("fan_roles_reader", "tenant_id", "user_id"),
        channel_foreign_key(),
        about="fan",
        keep="as long as it is wanted, and 30 days",
    )
    channel_id: UUID
    user_id: str
    role: str
    wanted: bool
    stands: bool | None = None
    """Whether they bear it; none while nobody knows."""
    since: datetime = timestamp_column()
    """When it was last wanted otherwise."""
    reason: dict[str, Any] | None = message_column()
    """Why it could not be done."""
