"""The table of content ratings by classifiers and members."""

from typing import Any

from sqlalchemy import Index

from foundation.db.tables import (
    TenantRow,
    message_column,
    table_arguments,
)


class ContentRating(TenantRow, table=True):
    """A rating of a file. The highest counts, so a classifier or member can only raise it."""

    __tablename__ = "content_ratings"
    __table_args__ = table_arguments(
        Index("content_ratings_sha256", "tenant_id", "sha256"),
        about="creator",
        keep="while published, then 5 years",
    )
    sha256: str
    rating: str
    source: str
    """"classifier:name@version", "rule:name", "declared:words", "member:<id>" or "lowering:<id>".
    """
    reason: dict[str, Any] | None = message_column()
