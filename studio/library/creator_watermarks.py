"""Watermarks of creators, drawn on image copies on request."""

from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from foundation.ids import derived_uuid
from generators.retouch import watermarks
from generators.retouch.watermarks import Watermark
from studio.library import assets, models


def set_watermark(scope: Scope, creator_id: UUID, mark: Watermark) -> None:
    """Set the watermark for future copies of a creator. Raises BadInput for characters that cannot
    be drawn."""
    watermarks.check_watermark_letters(mark)
    row_id = derived_uuid(scope.tenant_id, creator_id, "watermark")
    assets.lock_library(scope, "watermark", row_id)
    row = _find_watermark_row(scope, creator_id)
    if row is None:
        row = models.CreatorWatermarkRow(
            tenant_id=scope.tenant_id,
            id=row_id,
            creator_id=creator_id,
            text=mark.text,
            corner=mark.corner,
            size=mark.size,
            opacity=mark.opacity,
        )
    row.text = mark.text
    row.corner = mark.corner
    row.size = mark.size
    row.opacity = mark.opacity
    scope.add(row)


def get_watermark(scope: Scope, creator_id: UUID) -> Watermark | None:
    """Return the watermark of a creator, or None."""
    row = _find_watermark_row(scope, creator_id)
    return None if row is None else Watermark(row.text, row.corner, row.size, row.opacity)


def _find_watermark_row(scope: Scope, creator_id: UUID) -> models.CreatorWatermarkRow | None:
    return scope.session.exec(
        select(models.CreatorWatermarkRow).where(
            models.CreatorWatermarkRow.tenant_id == scope.tenant_id,
            models.CreatorWatermarkRow.creator_id == creator_id,
        )
    ).first()
