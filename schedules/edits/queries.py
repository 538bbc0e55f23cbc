"""Queries of edits for pages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.edits.models import PostEdit
from schedules.edits.states import OPEN_EDITS, EditState


@dataclass(frozen=True)
class EditView:
    """An edit of one delivery. `before` and `after` are title and body; instants are UTC-aware."""

    id: UUID
    delivery_id: UUID
    state: EditState
    reason: Message | None
    before: tuple[str, str]
    after: tuple[str, str]
    by: str
    asked_at: datetime
    settled_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Return True if the published text differs, or may differ, from that of the post."""
        return self.state in OPEN_EDITS


def edits_of_deliveries(scope: Scope, deliveries: Collection[UUID]) -> dict[UUID, list[EditView]]:
    """Return every edit of each of these deliveries, oldest first; those without any are absent."""
    query = select(PostEdit).where(
        PostEdit.tenant_id == scope.tenant_id, col(PostEdit.delivery_id).in_(list(deliveries))
    )
    found: dict[UUID, list[EditView]] = {}
    for row in scope.session.exec(
        query.order_by(col(PostEdit.id)).execution_options(populate_existing=True)
    ):
        found.setdefault(row.delivery_id, []).append(_edit_view_from_row(scope, row))
    return found


def _edit_view_from_row(scope: Scope, row: PostEdit) -> EditView:
    return EditView(
        row.id,
        row.delivery_id,
        EditState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        (row.before["title"], row.before["body"]),
        (row.after["title"], row.after["body"]),
        row.by,
        row.created_at or scope.now,
        row.settled_at,
    )
