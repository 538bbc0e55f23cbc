"""Tables of the room about voices an agency may choose among: lists of them, and samples."""

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
    """The voice of a creator, by what right it is used, and, of one made after somebody who lives,
    after whom."""

    __tablename__ = "creator_voices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id"),
        about="creator",
        keep="while the tenant is here",
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
    """A text that is said once, with the voice of its creator as it was when somebody asked."""

    __tablename__ = "speeches"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("speeches_recent", "tenant_id", "created_at"),
        about="creator",
        keep="while the tenant is here",
    )
    key: str
    words: str
    language: str
    rating: str = "G"
    """What its words are rated: what comes of it is at least that."""
    engine: str
    voice: str
    licence: dict[str, Any] = jsonb_column()
    person_id: UUID | None = None
    by: str
    state: str = "waiting"
    characters: int
    """What it costs: reserved until it is said, then what was billed; 0 of engines that are
    free."""
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
    sample: bool = False
    """Said to hear a voice: it comes into no library."""


class VoiceSampleRow(CreatorOwnedRow, table=True):
    """What a voice sounds like; the id is the speech's."""

    __tablename__ = "voice_samples"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "id"], ["speeches.tenant_id", "speeches.id"]),
        about="creator",
        keep="1 day",
    )
    sound: bytes = Field(sa_type=LargeBinary)


class VoiceListRow(TenantRow, table=True):
    """The voices an agency may choose among, as the workers found them when somebody last asked."""

    __tablename__ = "voice_lists"
    __table_args__ = table_arguments(about="tenant", keep="while the tenant is here")
    asked_at: datetime = timestamp_column()
    listed_at: datetime | None = timestamp_column(optional=True)
    found: list[dict[str, Any]] = jsonb_column(list)
    missing: list[dict[str, Any]] = jsonb_column(list)
    """Why there are not more: stored sentences."""
