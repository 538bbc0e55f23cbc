"""Tables of the API: stored responses of idempotent requests, and rate limits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

from foundation.db.tables import TenantRow, jsonb_column, table_arguments, timestamp_column


class ApiAnswer(TenantRow, table=True):
    """A stored response, by API key and idempotency key."""

    __tablename__ = "api_answers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key_id", "name", name="api_answers_once"),
        Index("api_answers_old", "tenant_id", "created_at"),
        about="member",
        keep="1 day",
    )
    key_id: UUID
    name: str
    """SHA-256 of the `Idempotency-Key` header."""
    request: str
    """SHA-256 of the method, URL, If-Match header and body."""
    status: int
    body: str
    headers: dict[str, str] = jsonb_column()


class ApiBucket(TenantRow, table=True):
    """The rate limit counter of a key or tenant. `full_until` is the time (by `people_now`) at
    which all counted requests have expired."""

    __tablename__ = "api_buckets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "who", name="api_buckets_who"),
        about="none",
        keep="while the tenant exists",
    )
    who: str
    full_until: datetime = timestamp_column()
