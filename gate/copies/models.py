"""Table of consumed permits, each the record of the copy that it published."""

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
    """A consumed permit (`id` is its jti), and from then on the record of the copy it left
    outside."""

    __tablename__ = "permits"
    __table_args__ = table_arguments(
        Index("permits_subject", "tenant_id", "subject_kind", "subject_id"),
        Index("permits_channel", "tenant_id", "channel_id", "viewer", "minted_at"),
        Index(
            "permits_viewer",
            "tenant_id",
            "creator_id",
            "viewer",
            "minted_at",
            postgresql_where=text("viewer <> ''"),
        ),
        Index(
            "permits_short_lines",
            "tenant_id",
            "creator_id",
            "minted_at",
            postgresql_where=text("viewer = '' AND short_lines <> '[]'"),
        ),
        Index("permits_native", "native_ids", postgresql_using="gin"),
        Index("permits_files", "file_ids", postgresql_using="gin"),
        Index("permits_media", "media", postgresql_using="gin"),
        Index("permits_edits", "tenant_id", "edits", postgresql_where=text("edits IS NOT NULL")),
        # the log's entries are written last, at the commit: by then every permit must have its
        # decision
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
    state: str = "consumed"  # or void, when it is proven that nothing left
    native_ids: list[str] = jsonb_column(list)
    file_ids: list[str] = jsonb_column(list)
    visible_at: datetime | None = timestamp_column(optional=True)
    gone_at: datetime | None = timestamp_column(optional=True)
    gone_proof: str = ""
    recalled_at: datetime | None = timestamp_column(optional=True)
    recall_reason: dict[str, Any] | None = message_column()
    readback: dict[str, Any] | None = message_column()  # at, there, and the marks that were missing
    sold: bool = Field(
        default=False, sa_column_kwargs={"server_default": text("false")}
    )  # media behind a price
    edits: UUID | None = (
        None  # the permit of the copy whose words it changed: it has no place of its own
    )
    short_lines: list[list[str]] = jsonb_column(list)
    """Field and text of each short line of a public post: a term may be spread over posts."""
    url: str = Field(
        default="", sa_column_kwargs={"server_default": ""}
    )  # where that was told after it went out
