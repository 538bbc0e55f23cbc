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
    """A key a program asks with, as the member who made it; only its SHA-256 is kept. Times are the
    people's clock."""

    __tablename__ = "api_keys"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="api_keys_digest"),
        tenant_foreign_key("member_id", "members"),
        tenant_foreign_key("made_with", "api_keys"),
        Index("api_keys_found", "digest"),
        about="member",
        keep="while the tenant is here",
    )
    member_id: UUID
    name: str
    digest: str
    scopes: list[str] = jsonb_column(list)
    creators: list[str] = jsonb_column(list)
    """Slugs of the creators it may see; empty means all that its member works for."""
    expires_at: datetime = timestamp_column()
    used_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
    revoked_by: str = ""
    made_with: UUID | None = None
    """The key that made it over the API; it ends with that one."""


class RemoteWorkerRow(TenantRow, table=True):
    """A machine of the agency's own that makes its pictures; only the SHA-256 of its key is kept.
    Times are the people's clock."""

    __tablename__ = "machines"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="machines_digest"),
        Index("machines_found", "digest"),
        about="nobody",
        keep="while the tenant is here",
    )
    name: str
    digest: str
    by: str
    """The actor who made it."""
    able: dict[str, Any] = jsonb_column()
    """What it said it has, as `generators.remote_protocol.RemoteWorkerCapabilities`; empty until it
    came."""
    seen_at: datetime | None = timestamp_column(optional=True)
    revoked_at: datetime | None = timestamp_column(optional=True)
    revoked_by: str = ""
