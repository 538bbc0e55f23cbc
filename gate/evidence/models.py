"""Table of the link targets that a creator's texts may contain."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint

from foundation.db.tables import (
    CreatorOwnedRow,
    table_arguments,
    timestamp_column,
)


class LinkTarget(CreatorOwnedRow, table=True):
    """An address that may stand in a creator's texts, written as `gate/text/urls.py` writes it."""

    __tablename__ = "link_targets"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "url"),
        Index("link_targets_host", "tenant_id", "final_host"),
        about="creator",
        keep="while used, then 1 year",
    )
    url: str
    owner: str
    final_host: str
    rating: str
    adult: bool
    by: str
    state: str = "active"
    """active, changed, or closed: taken back, and what was said of it remembered."""
    resolved_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()
