"""Table of removal requests."""

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
    """Somebody asks for something to be taken away. The app may insert, the gate decides; it holds
    no name at all."""

    __tablename__ = "complaints"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "receipt"),
        Index("complaints_source", "tenant_id", "source", "created_at"),
        about="person",
        keep="5 years",
    )
    receipt: str  # what they were told, once: whoever knows it may look at how it stands
    category: str
    named: str  # content id
    source: str
    """Where it came from, as a keyed digest: floods are held back, nobody is recognised."""
    state: str
    digests: list[str] = jsonb_column(list)
    called_at: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = (
        message_column()
    )  # of releases before `gate/removal/rulings.py`; read no more
