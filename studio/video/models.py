"""Table of requested clips."""

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
    """A requested clip: a slideshow of stills, or an animation of an image."""

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
        keep="while the tenant exists",
    )
    key: str
    kind: str = "stills"
    spec: dict[str, Any] = jsonb_column()
    """The request, a `studio.video.slideshows.SlideshowRequest` or a
    `studio.video.animations.AnimationRequest` depending on `kind`."""
    by: str
    state: str = "queued"
    done: int = 0
    """Number of rendered frames or completed model steps of `total`, as last reported."""
    total: int
    waits_until: datetime | None = timestamp_column(optional=True)
    waits_for: str = ""
    """Limit for which it waits, window or quota, as in `studio.costs.quotas.GenerationWait`."""
    reason: dict[str, Any] | None = message_column()
    asset_id: UUID | None = None
