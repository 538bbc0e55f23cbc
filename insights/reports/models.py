"""Tables of scheduled reports: schedules, stored reports, and their deliveries."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import (
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class ReportScheduleRow(TenantRow, table=True):
    """A report that is created for every period and sent to its recipients."""

    __tablename__ = "report_schedules"
    __table_args__ = table_arguments(
        Index("report_schedules_active", "tenant_id", "state"),
        about="tenant",
        keep="while the tenant exists",
    )
    name: str
    kind: str
    """"daily", "weekly" or "monthly"."""
    audience: str
    """"team" or "client"."""
    creators: list[str] = jsonb_column(list)
    """IDs of creators; all creators of the agency if empty."""
    allowed: list[str] = jsonb_column(list)
    """Internal facts that a client's report contains."""
    weekday: int = 0
    month_day: int = 1
    hour: int = 8
    zone: str
    """Time zone of the hour."""
    language: str
    """Language of recipients without an account."""
    formats: list[str] = jsonb_column(list)
    """Formats that are attached to emails; without any, the email has a link."""
    recipients: list[dict[str, Any]] = jsonb_column(list)
    """Route, and member or email address, of each recipient."""
    phrased: bool = False
    """True if a model may phrase the brief."""
    state: str = "active"
    """"active", "paused" or "ended"."""
    active_since: datetime = timestamp_column()
    """Reports that were due before are not created."""


class ReportRunRow(TenantRow, table=True):
    """A report of one period as it was sent: facts, charts and brand. It never changes."""

    __tablename__ = "report_runs"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "schedule_id", "first_day", "last_day", name="report_runs_period"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "schedule_id"], ["report_schedules.tenant_id", "report_schedules.id"]
        ),
        about="tenant",
        keep="2 years",
    )
    schedule_id: UUID
    first_day: date = Field(sa_type=Date)
    last_day: date = Field(sa_type=Date)
    facts: dict[str, Any] = jsonb_column()
    charts: dict[str, dict[str, str]] = jsonb_column()
    """SVG of each chart, by language."""
    briefs: dict[str, dict[str, Any]] = jsonb_column()
    """Sentences of the brief, by language."""
    brand: dict[str, Any] = jsonb_column()
    made_at: datetime = timestamp_column()


class ReportDeliveryRow(TenantRow, table=True):
    """A report to one recipient. It is claimed before it is sent, so that a crash sends nothing
    twice."""

    __tablename__ = "report_deliveries"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "run_id", "recipient", "attempt", name="report_deliveries_one"
        ),
        Index("report_deliveries_link", "link"),
        ForeignKeyConstraint(["tenant_id", "run_id"], ["report_runs.tenant_id", "report_runs.id"]),
        about="tenant",
        keep="2 years",
    )
    run_id: UUID
    recipient: str
    """Route and member or address, for example `email:ann@example.com`."""
    attempt: str = ""
    """ID of the press that sent the report again; empty for the scheduled delivery."""
    route: str
    """"email", "telegram" or "link"."""
    member_id: UUID | None = None
    address: str = ""
    language: str
    zone: str
    formats: list[str] = jsonb_column(list)
    state: str = "waiting"
    """"waiting", "sending", "sent", "unconfirmed", "failed" or "dropped"."""
    tries: int = 0
    reason: dict[str, Any] | None = message_column()
    settled_at: datetime | None = timestamp_column(optional=True)
    link: str = ""
    """Digest of the token of its link."""
    link_until: datetime | None = timestamp_column(optional=True)
