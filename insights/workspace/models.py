"""Tables of goals, annotations and saved views."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    table_arguments,
)


class GoalRow(CreatorOwnedRow, table=True):
    """The target of a creator for a metric in a month."""

    __tablename__ = "analytics_goals"
    __table_args__ = table_arguments(
        UniqueConstraint(
            *("tenant_id", "creator_id", "month", "metric", "currency"), name="analytics_goals_once"
        ),
        about="creator",
        keep="while the tenant exists",
    )
    month: date = Field(sa_type=Date)
    """The first day of the month."""
    metric: str
    currency: str = ""
    """The currency of an amount; empty for counts."""
    target: int = Field(sa_type=BigInteger)
    """A count, or minor units of `currency`."""


class AnnotationRow(TenantRow, table=True):
    """A text on the charts of a local day; of all creators if `creator_id` is null."""

    __tablename__ = "analytics_annotations"
    __table_args__ = table_arguments(
        Index("analytics_annotations_day", "tenant_id", "day"),
        about="creator",
        keep="while the tenant exists",
    )
    creator_id: UUID | None = None
    day: date = Field(sa_type=Date)
    text: str


class SavedViewRow(TenantRow, table=True):
    """A saved view of a member: parameters of the address, by name."""

    __tablename__ = "analytics_views"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", "name", name="analytics_views_name"),
        about="member",
        keep="while the tenant exists",
    )
    member_id: UUID
    name: str
    parameters: dict[str, str] = jsonb_column()
    is_shared: bool = False
    """True if all members of the agency see it."""
