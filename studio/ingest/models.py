"""Tables of ingest: uploads and requested image copies."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import CreatorOwnedRow, jsonb_column, message_column, table_arguments


class UploadRow(CreatorOwnedRow, table=True):
    """A file uploaded in the dashboard or through the API, until it is an asset or rejected."""

    __tablename__ = "uploads"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "sha256"),
        Index("uploads_recent", "tenant_id", "creator_id", "updated_at"),
        about="creator",
        keep="while the tenant exists",
    )
    name: str
    sha256: str
    """Digest of the uploaded file, whose bytes are deleted after processing."""
    size: int = Field(sa_type=BigInteger)
    by: str
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
    card_id: UUID | None = None
    """The shoot card selected at upload."""
    batch: UUID | None = None
    """Shared by files uploaded together."""
    generated: bool = False
    """True if the uploader declares that a model made it."""


class PictureCopyRow(CreatorOwnedRow, table=True):
    """A requested image copy, until it is an asset or rejected."""

    __tablename__ = "picture_copies"
    __table_args__ = table_arguments(
        Index("picture_copies_recent", "tenant_id", "creator_id", "updated_at"),
        about="creator",
        keep="while the tenant exists",
    )
    asset_id: UUID
    """The source image."""
    finish: dict[str, Any] = jsonb_column()
    """The requested changes (`generators.retouch.finish.CopyFinish`), without defaults."""
    by: str
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    made_id: UUID | None = None
    step: int = 0
    steps: int = 0
    """Total number of tiles for upscaling by a model; `step` is the number done."""
