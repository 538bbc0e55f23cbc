"""Tables of webhooks and of the calls made to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field

import tenants.agencies.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    TenantRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class WebhookRow(TenantRow, table=True):
    """An address of the agency's own systems that is called when something happened; one that ended
    stays ended."""

    __tablename__ = "hooks"
    __table_args__ = table_arguments(
        tenant_foreign_key("member_id", "members"), about="member", keep="while the tenant is here"
    )
    name: str
    url: str
    events: list[str] = jsonb_column(list)
    creators: list[str] = jsonb_column(list)
    """Ids of the creators whose events it hears; empty means all."""
    member_id: UUID
    """Who made it."""
    state: str = "active"
    secret: bytes = Field(sa_type=LargeBinary)
    """A letter to the workers: the doors that made it cannot open it again."""
    secret_before: bytes | None = Field(default=None, sa_type=LargeBinary)
    before_until: datetime | None = timestamp_column(optional=True)
    """So long calls are signed with the secret before, too."""
    failing_since: datetime | None = timestamp_column(optional=True)
    told: bool = False
    """Whether the members were told that it fails, since it last worked."""


class WebhookCallRow(TenantRow, table=True):
    """One event told to one hook: what is sent, how often it was tried, and the last answer's
    status."""

    __tablename__ = "hook_calls"
    __table_args__ = table_arguments(
        tenant_foreign_key("hook_id", "hooks"),
        Index("hook_calls_recent", "tenant_id", "hook_id", "created_at"),
        about="nobody",
        keep="30 days",
    )
    hook_id: UUID
    event: str
    payload: dict[str, Any] = jsonb_column()
    state: str = "waiting"
    tries: int = 0
    status: int | None = None
    detail: str = ""
    """Why no answer came; a class, never a text."""
    tried_at: datetime | None = timestamp_column(optional=True)
