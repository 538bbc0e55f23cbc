"""The table of human reviews, which is append-only."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index

from foundation.db.tables import (
    FOREVER,
    TenantRow,
    message_column,
    table_arguments,
)


class HumanReview(TenantRow, table=True):
    """A member's verdict on a unit or on bytes, by digest. The app may only insert."""

    __tablename__ = "human_reviews"
    __table_args__ = table_arguments(
        Index("human_reviews_digest", "tenant_id", "digest"), about="member", keep=FOREVER
    )
    about: str
    """"unit" or "bytes"."""
    digest: str
    principal_id: UUID
    verdict: str  # "approve" or "refuse"
    reason: dict[str, Any] | None = message_column()
    seen_percent: int
    sheet: UUID | None = None  # the contact sheet decision that the review is part of
