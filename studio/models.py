"""Tables of the room: recipes, jobs, lineage of what was made, packs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from foundation.database import CreatorRow, instant, jsonb, reason_column, table


def _of(column: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{name}.tenant_id", f"{name}.id"])


class Recipe(CreatorRow, table=True):
    """One version of a shot recipe; versions are immutable."""

    __tablename__ = "recipes"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "creator_id", "name", "version"), about="creator", keep="while the tenant is here"
    )
    name: str
    version: int
    spec: dict[str, Any] = jsonb()
    digest: str


class Job(CreatorRow, table=True):
    """One run of a recipe."""

    __tablename__ = "jobs"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "key"),
        _of("recipe_id", "recipes"),
        Index("jobs_recent", "tenant_id", "creator_id", "created_at"),
        about="creator",
        keep="while the tenant is here",
    )
    recipe_id: UUID
    key: str
    state: str = "queued"
    seed: int = Field(sa_type=BigInteger)
    total: int
    done: int = 0
    by: str = ""
    """Who asked for it: an actor; empty where nobody did."""
    reason: dict[str, Any] | None = reason_column()


class Creation(CreatorRow, table=True):
    """How an asset came to be: photographed, drawn, generated; by what, from what."""

    __tablename__ = "creations"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "asset_id"),
        UniqueConstraint("tenant_id", "creator_id", "source_key"),
        _of("job_id", "jobs"),
        Index("creations_library", "tenant_id", "creator_id", "created_at"),
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
    parameters: dict[str, Any] = jsonb()
    alt: str
    shelf: str = "new"
    """new, kept or retired: what people made of it."""
    taken_at: datetime | None = instant(optional=True)


class Upload(CreatorRow, table=True):
    """A file handed in at the dashboard or over the API, until it is an asset or refused."""

    __tablename__ = "uploads"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "creator_id", "sha256"),
        Index("uploads_recent", "tenant_id", "creator_id", "updated_at"),
        about="creator",
        keep="while the tenant is here",
    )
    name: str
    sha256: str
    """Of the file as it came; its bytes are deleted once it is settled."""
    size: int = Field(sa_type=BigInteger)
    by: str
    state: str = "waiting"
    reason: dict[str, Any] | None = reason_column()
    asset_id: UUID | None = None
    card_id: UUID | None = None
    """The shoot card it was handed in with."""
    batch: UUID | None = None
    """The files that were handed in by one gesture share it."""


class Pack(CreatorRow, table=True):
    """A set of pictures for sale; a sold version is frozen."""

    __tablename__ = "packs"
    __table_args__ = table(UniqueConstraint("tenant_id", "creator_id", "slug"), about="creator", keep="forever")
    slug: str
    title: str
    description: str
    state: str = "draft"
    version: int = 1
    frozen: bool = False


class PackItem(CreatorRow, table=True):
    """One picture of a pack, in order."""

    __tablename__ = "pack_items"
    __table_args__ = table(
        UniqueConstraint("tenant_id", "pack_id", "position"), _of("pack_id", "packs"), about="creator", keep="forever"
    )
    pack_id: UUID
    position: int
    asset_id: UUID
