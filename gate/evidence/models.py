"""Table of the registered links that the texts of a creator may contain."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint

from foundation.db.tables import (
    CreatorOwnedRow,
    table_arguments,
    timestamp_column,
)


class LinkTarget(CreatorOwnedRow, table=True):
    """A registered link of a creator, as a canonical URL (`gate/text/urls.py`)."""

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
    """active, changed, or closed. A closed link is no longer accepted, and its data is retained."""
    resolved_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()
