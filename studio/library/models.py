"""Tables of the library: creations, collections, watermarks, retention and erased images."""

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
"""The search text of an asset; `folded` is a database function (`migrations/versions/0077`,
`0113`)."""

PRICE_TYPE = Numeric(14, 4)


class RetentionRow(TenantRow, table=True):
    """The number of days after which an agency's retired images are erased. Without a row, they are
    never erased."""

    __tablename__ = "retentions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id"), about="none", keep="while the tenant exists"
    )
    days: int


class ErasedPictureRow(CreatorOwnedRow, table=True):
    """The record of an erased image: that it was made, and its cost."""

    __tablename__ = "erased_pictures"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id"), about="creator", keep="while the tenant exists"
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
    """The actor who requested the erasure."""


class CreationRow(CreatorOwnedRow, table=True):
    """The origin of an asset: camera, drawing or engine, with its parameters."""

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
        keep="while the tenant exists",
    )
    asset_id: UUID
    job_id: UUID | None = None
    source_key: str
    """Key that makes the asset unique: the digest of an uploaded file, or the job and number of a
    generated image."""
    sha256: str
    engine: str
    model: str
    label: str
    seed: int | None = Field(default=None, sa_type=BigInteger)
    prompt: str
    parameters: dict[str, Any] = jsonb_column()
    alt: str
    file_name: str = ""
    """Name of the uploaded file as members see it; "" for a generated image."""
    shows: str = ""
    """A detailed description, used for search and never published."""
    shelf: str = "new"
    """new, kept or retired, as chosen by members."""
    taken_at: datetime | None = timestamp_column(optional=True)
    tags: dict[str, str] = jsonb_column()
    """Tags as written, by folded form."""
    words: str | None = Field(
        default=None, sa_column_args=(Computed(SEARCH_TEXT_SQL, persisted=True),)
    )
    """Search text without capitals and accents, computed by PostgreSQL."""
    seconds: float | None = None
    """Engine time; None unless an engine of a run made it."""
    cost: Decimal | None = Field(default=None, sa_type=PRICE_TYPE)
    """Price in minor units of `currency`, often less than one; None if the engine is free."""
    currency: str | None = None


class CreatorWatermarkRow(CreatorOwnedRow, table=True):
    """The watermark drawn on copies of a creator's images on request."""

    __tablename__ = "creator_watermarks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    text: str
    corner: str
    size: int
    """Text height in percent of the image's shorter side."""
    opacity: int
    """Opacity in percent."""


class CollectionRow(CreatorOwnedRow, table=True):
    """A set of images arranged by members; not for sale."""

    __tablename__ = "collections"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "folded"),
        about="creator",
        keep="while the tenant exists",
    )
    name: str
    folded: str
    """The name without capitals and accents, unique per creator."""
    cover_id: UUID | None = None
    """The cover asset; by default the first."""


class CollectionItemRow(CreatorOwnedRow, table=True):
    """An image in a collection, with its position."""

    __tablename__ = "collection_items"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "collection_id", "position"),
        UniqueConstraint("tenant_id", "collection_id", "asset_id"),
        tenant_foreign_key("collection_id", "collections"),
        about="creator",
        keep="while the tenant exists",
    )
    collection_id: UUID
    position: int
    asset_id: UUID
