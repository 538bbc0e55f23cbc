"""Tables of the room: creators' sites, their items, counters; what the API answered, and how much
was asked."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class Site(CreatorOwnedRow, table=True):
    """A creator's own page: its slug in the address, and the digest of the credential that may
    publish on it."""

    __tablename__ = "sites"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slug"),
        Index("sites_slug", "slug"),
        about="creator",
        keep="while the tenant is here",
    )
    slug: str
    title: str
    about: str
    language: str
    chat_url: str
    authority: str
    """Host under which ids in feeds were first made; they keep it when the page moves."""
    token_digest: str
    adult_digest: str = ""
    """Of the credential for the part for adults; empty while it is not open."""


class Item(CreatorOwnedRow, table=True):
    """One item of a page, by its content id; a removed one stays as a tombstone without content."""

    __tablename__ = "items"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "site_id", "area", "content_id", name="items_content"),
        tenant_foreign_key("site_id", "sites"),
        Index("items_newest", "tenant_id", "site_id", "published_at"),
        about="creator",
        keep="while the tenant is here",
    )
    site_id: UUID
    area: str = "public"
    """public, or assured: shown to readers who are let in one by one."""
    content_id: str
    title: str
    text: str
    media: list[dict[str, Any]] = jsonb_column(list)
    ai: bool
    version: int = 1
    published_at: datetime = timestamp_column()
    edited_at: datetime = timestamp_column()
    removed_at: datetime | None = timestamp_column(optional=True)
    purge: list[str] = jsonb_column(list)
    """Digests it no longer shows whose bytes may still lie in the store."""


class ItemMedium(CreatorOwnedRow, table=True):
    """A file of a living item, so that an address by digest finds its tenant."""

    __tablename__ = "item_media"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "item_id", "sha256"),
        tenant_foreign_key("item_id", "items"),
        Index("item_media_digest", "sha256"),
        about="creator",
        keep="while the tenant is here",
    )
    item_id: UUID
    sha256: str
    mime: str


class ItemViews(CreatorOwnedRow, table=True):
    """How often an item was looked at on a day: a sum, nothing about who looked."""

    __tablename__ = "item_views"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "item_id", "day"),
        tenant_foreign_key("item_id", "items"),
        about="creator",
        keep="3 years",
    )
    item_id: UUID
    day: date = Field(sa_type=Date)
    views: int
