"""Tables of recurrence: evergreen pools, their entries, and A/B tests."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, Date, ForeignKeyConstraint, Index, Interval, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.tables import CreatorOwnedRow, jsonb_column, table_arguments, timestamp_column


class Pool(CreatorOwnedRow, table=True):
    """The evergreen pool of a creator: accounts, slots and intervals at which its posts are
    reposted."""

    __tablename__ = "pools"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    channels: list[str] = jsonb_column(list)
    label: str = ""
    """Limits the pool to slots of this name; empty for all slots."""
    min_age: timedelta = Field(sa_type=Interval)
    """Minimum interval between two publications of an entry on an account."""
    every: timedelta = Field(sa_type=Interval)
    """Minimum interval between two posts of the pool on an account."""
    until: date | None = Field(default=None, sa_type=Date)
    paused: bool = False


class PoolEntry(CreatorOwnedRow, table=True):
    """A post that is reposted, in one or several variants that take turns; each variant is a
    separate post."""

    __tablename__ = "pool_entries"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "pool_id", "first_id"),
        ForeignKeyConstraint(["tenant_id", "pool_id"], ["pools.tenant_id", "pools.id"]),
        ForeignKeyConstraint(["tenant_id", "first_id"], ["posts.tenant_id", "posts.id"]),
        about="creator",
        keep="while the tenant exists",
    )
    pool_id: UUID
    first_id: UUID
    wordings: list[str] = jsonb_column(list)
    """Post IDs of the variants in the order of their turns, including the first post."""
    taken_out: bool = False


class PostTest(CreatorOwnedRow, table=True):
    """An A/B test of two to four versions of a series; its plan is fixed before the first unit.

    `insights/analysis/ab_test_verdicts.py` defines the available metrics and computes the result.
    """

    __tablename__ = "post_tests"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "a_id"], ["posts.tenant_id", "posts.id"]),
        ForeignKeyConstraint(["tenant_id", "b_id"], ["posts.tenant_id", "posts.id"]),
        Index("post_tests_creator", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant exists",
    )
    a_id: UUID
    """The original post of the series."""
    b_id: UUID
    more_ids: list[str] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default="[]")
    )
    """The posts of versions C and D."""
    channel_id: UUID
    """The first account."""
    channels: list[str] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False, server_default="[]")
    )
    """All accounts of a test on several; empty for one."""
    method: str = Field(default="fixed", sa_column_kwargs={"server_default": "fixed"})
    """`fixed`: judged at its planned size. `sequential`: judged every day."""
    metric: str
    age_hours: int
    planned: int
    """Number of units after which the test is complete."""
    by: str
    ended_at: datetime | None = timestamp_column(optional=True)
    ended_by: str = ""
    kept: str = ""
    """The version that the series continues with after the test, "a" or "b"."""
