"""Tables of the room: readings of the outside world, days rolled up."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import CreatorOwnedRow, table_arguments, timestamp_column


class MetricSnapshot(CreatorOwnedRow, table=True):
    """One reading of one number of one post: `measured`, `typed` in by somebody who read it there,
    or `unavailable` with no value where it could not be had."""

    __tablename__ = "metric_snapshots"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "delivery_id", "metric", "age_hours"),
        Index("metric_snapshots_day", "tenant_id", "creator_id", "observed_at"),
        about="creator",
        keep="3 years",
    )
    delivery_id: UUID
    channel_id: UUID
    metric: str
    age_hours: int
    """Age of the post the reading is for: only equal ages are compared. Typed in at other ages than
    1, 24 and 168, it is compared with nothing."""
    value: int | None = Field(default=None, sa_type=BigInteger)
    quality: str
    observed_at: datetime = timestamp_column()


class FollowerDay(CreatorOwnedRow, table=True):
    """How many followed an account on a local day of its creator: the last number that was told on
    it."""

    __tablename__ = "followers_daily"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "day"), about="creator", keep="forever"
    )
    channel_id: UUID
    day: date = Field(sa_type=Date)
    followers: int = Field(sa_type=BigInteger)
    observed_at: datetime = timestamp_column()
