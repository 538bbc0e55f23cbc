"""Tables of the room about voices an agency may choose among: lists of them, and samples."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, LargeBinary
from sqlmodel import Field

import studio.library.models  # noqa: F401  keys point at its tables
from foundation.db.database import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    table_arguments,
    timestamp_column,
)


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
