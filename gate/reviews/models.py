"""Table of human reviews, append-only."""

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
    """What a person said of a unit, or of bytes, by digest. The app may insert and nothing else."""

    __tablename__ = "human_reviews"
    __table_args__ = table_arguments(
        Index("human_reviews_digest", "tenant_id", "digest"), about="member", keep=FOREVER
    )
    about: str
    """unit or bytes."""
    digest: str
    principal_id: UUID
    verdict: str  # approve or refuse
    reason: dict[str, Any] | None = message_column()
    seen_percent: int
    sheet: UUID | None = None  # the one decision it was part of
