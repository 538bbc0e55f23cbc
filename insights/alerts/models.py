"""Tables of alerts: rules that differ from the defaults, and alerts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import TenantRow, table_arguments, timestamp_column


class AlertRuleRow(TenantRow, table=True):
    """A rule of an agency: one that a member added, or a default one that a member changed."""

    __tablename__ = "alert_rules"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant exists")
    code: str = ""
    """The code of the default rule, or "" for a rule that a member added."""
    kind: str
    metric: str = ""
    creator_id: UUID | None = None
    """The creator that is checked, or None for all."""
    direction: str = "below"
    threshold: int | None = Field(default=None, sa_type=BigInteger)
    """In the unit of the kind or metric: a number, hours, days, per cent or minor units."""
    currency: str = ""
    days: int = 1
    """Number of complete days that a threshold of a metric adds up."""
    route: str = "digest"
    quiet_from: int | None = None
    quiet_until: int | None = None
    """Hours without notifications, in minutes after midnight in the time zone of the creator."""
    enabled: bool = True


class AlertRow(TenantRow, table=True):
    """An alert of a rule. It is open until its cause ends or its rule is turned off."""

    __tablename__ = "alerts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "rule_id", "series", "day", name="alerts_once"),
        Index("alerts_open", "tenant_id", "resolved_at"),
        about="creator",
        keep="1 year",
    )
    rule_id: UUID
    kind: str
    metric: str = ""
    currency: str = ""
    creator_id: UUID | None = None
    """The creator concerned, or None for the agency."""
    series: str
    """The checked series: the creator, and the currency of an amount."""
    direction: str = "below"
    day: date = Field(sa_type=Date)
    """Local day on which it was opened. A rule opens one alert a day for each series."""
    since: datetime = timestamp_column()
    """Time at which the cause began."""
    expected: int | None = Field(default=None, sa_type=BigInteger)
    """The expected value or the limit; None if the kind has none."""
    seen: int = Field(sa_type=BigInteger)
    data_at: datetime | None = timestamp_column(optional=True)
    """Time of the newest data that was checked."""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = timestamp_column(optional=True)
    snoozed_until: datetime | None = timestamp_column(optional=True)
    resolved_at: datetime | None = timestamp_column(optional=True)
    resolution: str = ""
