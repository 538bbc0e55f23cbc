"""Tables of voice: creator voices, speeches, samples and voice catalogs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

import studio.library.models  # noqa: F401  keys point at its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class CreatorVoiceRow(CreatorOwnedRow, table=True):
    """The voice of a creator, its licence and, for a cloned voice, its speaker."""

    __tablename__ = "creator_voices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant exists",
    )
    engine: str
    voice: str
    name: str
    label: str
    licence: dict[str, Any] = jsonb_column()
    bills: bool
    person_id: UUID | None = None
    by: str
    """The actor who chose it."""


class SpeechRow(CreatorOwnedRow, table=True):
    """A text spoken once, with the voice that its creator had at the time of the request."""

    __tablename__ = "speeches"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("speeches_recent", "tenant_id", "created_at"),
        about="creator",
        keep="while the tenant exists",
    )
    key: str
    words: str
    language: str
    rating: str = "G"
    """Rating of its text, the minimum for its audio."""
    engine: str
    voice: str
    licence: dict[str, Any] = jsonb_column()
    person_id: UUID | None = None
    by: str
    state: str = "waiting"
    characters: int
    """Billable characters: reserved until it is spoken, then billed; 0 for free engines."""
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
    sample: bool = False
    """True for a voice sample, which is not added to the library."""


class VoiceSampleRow(CreatorOwnedRow, table=True):
    """The audio of a voice sample; its ID is that of the speech."""

    __tablename__ = "voice_samples"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "id"], ["speeches.tenant_id", "speeches.id"]),
        about="creator",
        keep="1 day",
    )
    sound: bytes = Field(sa_type=LargeBinary)


class VoiceListRow(TenantRow, table=True):
    """The voices available to an agency at the time of the last refresh."""

    __tablename__ = "voice_lists"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant exists")
    asked_at: datetime = timestamp_column()
    listed_at: datetime | None = timestamp_column(optional=True)
    found: list[dict[str, Any]] = jsonb_column(list)
    missing: list[dict[str, Any]] = jsonb_column(list)
    """Messages about engines whose voices could not be listed."""
