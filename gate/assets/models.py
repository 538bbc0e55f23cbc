"""Tables of assets: origins, renditions, and the people depicted in them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Computed, Index, UniqueConstraint
from sqlmodel import Field

import gate.people.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    FOREVER,
    CreatorOwnedRow,
    TenantRow,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)

PHASH_NUMBER_SQL = (
    "CASE WHEN phash ~ '^[0-9a-f]{16}$' THEN CAST(CAST('x' || phash AS bit(64)) AS bigint) END"
)
"""SQL for a perceptual hash as a number, a generated column: comparison is eight times faster."""


class Asset(CreatorOwnedRow, table=True):
    """An origin of bytes. `ai` is none, assisted or generated."""

    __tablename__ = "assets"
    __table_args__ = table_arguments(
        tenant_foreign_key("parent_id", "assets"),
        *(
            Index("assets_creator", "tenant_id", "creator_id"),
            Index("assets_parent", "tenant_id", "parent_id"),
        ),
        about="creator",
        keep="while published, then 5 years",
    )
    origin: str
    ai: str
    engine: str
    model: str = ""  # the model of a built-in engine
    # The engine's label for pictures that are neither photographs nor real AI output; inherited.
    label: str = ""
    made_at: datetime | None = timestamp_column(optional=True)
    """Start of production, the earliest of all sources; null if unknown."""
    source: str
    """generation, capture or publication prove the date; other values do not."""
    parent_id: UUID | None = None
    people_seen: int | None = None
    """Number of people that a detector counted; null if none ran."""
    redrawn: bool | None = None
    """True if a model redrew the parent, so that other people may be shown; null for assets older
    than this record."""


class Rendition(TenantRow, table=True):
    """Immutable bytes. Identical bytes are one rendition, so ratings and freezes apply to all of
    them."""

    __tablename__ = "renditions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256"),
        tenant_foreign_key("asset_id", "assets"),
        Index("renditions_asset", "tenant_id", "asset_id"),
        about="creator",
        keep="while published, then 5 years",
    )
    asset_id: UUID
    sha256: str
    mime: str
    size: int = Field(sa_type=BigInteger)
    width: int
    height: int
    profile: str
    parent_sha256: str | None = None
    phash: str | None = None  # 64 bits as 16 hexadecimal digits
    look: int | None = Field(
        default=None,
        sa_type=BigInteger,
        sa_column_args=(Computed(PHASH_NUMBER_SQL, persisted=True),),
    )
    state: str = "made"
    """made, frozen or removed; removed is final unless an appeal succeeds."""
    erased_at: datetime | None = timestamp_column(
        optional=True
    )  # The time at which the bytes were marked for erasure (`gate/assets/erasure.py`).


class Depiction(TenantRow, table=True):
    """A person recognizable in an asset. `state` is proposed, confirmed or non_identifiable."""

    __tablename__ = "depictions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "asset_id", "person_id", "how"),
        tenant_foreign_key("asset_id", "assets"),
        tenant_foreign_key("person_id", "persons"),
        Index("depictions_person", "tenant_id", "person_id"),
        about="person",
        keep=FOREVER,
    )
    asset_id: UUID
    person_id: UUID
    how: str
    state: str
    confirmed_by: str = ""
    proposed_by: str = ""
