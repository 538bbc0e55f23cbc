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
    """An age verification provider of the tenant. `letter` is the sealed form, emptied once it is
    processed."""

    __tablename__ = "age_providers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "provider", name="age_providers_once"),
        about="tenant",
        keep="while the tenant exists",
    )
    provider: str
    account: str = ""
    """The provider's ID of our account; not secret."""
    base_url: str = ""
    state: str = AgeProviderState.WAITING
    reason: dict[str, Any] | None = message_column()
    box: bytes | None = Field(default=None, sa_type=LargeBinary)
    letter: bytes = Field(default=b"", sa_type=LargeBinary)
    tested_at: datetime | None = timestamp_column(optional=True)


class AgeCheckRow(TenantRow, table=True):
    """A viewer's check at a provider, without any data that the provider collected. Only the digest
    of its link is stored."""

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
        keep="30 days, a passed check as long as the proof",
    )
    provider_id: UUID
    platform: str
    user_id: str
    channel_id: UUID | None = None
    """The account in whose chat the check was requested, or None for visitors of a page."""
    digest: str
    language: str
    source: str = ""  # keyed digest of the network address of a page visitor; empty in chats
    state: str = AgeCheckState.INVITED
    native_id: str = ""
    address: str = ""
    """URL for the viewer; erased when the check ends."""
    until: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()
