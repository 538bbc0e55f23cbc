"""Tables of limits: rate limits, quotas that accounts share, and what requests cost."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Index, Numeric, UniqueConstraint
from sqlmodel import Field

from channels.accounts.models import channel_foreign_key
from foundation.db.tables import TenantRow, table_arguments, timestamp_column


class RateBucketRow(TenantRow, table=True):
    """What holds a channel back: the platform's 429, and our own brake while the platform is
    down."""

    __tablename__ = "rate_buckets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="rate_buckets_channel"),
        channel_foreign_key(),
        about="nobody",
        keep="30 days",
    )
    channel_id: UUID
    blocked_until: datetime | None = timestamp_column(optional=True)
    refusals: int = 0
    """429 in a row that did not say how long to wait."""
    braked_until: datetime | None = timestamp_column(optional=True)
    failures: int = 0
    """5xx and time-outs in a row on requests that create; above 0 the brake is on."""
    failed_at: datetime | None = timestamp_column(optional=True)
    """When the last of them was recorded: an answer to an earlier request does not release the
    brake."""
    write_failures: int = 0
    """The same in a row, whatever reads succeeded between them."""
    writes_after: datetime | None = timestamp_column(optional=True)
    """Before this nothing more is created, although reads succeed."""
    kept_until: datetime | None = timestamp_column(
        optional=True
    )  # till then only replies and removals leave


class AppLimitRow(TenantRow, table=True):
    """What holds back every account of an application, whoever's it is; a row of the house, its id
    the key."""

    __tablename__ = "app_limits"
    __table_args__ = table_arguments(about="nobody", keep="while the tenant is here")
    blocked_until: datetime | None = timestamp_column(optional=True)
    refusals: int = 0
    """In a row that did not say how long to wait."""
    braked_until: datetime | None = timestamp_column(optional=True)
    failed_by: UUID | None = None
    """The account whose request came to nothing last, at `failed_at`: another one soon after closes
    the brake."""
    failed_at: datetime | None = timestamp_column(optional=True)


class AppQuotaRow(TenantRow, table=True):
    """Units an agency took of an application's in a window (`agency` the house: all together);
    posts leave `kept`."""

    __tablename__ = "app_days"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "app_key", "name", "agency", "begins", name="app_days_once"),
        Index("app_days_ends", "tenant_id", "ends"),
        about="nobody",
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
    """How many requests of one kind an account made in a month, and what they cost."""

    __tablename__ = "request_costs"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "month", "what", name="request_costs_once"),
        channel_foreign_key(),
        about="nobody",
        keep="while the tenant is here",
    )
    channel_id: UUID
    platform: str
    month: str
    """By the clocks of the agency's zone: `2026-11`."""
    what: str
    """As `connectors.shared.request_costs.RequestCostKind`."""
    many: int
    minor: Decimal = Field(sa_type=Numeric(14, 4))
    currency: str


class RequestCapRow(TenantRow, table=True):
    """What an agency lets the requests of its accounts on one platform cost in a month."""

    __tablename__ = "request_caps"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", name="request_caps_once"),
        about="nobody",
        keep="while the tenant is here",
    )
    platform: str
    currency: str
    minor: int = Field(sa_type=BigInteger)
