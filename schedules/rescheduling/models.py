"""Table of bulk moves, with the previous times of their deliveries."""

from datetime import datetime
from typing import Any

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.tables import CreatorOwnedRow, jsonb_column, table_arguments, timestamp_column


class BulkMoveRow(CreatorOwnedRow, table=True):
    """A bulk move of deliveries, with their old times for undo."""

    __tablename__ = "shifts"
    __table_args__ = table_arguments(about="creator", keep="while the tenant exists")
    by: str
    moved: list[dict[str, Any]] = jsonb_column(list)
    """For each delivery: ID, version after the move, old local time and time zone."""
    undone_at: datetime | None = timestamp_column(optional=True)
