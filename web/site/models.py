"""Tables of sites, their items and view counts."""

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
    """A creator's own site: its slug and the digest of the credential that publishes to it."""

    __tablename__ = "sites"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slug"),
        Index("sites_slug", "slug"),
        Index("sites_former_slugs", "former_slugs", postgresql_using="gin"),
        about="creator",
        keep="while the tenant exists",
    )
    slug: str
    former_slugs: list[str] = jsonb_column(list)
    """Slugs that the site had before; their addresses redirect, and no other site gets them."""
    title: str
    about: str
    language: str
    chat_url: str
    authority: str
    """Host name in the permanent IDs of feed entries. It does not change if the site moves."""
    token_digest: str
    adult_digest: str = ""
    """Digest of the credential for the adult area. Empty while that area is closed."""


class Item(CreatorOwnedRow, table=True):
    """An item of a site. Removed items remain as tombstones without content."""

    __tablename__ = "items"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "site_id", "area", "content_id", name="items_content"),
        tenant_foreign_key("site_id", "sites"),
        Index("items_newest", "tenant_id", "site_id", "published_at"),
        about="creator",
        keep="while the tenant exists",
    )
    site_id: UUID
    area: str = "public"
    """`public`, or `assured` for the adult area."""
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
    """Digests of files that the item no longer shows but that may still be in the object store."""


class ItemMedium(CreatorOwnedRow, table=True):
    """A file of a published item. It maps a digest in a URL to its tenant."""

    __tablename__ = "item_media"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "item_id", "sha256"),
        tenant_foreign_key("item_id", "items"),
        Index("item_media_digest", "sha256"),
        about="creator",
        keep="while the tenant exists",
    )
    item_id: UUID
    sha256: str
    mime: str


class ItemViews(CreatorOwnedRow, table=True):
    """The views of an item on one day. It stores a total and no data about visitors."""

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
