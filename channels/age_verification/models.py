"""Tables of age verification: the providers of an agency, and the checks of viewers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from channels.accounts.models import channel_foreign_key
from channels.age_verification.states import AgeCheckState, AgeProviderState
from foundation.db.tables import TenantRow, message_column, table_arguments, timestamp_column


class AgeProviderRow(TenantRow, table=True):
    """A provider that checks ages for this tenant. `letter` is the sealed form, emptied once there
    is an answer."""

    __tablename__ = "age_providers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "provider", name="age_providers_once"),
        about="tenant",
        keep="while the tenant is here",
    )
    provider: str
    account: str = ""
    """The provider's name of us; no secret."""
    base_url: str = ""
    state: str = AgeProviderState.WAITING
    reason: dict[str, Any] | None = message_column()
    box: bytes | None = Field(default=None, sa_type=LargeBinary)
    letter: bytes = Field(default=b"", sa_type=LargeBinary)
    tested_at: datetime | None = timestamp_column(optional=True)


class AgeCheckRow(TenantRow, table=True):
    """One viewer's check at a provider: whose it is, never what it saw. Its link is known by the
    digest alone."""

    __tablename__ = "age_checks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "digest", name="age_checks_link"),
        Index(
            "age_checks_session",
            "tenant_id",
            "provider_id",
            "native_id",
            unique=True,
            postgresql_where=text("native_id <> ''"),
        ),
        Index("age_checks_viewer", "tenant_id", "platform", "user_id"),
        Index("age_checks_digest", "digest"),
        Index("age_checks_source", "tenant_id", "source", "created_at"),
        ForeignKeyConstraint(
            ["tenant_id", "provider_id"], ["age_providers.tenant_id", "age_providers.id"]
        ),
        channel_foreign_key(),
        about="fan",
        keep="30 days, a passed one as long as the proof",
    )
    provider_id: UUID
    platform: str
    user_id: str
    channel_id: UUID | None = None
    """The chat it was asked for in; none for a visitor of a page."""
    digest: str
    language: str
    source: str = ""  # where a visitor of a page came from, as a keyed digest; empty in chats
    state: str = AgeCheckState.INVITED
    native_id: str = ""
    address: str = ""
    """Where the viewer goes; forgotten with the end of the check."""
    until: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()
