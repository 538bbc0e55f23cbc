"""Table of clips that were requested."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql

from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class ClipRow(CreatorOwnedRow, table=True):
    """A clip that was asked for: of stills, or a picture that a model makes move."""

    __tablename__ = "clips"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key"),
        Index("clips_recent", "tenant_id", "creator_id", "created_at"),
        Index(
            "clips_moved",
            "tenant_id",
            "updated_at",
            postgresql_where=sql("kind = 'model' AND asset_id IS NOT NULL"),
        ),
        about="creator",
        keep="while the tenant is here",
    )
    key: str
    kind: str = "stills"
    spec: dict[str, Any] = jsonb_column()
    """What it is made of, as `studio.video.slideshows.SlideshowRequest` or
    `studio.video.animations.AnimationRequest` says it, by `kind`."""
    by: str
    state: str = "queued"
    done: int = 0
    """Frames that are drawn, or steps of a model, as last told, of `total`."""
    total: int
    waits_until: datetime | None = timestamp_column(optional=True)
    waits_for: str = ""
    """window or quota, as `studio.costs.quotas.GenerationWait` says."""
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
