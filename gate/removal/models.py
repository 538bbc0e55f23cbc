"""The table of removal requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint

from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class RemovalRequest(CreatorOwnedRow, table=True):
    """A request to remove content. The app may insert and the gate decides. It contains no name."""

    __tablename__ = "complaints"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "receipt"),
        Index("complaints_source", "tenant_id", "source", "created_at"),
        about="person",
        keep="5 years",
    )
    receipt: str  # shown to the requester once; gives access to the status
    category: str
    named: str  # content ID
    source: str
    """The origin, as a keyed digest. It limits the number of requests and does not identify the
    requester."""
    state: str
    digests: list[str] = jsonb_column(list)
    called_at: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = (
        message_column()
    )  # of releases before `gate/removal/rulings.py`; no longer read
