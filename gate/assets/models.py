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
"""A perceptual hash as a number, kept by the database: compared eight times faster than its
text."""


class Asset(CreatorOwnedRow, table=True):
    """One origin of bytes. `ai` is none, assisted or generated."""

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
    model: str = ""  # what made it, where an engine of ours did
    # what it must not be mistaken for, its engine's own word; kept by whatever is made from it
    label: str = ""
    made_at: datetime | None = timestamp_column(optional=True)
    """Start of production, the earliest of the ancestry; unknown stays null."""
    source: str
    """generation, capture or publication say so; anything else proves no date."""
    parent_id: UUID | None = None
    people_seen: int | None = None
    """How many people a detector counted; null when none ran."""


class Rendition(TenantRow, table=True):
    """Immutable bytes; the same bytes are the same rendition, so ratings and freezes follow
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
    """made, frozen, removed; removed is final."""
    erased_at: datetime | None = timestamp_column(
        optional=True
    )  # since then its bytes are stored no more (`gate/assets/erasure.py`)


class Depiction(TenantRow, table=True):
    """A person recognisable in an asset. `state` is proposed, confirmed or non_identifiable."""

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
