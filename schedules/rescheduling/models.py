"""Table of bulk moves, with the times that deliveries had before."""

from datetime import datetime
from typing import Any

import schedules.posts.models  # noqa: F401  keys point at its tables
from foundation.db.tables import CreatorOwnedRow, jsonb_column, table_arguments, timestamp_column


class BulkMoveRow(CreatorOwnedRow, table=True):
    """Deliveries that were given other times in one gesture, and where they were before: to take it
    back."""

    __tablename__ = "shifts"
    __table_args__ = table_arguments(about="creator", keep="while the tenant is here")
    by: str
    moved: list[dict[str, Any]] = jsonb_column(list)
    """Of each: its id, the version it was left at, the wall time and the zone it came from."""
    undone_at: datetime | None = timestamp_column(optional=True)
