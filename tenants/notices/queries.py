"""Queries of open notices."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, or_, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from tenants.notices.models import NoticeRow


@dataclass(frozen=True)
class Notice:
    """An open notice; `at` is the time at which it was last opened (UTC-aware)."""

    cause: str
    message: Message
    urgent: bool
    at: datetime
    creator_id: UUID | None


def list_open_notices(scope: Scope, *, limit: int = 50, to: UUID | None = None) -> list[Notice]:
    """Return open notices that need a decision, urgent ones first, then newest first. With `to`,
    notices for other principals are excluded."""
    theirs = (
        []
        if to is None
        else [or_(col(NoticeRow.principal_id).is_(None), NoticeRow.principal_id == to)]
    )
    rows = scope.session.exec(
        select(NoticeRow)
        .where(
            NoticeRow.tenant_id == scope.tenant_id,
            col(NoticeRow.settled_at).is_(None),
            col(NoticeRow.informs).is_(False),
            *theirs,
        )
        .order_by(col(NoticeRow.urgent).desc(), col(NoticeRow.updated_at).desc(), col(NoticeRow.id))
        .limit(limit)
    )
    return [
        Notice(
            row.cause,
            Message.from_json(row.message or {"code": "?"}),
            row.urgent,
            row.updated_at or scope.now,
            row.creator_id,
        )
        for row in rows
    ]
