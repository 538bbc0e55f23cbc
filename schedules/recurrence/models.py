"""Tables of recurrence: evergreen pools, their entries, and A/B tests."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Date, ForeignKeyConstraint, Index, Interval, UniqueConstraint
from sqlmodel import Field

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.tables import CreatorOwnedRow, jsonb_column, table_arguments, timestamp_column


class Pool(CreatorOwnedRow, table=True):
    """What of a creator's posts comes back on the free slots of her accounts, when and how
    often."""

    __tablename__ = "pools"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    channels: list[str] = jsonb_column(list)
    label: str = ""
    """Only slots of this name; all of them without one."""
    min_age: timedelta = Field(sa_type=Interval)
    """Between two times of one entry on an account, at least."""
    every: timedelta = Field(sa_type=Interval)
    """Between two posts of the pool on an account, at least."""
    until: date | None = Field(default=None, sa_type=Date)
    paused: bool = False


class PoolEntry(CreatorOwnedRow, table=True):
    """A post that comes back, in one wording or several in turn: each wording is a post of its
    own."""

    __tablename__ = "pool_entries"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "pool_id", "first_id"),
        ForeignKeyConstraint(["tenant_id", "pool_id"], ["pools.tenant_id", "pools.id"]),
        ForeignKeyConstraint(["tenant_id", "first_id"], ["posts.tenant_id", "posts.id"]),
        about="creator",
        keep="while the tenant is here",
    )
    pool_id: UUID
    first_id: UUID
    wordings: list[str] = jsonb_column(list)
    """Ids of posts, in the order of their turns, the first one included."""
    taken_out: bool = False


class PostTest(CreatorOwnedRow, table=True):
    """Two versions of what a series says on one account, and how they are to be compared: fixed
    before either leaves.

    `insights/analysis/ab_test_verdicts.py` knows what may be measured, and says what came of it.
    """

    __tablename__ = "post_tests"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "a_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "b_id"], ["posts.tenant_id", "posts.id"]),
        Index("post_tests_creator", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant is here",
    )
    a_id: UUID
    """The post that repeated before."""
    b_id: UUID
    channel_id: UUID
    metric: str
    age_hours: int
    planned: int
    """Units after which it is over."""
    by: str
    ended_at: datetime | None = timestamp_column(optional=True)
    ended_by: str = ""
    kept: str = ""
    """Of a test that was ended, the version that goes on: a or b."""
