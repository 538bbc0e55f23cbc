"""Tables of the room about words that recipes share."""

from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.db.database import TenantRow, jsonb_column, table_arguments


class WildcardRow(TenantRow, table=True):
    """One version of a list of words: of one creator, or, without one, of the whole agency. Versions are immutable."""

    __tablename__ = "word_lists"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "name", "version", postgresql_nulls_not_distinct=True),
        about="creator",
        keep="while the tenant is here",
    )
    creator_id: UUID | None = None
    name: str
    version: int
    words: list[str] = jsonb_column(list)
    weights: dict[str, Any] = jsonb_column()
    by: str
    """The actor who wrote it."""
    retired: bool = False
    """No prompt may name it; of all versions of a name alike."""
