"""Tables of the room: recipes, jobs, lineage of what was made, packs."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, Index, Numeric, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

import studio.runs.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)

SEARCH_TEXT_SQL = "folded(alt || ' ' || shows || ' ' || prompt || ' ' || CAST(tags AS text))"
"""How the words of an asset are kept; `folded` is a function of the database
(`migrations/versions/0077`, `0113`)."""

PRICE_TYPE = Numeric(14, 4)


class RetentionRow(TenantRow, table=True):
    """After how many days an agency wants erased what was put away; no row: never."""

    __tablename__ = "retentions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id"), about="nobody", keep="while the tenant is here"
    )
    days: int


class ErasedPictureRow(CreatorOwnedRow, table=True):
    """What stays of a picture in the library whose bytes and words were erased: that it was made,
    and its cost."""

    __tablename__ = "erased_pictures"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id"), about="creator", keep="while the tenant is here"
    )
    asset_id: UUID
    job_id: UUID | None = None
    engine: str
    model: str
    made_at: datetime = timestamp_column()
    seconds: float | None = None
    cost: Decimal | None = Field(default=None, sa_type=PRICE_TYPE)
    currency: str | None = None
    by: str
    """Who wanted it gone, as an actor."""


class CreationRow(CreatorOwnedRow, table=True):
    """How an asset came to be: photographed, drawn, generated; by what, from what."""

    __tablename__ = "creations"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id"),
        UniqueConstraint("tenant_id", "creator_id", "source_key"),
        tenant_foreign_key("job_id", "jobs"),
        Index("creations_library", "tenant_id", "creator_id", "created_at", "asset_id"),
        Index("creations_run", "tenant_id", "job_id", postgresql_where=sql("job_id IS NOT NULL")),
        Index(
            "creations_made", "tenant_id", "created_at", postgresql_where=sql("job_id IS NOT NULL")
        ),
        about="creator",
        keep="while the tenant is here",
    )
    asset_id: UUID
    job_id: UUID | None = None
    source_key: str
    """What makes it once: the digest of an uploaded file, or job and number of a generated one."""
    sha256: str
    engine: str
    model: str
    label: str
    seed: int | None = Field(default=None, sa_type=BigInteger)
    prompt: str
    parameters: dict[str, Any] = jsonb_column()
    alt: str
    shows: str = ""
    """What can be seen on it, at length: it is found by these words, and they leave with no
    post."""
    shelf: str = "new"
    """new, kept or retired: what people made of it."""
    taken_at: datetime | None = timestamp_column(optional=True)
    tags: dict[str, str] = jsonb_column()
    """What members call it: each tag as it was written, under its folded form."""
    words: str | None = Field(
        default=None, sa_column_args=(Computed(SEARCH_TEXT_SQL, persisted=True),)
    )
    """What it is found by: no capitals, no accents. PostgreSQL keeps it."""
    seconds: float | None = None
    """How long the engine drew; None of what no engine of a run made."""
    cost: Decimal | None = Field(default=None, sa_type=PRICE_TYPE)
    """What the engine asked for it, in minor units of `currency`, often less than one; None where
    engines are free."""
    currency: str | None = None


class CreatorWatermarkRow(CreatorOwnedRow, table=True):
    """What is written on copies of a creator's pictures where it is asked for."""

    __tablename__ = "creator_watermarks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
    )
    text: str
    corner: str
    size: int
    """In percent of the picture's shorter side."""
    opacity: int
    """In percent."""


class CollectionRow(CreatorOwnedRow, table=True):
    """A set of pictures that members arranged; not for sale."""

    __tablename__ = "collections"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "folded"),
        about="creator",
        keep="while the tenant is here",
    )
    name: str
    folded: str
    """Its name without capitals and accents: two that are so the same are one."""
    cover_id: UUID | None = None
    """The asset that stands for it; the first where none was chosen."""


class CollectionItemRow(CreatorOwnedRow, table=True):
    """One picture of a collection, in order."""

    __tablename__ = "collection_items"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "collection_id", "position"),
        UniqueConstraint("tenant_id", "collection_id", "asset_id"),
        tenant_foreign_key("collection_id", "collections"),
        about="creator",
        keep="while the tenant is here",
    )
    collection_id: UUID
    position: int
    asset_id: UUID
