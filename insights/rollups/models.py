"""Tables of rollups: sales, work and metrics of each local day."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, Numeric, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import CreatorOwnedRow, table_arguments, timestamp_column


class SalesDay(CreatorOwnedRow, table=True):
    """Sales of a local day in one currency, rebuilt from the ledger."""

    __tablename__ = "sales_daily"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "day", "currency"),
        about="creator",
        keep="forever",
    )
    day: date = Field(sa_type=Date)
    currency: str
    orders: int
    gross_minor: int = Field(sa_type=BigInteger)
    refunds_minor: int = Field(sa_type=BigInteger)
    creator_minor: int = Field(sa_type=BigInteger)
    agency_minor: int = Field(sa_type=BigInteger)
    staff_minor: int = Field(sa_type=BigInteger)
    others_minor: int = Field(
        default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"}
    )
    fees_minor: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


class CreatorDay(CreatorOwnedRow, table=True):
    """Work of a local day: posts by result, messages and new fans."""

    __tablename__ = "creator_daily"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "day"), about="creator", keep="forever"
    )
    day: date = Field(sa_type=Date)
    published: int
    waiting: int
    troubled: int
    lateness_p95_ms: int | None = None
    views: int = Field(sa_type=BigInteger)
    interactions: int = Field(sa_type=BigInteger)
    messages_in: int
    messages_out: int
    new_fans: int


class PostDay(CreatorOwnedRow, table=True):
    """Signed change of a counter of a post on a local day. Days without a change have no row.

    `interpolated` is True if a part of it is the share of a longer interval between two readings.
    """

    __tablename__ = "post_days"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "delivery_id", "day", "metric"),
        about="creator",
        keep="forever",
    )
    channel_id: UUID
    delivery_id: UUID
    day: date = Field(sa_type=Date)
    metric: str
    value: int = Field(sa_type=BigInteger)
    interpolated: bool


class ChannelDay(CreatorOwnedRow, table=True):
    """Metric of an account on a local day: the sum of its posts, or a count of its posts."""

    __tablename__ = "channel_days"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "day", "metric", "channel_id"),
        about="creator",
        keep="forever",
    )
    channel_id: UUID
    day: date = Field(sa_type=Date)
    metric: str
    value: int = Field(sa_type=BigInteger)
    interpolated: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})


class PostLatest(CreatorOwnedRow, table=True):
    """Latest value of a counter of a post.

    The days of the post add up to `value` plus `earlier_epochs`, the last values before the counter
    was reset, minus `before_tracking`, the value of a first reading that was too late to belong to
    a day.
    """

    __tablename__ = "post_latest"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "delivery_id", "metric"), about="creator", keep="forever"
    )
    channel_id: UUID
    delivery_id: UUID
    metric: str
    value: int = Field(sa_type=BigInteger)
    before_tracking: int = Field(sa_type=BigInteger)
    earlier_epochs: int = Field(sa_type=BigInteger)
    observed_at: datetime = timestamp_column()


class CreatorFact(CreatorOwnedRow, table=True):
    """Metric of a creator on a local day that belongs to no account, such as a cost or a response
    time. `currency` is "" except for money, which is in minor units with four decimals."""

    __tablename__ = "creator_facts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "day", "metric", "currency"),
        about="creator",
        keep="forever",
    )
    day: date = Field(sa_type=Date)
    metric: str
    currency: str
    value: Decimal = Field(sa_type=Numeric(20, 4))


class RollupStatus(CreatorOwnedRow, table=True):
    """Time zone of the rollups of a creator, and the last local day on which they were verified.
    A changed time zone rebuilds them."""

    __tablename__ = "rollup_statuses"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"), about="creator", keep="forever"
    )
    zone: str
    verified_on: date | None = Field(default=None, sa_type=Date)


class LedgerChange(CreatorOwnedRow, table=True):
    """A quarter of an hour in which transactions of a creator were booked since the rollups of its
    day. A trigger on `ledger_transactions` inserts it, several times for the same time."""

    __tablename__ = "ledger_changes"
    __table_args__ = table_arguments(
        Index("ledger_changes_of_creator", "tenant_id", "creator_id"),
        about="creator",
        keep="until done",
    )
    occurred_at: datetime = timestamp_column()
