"""Tables of webhooks and their calls."""

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
    """An endpoint of the agency that receives events. The state "ended" is final."""

    __tablename__ = "hooks"
    __table_args__ = table_arguments(
        tenant_foreign_key("member_id", "members"), about="member", keep="while the tenant exists"
    )
    name: str
    url: str
    events: list[str] = jsonb_column(list)
    creators: list[str] = jsonb_column(list)
    """IDs of the creators whose events are sent; empty means all."""
    member_id: UUID
    """Member who added the webhook."""
    state: str = "active"
    secret: bytes = Field(sa_type=LargeBinary)
    """Secret sealed for the workers; web processes cannot decrypt it."""
    secret_before: bytes | None = Field(default=None, sa_type=LargeBinary)
    before_until: datetime | None = timestamp_column(optional=True)
    """Time until which calls are also signed with the previous secret."""
    failing_since: datetime | None = timestamp_column(optional=True)
    told: bool = False
    """True if the members were notified of the failures since the last success."""


class WebhookCallRow(TenantRow, table=True):
    """An event for one webhook: payload, number of attempts and status of the last response."""

    __tablename__ = "hook_calls"
    __table_args__ = table_arguments(
        tenant_foreign_key("hook_id", "hooks"),
        Index("hook_calls_recent", "tenant_id", "hook_id", "created_at"),
        about="none",
        keep="30 days",
    )
    hook_id: UUID
    event: str
    payload: dict[str, Any] = jsonb_column()
    state: str = "waiting"
    tries: int = 0
    status: int | None = None
    detail: str = ""
    """Class of the error without a response; never a text."""
    tried_at: datetime | None = timestamp_column(optional=True)
