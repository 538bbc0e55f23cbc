"""Tables of API keys and of remote workers. Of each secret only the SHA-256 is stored."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

import tenants.agencies.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    TenantRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class ApiKey(TenantRow, table=True):
    """A key with which a program acts as the member who created it; only its SHA-256 is stored.
    Times use the real clock."""

    __tablename__ = "api_keys"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="api_keys_digest"),
        tenant_foreign_key("member_id", "members"),
        tenant_foreign_key("made_with", "api_keys"),
        Index("api_keys_found", "digest"),
        about="member",
        keep="while the tenant exists",
    )
    member_id: UUID
    name: str
    digest: str
    scopes: list[str] = jsonb_column(list)
    creators: list[str] = jsonb_column(list)
    """Slugs of the creators the key can access; empty means all that its member has access to."""
    expires_at: datetime = timestamp_column()
    used_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
    revoked_by: str = ""
    made_with: UUID | None = None
    """The key that created this one through the API; this one becomes invalid with it."""


class RemoteWorkerRow(TenantRow, table=True):
    """A remote worker of the agency; only the SHA-256 of its key is stored. Times use the real
    clock."""

    __tablename__ = "machines"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="machines_digest"),
        Index("machines_found", "digest"),
        about="none",
        keep="while the tenant exists",
    )
    name: str
    digest: str
    by: str
    """The actor who added it."""
    able: dict[str, Any] = jsonb_column()
    """Reported capabilities (`generators.remote_protocol.RemoteWorkerCapabilities`); empty before
    the first connection."""
    seen_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
    revoked_by: str = ""
