"""Tables of ingest: uploads, and copies of pictures that were requested."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import CreatorOwnedRow, jsonb_column, message_column, table_arguments


class UploadRow(CreatorOwnedRow, table=True):
    """A file handed in at the dashboard or over the API, until it is an asset or refused."""

    __tablename__ = "uploads"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "sha256"),
        Index("uploads_recent", "tenant_id", "creator_id", "updated_at"),
        about="creator",
        keep="while the tenant is here",
    )
    name: str
    sha256: str
    """Of the file as it came; its bytes are deleted once it is settled."""
    size: int = Field(sa_type=BigInteger)
    by: str
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
    card_id: UUID | None = None
    """The shoot card it was handed in with."""
    batch: UUID | None = None
    """The files that were handed in by one gesture share it."""
    generated: bool = False
    """Whoever handed it in says that a model made it."""


class PictureCopyRow(CreatorOwnedRow, table=True):
    """A copy of a picture that was asked for, until it is an asset or refused."""

    __tablename__ = "picture_copies"
    __table_args__ = table_arguments(
        Index("picture_copies_recent", "tenant_id", "creator_id", "updated_at"),
        about="creator",
        keep="while the tenant is here",
    )
    asset_id: UUID
    """What it is made of."""
    finish: dict[str, Any] = jsonb_column()
    """What is done to it (`generators.retouch.finish.CopyFinish`); what was not asked for is left
    out."""
    by: str
    state: str = "waiting"
    reason: dict[str, Any] | None = message_column()
    made_id: UUID | None = None
    step: int = 0
    steps: int = 0
    """How many of so many tiles a model made larger."""
