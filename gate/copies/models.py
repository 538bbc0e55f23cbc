"""The table of consumed permits, each the record of the copy that it published."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlmodel import Field

import gate.log.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class PermitRow(CreatorOwnedRow, table=True):
    """A consumed permit (`id` is its jti) and the record of its published copy."""

    __tablename__ = "permits"
    __table_args__ = table_arguments(
        Index("permits_subject", "tenant_id", "subject_kind", "subject_id"),
        Index("permits_channel", "tenant_id", "channel_id", "viewer", "minted_at"),
        Index(
            "permits_reader",
            "tenant_id",
            "platform",
            "viewer",
            "minted_at",
            postgresql_where=text("viewer <> ''"),
        ),
        Index(
            "permits_short_lines",
            "tenant_id",
            "creator_id",
            "minted_at",
            postgresql_where=text(
                "viewer = '' AND (short_lines -> 0 ->> 0 <> '' OR short_lines -> 1 IS NOT NULL)"
            ),
        ),
        Index(
            "permits_public",
            "tenant_id",
            "creator_id",
            "minted_at",
            postgresql_where=text("viewer = '' AND short_lines -> 0 ->> 0 = ''"),
        ),
        Index("permits_native", "native_ids", postgresql_using="gin"),
        Index("permits_files", "file_ids", postgresql_using="gin"),
        Index("permits_media", "media", postgresql_using="gin"),
        Index("permits_edits", "tenant_id", "edits", postgresql_where=text("edits IS NOT NULL")),
        # Log entries are written last, at the commit, which checks that every permit has its
        # decision.
        ForeignKeyConstraint(
            ["tenant_id", "decision_id"],
            ["decisions.tenant_id", "decisions.id"],
            deferrable=True,
            initially="DEFERRED",
        ),
        about="fan",
        keep="while a copy may be visible, then 5 years",
    )
    decision_id: UUID
    subject_kind: str
    subject_id: UUID
    channel_id: UUID
    account: str
    platform: str
    surface: str
    viewer: str
    step: str
    unit_digest: str
    wire_digest: str
    flags: list[str] = jsonb_column(list)
    media: list[str] = jsonb_column(list)
    persons: list[str] = jsonb_column(list)
    bundle: str
    epochs: dict[str, Any] = jsonb_column()
    minted_at: datetime = timestamp_column()
    expires_at: datetime = timestamp_column()
    state: str = "consumed"  # or "void", if it is proven that nothing was published
    native_ids: list[str] = jsonb_column(list)
    file_ids: list[str] = jsonb_column(list)
    visible_at: datetime | None = timestamp_column(optional=True)
    gone_at: datetime | None = timestamp_column(optional=True)
    gone_proof: str = ""
    recalled_at: datetime | None = timestamp_column(optional=True)
    recall_reason: dict[str, Any] | None = message_column()
    readback: dict[str, Any] | None = message_column()  # at, there, and the missing flags
    sold: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("false")}
    )  # paid media
    edits: UUID | None = (
        None  # The permit of the copy that this one edits; the edit has no platform ID of its own.
    )
    short_lines: list[list[str]] = jsonb_column(list)
    """The first letter of a public post, and field and text of each of its short lines, since a
    term may be spread over several posts."""
    url: str = Field(
        default="", sa_column_kwargs={"server_default": ""}
    )  # the address reported after publication
