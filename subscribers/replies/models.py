"""Table of personas."""

from typing import Any

from sqlalchemy import Index, UniqueConstraint, text

from foundation.db.tables import CreatorOwnedRow, jsonb_column, table_arguments


class Persona(CreatorOwnedRow, table=True):
    """A version of a creator's persona. Only its state and level change, and one version is
    active."""

    __tablename__ = "personas"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "version"),
        Index(
            "personas_active",
            "tenant_id",
            "creator_id",
            unique=True,
            postgresql_where=text("state = 'active'"),
        ),
        about="creator",
        keep="forever",
    )
    version: int
    state: str
    """One of draft, active and retired."""
    level: str
    """`copilot` or `autopilot`."""
    virtual: bool
    name: str
    card: str
    voice: str
    examples: list[dict[str, Any]] = jsonb_column(list)
    rules: list[str] = jsonb_column(list)
    forbidden: list[str] = jsonb_column(list)
    languages: list[str] = jsonb_column(list)
    digest: str
