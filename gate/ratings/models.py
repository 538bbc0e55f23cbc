"""Tables of content ratings by classifiers and members, and of answers to who is shown."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index

import gate.assets.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    TenantRow,
    message_column,
    table_arguments,
    tenant_foreign_key,
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


class DepictionAnswerRow(TenantRow, table=True):
    """An answer to the question who is shown in an asset. Append-only; the latest counts."""

    __tablename__ = "depiction_answers"
    __table_args__ = table_arguments(
        tenant_foreign_key("asset_id", "assets"),
        Index("depiction_answers_asset", "tenant_id", "asset_id"),
        Index("depiction_answers_creator", "tenant_id", "creator_id", "id"),
        about="creator",
        keep="while published, then 5 years",
    )
    asset_id: UUID
    creator_id: UUID
    answer: str
    """A `DepictionAnswer`."""
    source: str
    """"member:<id>", or "drawn" for scenes of our own engine, which never show people."""
    principal_id: UUID | None = None
    """The human behind the member."""
