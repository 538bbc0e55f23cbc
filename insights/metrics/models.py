"""Tables of metrics: readings of posts and follower counts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import CreatorOwnedRow, table_arguments, timestamp_column


class MetricSnapshot(CreatorOwnedRow, table=True):
    """One value of one metric of a post. `quality` is "measured", "typed" for manual entry, or
    "unavailable" without a value."""

    __tablename__ = "metric_snapshots"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "delivery_id", "metric", "age_hours"),
        Index("metric_snapshots_day", "tenant_id", "creator_id", "observed_at"),
        Index(
            "metric_snapshots_channel",
            "tenant_id",
            "channel_id",
            "age_hours",
            "metric",
            "observed_at",
            postgresql_include=["delivery_id", "value"],
        ),
        about="creator",
        keep="3 years",
    )
    delivery_id: UUID
    channel_id: UUID
    metric: str
    age_hours: int
    """Age of the post at the reading. Only values at equal ages are compared, at the ages of
    `events.READING_AGES`."""
    value: int | None = Field(default=None, sa_type=BigInteger)
    quality: str
    observed_at: datetime = timestamp_column()
    native_id: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """ID on the platform of the post that was read, "" if unknown. A counter of another ID starts
    again at zero."""


class MetricChange(CreatorOwnedRow, table=True):
    """A post whose readings have changed since its rollups were built. A trigger on
    `metric_snapshots` inserts it."""

    __tablename__ = "metric_changes"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "delivery_id"), about="creator", keep="until done"
    )
    delivery_id: UUID


class FollowerDay(CreatorOwnedRow, table=True):
    """The last follower count of an account on a local day of its creator."""

    __tablename__ = "followers_daily"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "day"), about="creator", keep="forever"
    )
    channel_id: UUID
    day: date = Field(sa_type=Date)
    followers: int = Field(sa_type=BigInteger)
    observed_at: datetime = timestamp_column()
