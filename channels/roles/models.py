"""Table of readers whose role on a platform must be granted or removed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

from channels.accounts.models import channel_foreign_key
from foundation.db.tables import TenantRow, message_column, table_arguments, timestamp_column


class ReaderRoleRow(TenantRow, table=True):
    """The role that a reader should or should not have at an account's destination. Deleted once it
    is certainly removed."""

    __tablename__ = "fan_roles"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "user_id", "role", name="fan_roles_once"),
        Index("fan_roles_reader", "tenant_id", "user_id"),
        channel_foreign_key(),
        about="fan",
        keep="until deleted, then 30 days",
    )
    channel_id: UUID
    user_id: str
    role: str
    wanted: bool
    stands: bool | None = None
    """True if the reader has the role, or None if that is unknown."""
    since: datetime = timestamp_column()
    """Time of the last change of `wanted`."""
    reason: dict[str, Any] | None = message_column()
    """Reason of a refusal by the platform."""
