"""Table of share links."""

from datetime import date, datetime

from sqlalchemy import Date, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import TenantRow, jsonb_column, table_arguments, timestamp_column


class AnalyticsLink(TenantRow, table=True):
    """A share link. Only the digest of its token is stored. With `rolling`, the period ends today
    and has the length of the stored one."""

    __tablename__ = "analytics_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "token", name="analytics_links_token"),
        Index("analytics_links_found", "token"),
        about="none",
        keep="1 year after it expires",
    )
    token: str
    name: str
    views: list[str] = jsonb_column(list)
    creators: list[str] = jsonb_column(list)
    first_day: date = Field(sa_type=Date)
    last_day: date = Field(sa_type=Date)
    rolling: bool
    by: str
    expires_at: datetime = timestamp_column()
    revoked_at: datetime | None = timestamp_column(optional=True)
    opened_at: datetime | None = timestamp_column(optional=True)
