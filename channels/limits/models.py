"""Tables of limits: rate limits, shared quotas, and request costs with their caps."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Index, Numeric, UniqueConstraint
from sqlmodel import Field

from channels.accounts.models import channel_foreign_key
from foundation.db.tables import TenantRow, table_arguments, timestamp_column


class RateBucketRow(TenantRow, table=True):
    """The blocks of a channel: rate limits of the platform (429), and our brake while the platform
    is unavailable."""

    __tablename__ = "rate_buckets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="rate_buckets_channel"),
        channel_foreign_key(),
        about="none",
        keep="30 days",
    )
    channel_id: UUID
    blocked_until: datetime | None = timestamp_column(optional=True)
    refusals: int = 0
    """Consecutive 429 responses without a stated delay."""
    braked_until: datetime | None = timestamp_column(optional=True)
    failures: int = 0
    """Consecutive 5xx responses and timeouts of creating requests; above 0 the brake is on."""
    failed_at: datetime | None = timestamp_column(optional=True)
    """Time of the last of these failures. A response to an earlier request does not release the
    brake."""
    write_failures: int = 0
    """Consecutive failed creating requests, regardless of successful reads between them."""
    writes_after: datetime | None = timestamp_column(optional=True)
    """Time before which no content is created, even if reads succeed."""
    kept_until: datetime | None = timestamp_column(
        optional=True
    )  # until then only replies and removals are sent


class AppLimitRow(TenantRow, table=True):
    """The blocks of all accounts of an application; a row of the installation, its ID is the
    application key."""

    __tablename__ = "app_limits"
    __table_args__ = table_arguments(about="none", keep="while the tenant exists")
    blocked_until: datetime | None = timestamp_column(optional=True)
    refusals: int = 0
    """Consecutive refusals without a stated delay."""
    braked_until: datetime | None = timestamp_column(optional=True)
    failed_by: UUID | None = None
    """The account whose request failed last, at `failed_at`. Another failing account soon after
    turns the brake on."""
    failed_at: datetime | None = timestamp_column(optional=True)


class AppQuotaRow(TenantRow, table=True):
    """Units of an application that an agency used in a window (`agency` is the installation for the
    total); `kept` units are reserved for replies and removals."""

    __tablename__ = "app_days"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "app_key", "name", "agency", "begins", name="app_days_once"),
        Index("app_days_ends", "tenant_id", "ends"),
        about="none",
        keep="2 days",
    )
    app_key: UUID
    name: str
    agency: UUID
    begins: datetime = timestamp_column()
    ends: datetime = timestamp_column()
    used: int = 0
    most: int = 0
    kept: int = 0
    post: int = 0


class RequestCostRow(TenantRow, table=True):
    """Number and cost of the requests of one kind of an account in a month."""

    __tablename__ = "request_costs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "month", "what", name="request_costs_once"),
        channel_foreign_key(),
        about="none",
        keep="while the tenant exists",
    )
    channel_id: UUID
    platform: str
    month: str
    """The month in the time zone of the agency, such as `2026-11`."""
    what: str
    """The kind of the requests, a `connectors.shared.request_costs.RequestCostKind`."""
    many: int
    minor: Decimal = Field(sa_type=Numeric(14, 4))
    currency: str


class RequestCapRow(TenantRow, table=True):
    """The monthly cap of an agency on the request costs of one platform."""

    __tablename__ = "request_caps"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", name="request_caps_once"),
        about="none",
        keep="while the tenant exists",
    )
    platform: str
    currency: str
    minor: int = Field(sa_type=BigInteger)
