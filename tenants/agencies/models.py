"""Tables of agencies, creators, principals and members."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from foundation.db.tables import TenantRow, jsonb_column, table_arguments, tenant_foreign_key


def _languages_column() -> "Column[Any]":
    return Column(JSONB, nullable=False, server_default=text("'[]'"))


class Agency(TenantRow, table=True):
    """The row of a tenant; `id` equals `tenant_id`."""

    __tablename__ = "agencies"
    __table_args__ = table_arguments(
        CheckConstraint("approval_minutes >= 60", name="agencies_approval_minutes"),
        about="tenant",
        keep="while the tenant exists",
    )
    name: str
    language: str
    zone: str
    demo: bool = False
    second_factor: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if all members need a second factor after a password or sign-in link; otherwise only
    guest reviewers do."""
    currency: str = Field(default="EUR", sa_column_kwargs={"server_default": "EUR"})
    """ISO 4217 code of new prices and of reports."""
    languages: list[str] = Field(default_factory=list, sa_column=_languages_column())
    """Languages in which the agency publishes; empty means `language`."""
    named: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    """False until the first owner has entered the name; the setup wizard then asks for it."""
    legal_name: str = Field(default="", sa_column_kwargs={"server_default": ""})
    address: str = Field(default="", sa_column_kwargs={"server_default": ""})
    vat_number: str = Field(default="", sa_column_kwargs={"server_default": ""})
    invoice_prefix: str = Field(default="", sa_column_kwargs={"server_default": ""})
    accent: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Colour of the agency as `#rrggbb`, or empty."""
    stars_value: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The value of 1,000 Stars for the agency, such as `13.00 EUR`, or empty."""
    creator_zone: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Time zone of new creators; empty means that of the agency."""
    creator_languages: list[str] = Field(default_factory=list, sa_column=_languages_column())
    creator_rating_ceiling: str = Field(default="G", sa_column_kwargs={"server_default": "G"})
    creator_approval_tiers: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    approval_minutes: int = Field(default=60, sa_column_kwargs={"server_default": "60"})
    """Minutes that an approver has for a post that is to be published at once."""
    approval_offer: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Answer to the offer to require an approval for all creators; empty until it is answered."""


class AgencyLogo(TenantRow, table=True):
    """The logo of an agency as a small PNG; `id` equals `tenant_id`."""

    __tablename__ = "agency_logos"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant exists")
    data: bytes = Field(sa_type=LargeBinary)


class Creator(TenantRow, table=True):
    """A creator of the agency, human or virtual."""

    __tablename__ = "creators"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slug"), about="creator", keep="while the tenant exists"
    )
    slug: str
    name: str
    kind: str
    zone: str
    languages: list[str] = jsonb_column(list)
    rating_ceiling: str = "G"
    approval_tiers: int = 1
    approve_times: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the second approval covers the publishing time: a new time needs a new second
    approval."""
    state: str = Field(default="active", sa_column_kwargs={"server_default": "active"})
    biography: str = Field(default="", sa_column_kwargs={"server_default": ""})
    avatar: str | None = None
    """Digest of the picture in the object store of the library."""
    posts_per_day: int | None = None
    responsible: list[str] = jsonb_column(list)
    """IDs of the members who receive the emails about the creator; empty means all members with
    access."""


class Principal(TenantRow, table=True):
    """A human; several logins of one human share one principal, among them all logins of one
    mailbox."""

    __tablename__ = "principals"
    __table_args__ = table_arguments(about="member", keep="while the tenant exists")
    name: str


class Member(TenantRow, table=True):
    """A login of a principal, with a role."""

    __tablename__ = "members"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "email"),
        tenant_foreign_key("principal_id", "principals"),
        Index("members_mailbox", "tenant_id", "mailbox"),
        about="member",
        keep="while the tenant exists",
    )
    principal_id: UUID
    role: str
    name: str
    email: str
    mailbox: str
    """`names.mailbox_key` of the address; members with the same one have the same principal."""
    language: str
    language_chosen: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the member chose the language; until then, each sign-in adopts the browser's."""
    zone: str
    creators: list[str] = jsonb_column(list)
    """Slugs of the creators the member has access to; empty means all."""
    password_hash: str | None = None
    active: bool = True
    adult_chat: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the owner allowed the member to write adult text in chats, whatever the role."""
    guide_hidden: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the member has hidden the list of first steps on Home."""
