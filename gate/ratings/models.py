"""Table of content ratings, by machines and by people; the highest one counts."""

from typing import Any

from sqlalchemy import Index

from foundation.db.tables import (
    TenantRow,
    message_column,
    table_arguments,
)


class ContentRating(TenantRow, table=True):
    """One rating of some bytes; the highest counts, and a machine or a person may only raise."""

    __tablename__ = "content_ratings"
    __table_args__ = table_arguments(
        Index("content_ratings_sha256", "tenant_id", "sha256"),
        about="creator",
        keep="while published, then 5 years",
    )
    sha256: str
    rating: str
    source: str
    """classifier:name@version, rule:name, or member:<id>."""
    reason: dict[str, Any] | None = message_column()
