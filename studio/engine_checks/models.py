"""Table of engine checks: the last one of each engine and agency."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint

from foundation.db.tables import TenantRow, message_column, table_arguments, timestamp_column


class EngineCheckRow(TenantRow, table=True):
    """The last check of an engine: waiting, passed or failed."""

    __tablename__ = "engine_checks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "engine"), about="tenant", keep="while the tenant exists"
    )
    engine: str
    state: str
    result: dict[str, Any] | None = message_column()
    checked_at: datetime | None = timestamp_column(optional=True)
