"""One gesture that moved many deliveries, as programs read it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import NotFound
from schedules import quiet
from schedules.models_planning import ShiftRow
from schedules.shifting import UNDO


@dataclass(frozen=True)
class Shifted:
    """A shift: `until` (UTC-aware) it may be taken back, `undone_at` when it was."""

    shift_id: UUID
    creator_id: UUID
    by: str
    deliveries: tuple[UUID, ...]
    made_at: datetime
    until: datetime
    undone_at: datetime | None


def one(scope: Scope, creators: Collection[UUID], shift_id: UUID) -> Shifted:
    """One shift of these creators; what a pause moved is not one: it comes back with the pause.

    Raises NotFound; another tenant's, and another creator's, look the same.
    """
    row = scope.session.exec(
        select(ShiftRow)
        .where(
            ShiftRow.tenant_id == scope.tenant_id,
            ShiftRow.id == shift_id,
            col(ShiftRow.id).not_in(quiet.moved_by_pauses(scope)),
        )
        .execution_options(populate_existing=True)
    ).first()
    if row is None or row.creator_id not in creators:
        raise NotFound("shift.unknown")
    made = row.created_at or scope.now
    moved = tuple(UUID(each["delivery"]) for each in row.moved)
    return Shifted(row.id, row.creator_id, row.by, moved, made, made + UNDO, row.undone_at)
