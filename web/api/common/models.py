"""Tables of the API: stored responses of idempotent requests, and rate limits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

from foundation.db.tables import TenantRow, jsonb_column, table_arguments, timestamp_column


class ApiAnswer(TenantRow, table=True):
    """What was answered to a request of the API, by its key and the name its sender gave it."""

    __tablename__ = "api_answers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key_id", "name", name="api_answers_once"),
        Index("api_answers_old", "tenant_id", "created_at"),
        about="member",
        keep="1 day",
    )
    key_id: UUID
    name: str
    """SHA-256 of the `Idempotency-Key`."""
    request: str
    """SHA-256 of method, path, condition and body."""
    status: int
    body: str
    headers: dict[str, str] = jsonb_column()


class ApiBucket(TenantRow, table=True):
    """How much was asked lately: the instant at which nothing of it counts any more (people's
    clock)."""

    __tablename__ = "api_buckets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "who", name="api_buckets_who"),
        about="nobody",
        keep="while the tenant is here",
    )
    who: str
    full_until: datetime = timestamp_column()
