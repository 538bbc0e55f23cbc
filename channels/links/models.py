"""Tables of links: short links with their clicks, the domains on which they are served, temporary
media URLs and their fetches."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

import gate.copies.live_copies  # noqa: F401  foreign keys refer to its tables
from channels.accounts.models import channel_foreign_key
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    table_arguments,
    timestamp_column,
)


class LinkRow(TenantRow, table=True):
    """A short link and its target."""

    __tablename__ = "links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slug", name="links_slug"),
        Index("links_found", "slug"),
        Index("links_subject", "tenant_id", "subject_id"),
        channel_foreign_key(),
        about="none",
        keep="forever",
    )
    slug: str
    target: str
    channel_id: UUID | None = None
    subject_kind: str = ""
    subject_id: UUID | None = None
    creator_id: UUID | None = None
    """The creator whose registered links include the address. None in rows from before it was
    stored, whose creator is unknown."""
    address: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The address as its author wrote it, which is judged at each click; "" for a chat that we link
    ourselves."""
    place: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The surface of the post, such as `x.post`; "" for a link that is shared anywhere."""
    closed_at: datetime | None = timestamp_column(optional=True)
    """Time since which it has no target, because its post was removed."""


class LinkClicksRow(TenantRow, table=True):
    """Clicks of a short link on a day, as totals without any data about visitors. `visitors` counts
    people once, and so never exceeds `people`."""

    __tablename__ = "link_clicks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "link_id", "day", name="link_clicks_day"),
        ForeignKeyConstraint(["tenant_id", "link_id"], ["links.tenant_id", "links.id"]),
        about="none",
        keep="3 years",
    )
    link_id: UUID
    day: date = Field(sa_type=Date)
    people: int = 0
    machines: int = 0
    visitors: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class LinkSaltRow(TenantRow, table=True):
    """The random key of a day (UTC) under which the day's visitors are recognized. Its deletion
    makes their digests meaningless."""

    __tablename__ = "link_salts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "day", name="link_salts_day"), about="none", keep="2 days"
    )
    day: date = Field(sa_type=Date)
    salt: str = Field(repr=False)


class LinkVisitorRow(TenantRow, table=True):
    """A visitor who clicked a short link on a day: a digest under the key of the day, which differs
    for each link and each day."""

    __tablename__ = "link_visitors"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "link_id", "digest", name="link_visitors_once"),
        ForeignKeyConstraint(["tenant_id", "link_id"], ["links.tenant_id", "links.id"]),
        about="none",
        keep="2 days",
    )
    link_id: UUID
    digest: str


class LinkDomainRow(TenantRow, table=True):
    """A host name of an agency on which its short links are served."""

    __tablename__ = "link_domains"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "host", name="link_domains_host"),
        Index("link_domains_found", "host"),
        about="none",
        keep="while the tenant exists",
    )
    host: str


class MediaUrlRow(CreatorOwnedRow, table=True):
    """A URL under which a platform may fetch one file; only the digest of its random part is
    stored."""

    __tablename__ = "lent_files"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="lent_files_digest"),
        Index("lent_files_found", "digest"),
        Index("lent_files_subject", "tenant_id", "subject_id", "sha256", "created_at"),
        channel_foreign_key(),
        ForeignKeyConstraint(["tenant_id", "permit_jti"], ["permits.tenant_id", "permits.id"]),
        about="creator",
        keep="30 days",
    )
    channel_id: UUID
    permit_jti: UUID
    subject_kind: str
    subject_id: UUID
    sha256: str
    mime: str
    digest: str
    expires_at: datetime = timestamp_column()


class MediaUrlFetchRow(TenantRow, table=True):
    """A request for a temporary URL: the response, and the reason of a refusal."""

    __tablename__ = "lent_reads"
    __table_args__ = table_arguments(
        Index("lent_reads_file", "tenant_id", "lent_id", "created_at"),
        ForeignKeyConstraint(["tenant_id", "lent_id"], ["lent_files.tenant_id", "lent_files.id"]),
        about="none",
        keep="30 days",
    )
    lent_id: UUID
    status: int
    size: int
    """Number of bytes served."""
    reason: str
    source: str
    """Digest of the visitor's network address, keyed by the URL, so that it identifies a visitor
    within this URL only."""
