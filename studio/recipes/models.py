"""Tables of recipes: their versions, export grants, style references and wildcards."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text

import gate.assets.asset_records  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    table_arguments,
    timestamp_column,
)


class RecipeRow(CreatorOwnedRow, table=True):
    """A version of a recipe; versions are immutable."""

    __tablename__ = "recipes"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "name", "version"),
        about="creator",
        keep="while the tenant exists",
    )
    name: str
    version: int
    spec: dict[str, Any] = jsonb_column()
    digest: str
    retired: bool = False
    """True if the recipe is no longer offered; the same for all versions of a name."""


class ExportGrantRow(CreatorOwnedRow, table=True):
    """An export grant, active until it is revoked."""

    __tablename__ = "outgoing_grants"
    __table_args__ = table_arguments(
        Index(
            "outgoing_grants_stands",
            "tenant_id",
            "creator_id",
            "engine",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        about="creator",
        keep="while the tenant exists",
    )
    engine: str
    by: str
    """The actor who granted it."""
    words: str
    """The text that the actor confirmed."""
    revoked_at: datetime | None = timestamp_column(optional=True)
    revoked_by: str | None = None


class StyleReferenceRow(CreatorOwnedRow, table=True):
    """A style reference image of a creator."""

    __tablename__ = "look_pictures"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "asset_id"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="creator",
        keep="while the tenant exists",
    )
    asset_id: UUID
    position: int
    by: str
    """The actor who chose it."""


class WildcardRow(TenantRow, table=True):
    """A version of a wildcard list of one creator or, without a creator, of the agency. Versions
    are immutable."""

    __tablename__ = "word_lists"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "creator_id", "name", "version", postgresql_nulls_not_distinct=True
        ),
        about="creator",
        keep="while the tenant exists",
    )
    creator_id: UUID | None = None
    name: str
    version: int
    words: list[str] = jsonb_column(list)
    weights: dict[str, Any] = jsonb_column()
    by: str
    """The actor who wrote this version."""
    retired: bool = False
    """True if prompts may no longer use it; the same for all versions of a name."""
