"""Tables of the room: agencies, creators, people, logins, keys, notices, audit."""

from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import TenantRow, jsonb_column, table_arguments, tenant_foreign_key


class Agency(TenantRow, table=True):
    """A tenant's own row; `id` equals `tenant_id`."""

    __tablename__ = "agencies"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant is here")
    name: str
    language: str
    zone: str
    demo: bool = False
    second_factor: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether everybody who comes in by a password or a link is asked for a second factor, not
    guests alone."""


class Creator(TenantRow, table=True):
    """A creator of the agency, human or virtual."""

    __tablename__ = "creators"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "slug"), about="creator", keep="while the tenant is here"
    )
    slug: str
    name: str
    kind: str
    zone: str
    languages: list[str] = jsonb_column(list)
    rating_ceiling: str = "G"
    approval_tiers: int = 1
    approve_times: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether the yes of the second of two holds for the hours too: another hour asks them
    again."""


class Principal(TenantRow, table=True):
    """A real human behind logins; two logins of one human are one principal."""

    __tablename__ = "principals"
    __table_args__ = table_arguments(about="member", keep="while the tenant is here")
    name: str


class Member(TenantRow, table=True):
    """A login of a principal with its role."""

    __tablename__ = "members"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "email"),
        tenant_foreign_key("principal_id", "principals"),
        about="member",
        keep="while the tenant is here",
    )
    principal_id: UUID
    role: str
    name: str
    email: str
    language: str
    zone: str
    creators: list[str] = jsonb_column(list)
    """Slugs of the creators this member works for; empty means all."""
    password_hash: str | None = None
    active: bool = True
    adult_chat: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Trained for adult words in chats: the owner says so, whatever the role."""
