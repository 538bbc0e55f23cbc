"""Table of presences."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

import tenants.agencies.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class MemberPresence(CreatorOwnedRow, table=True):
    """A member who has a conversation or a post open.

    `seen_at` is the last sign of the open page, `active_at` that of typing a reply or of editing.
    """

    __tablename__ = "member_presences"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "kind", "subject_id", "member_id", name="member_presences_once"
        ),
        Index("member_presences_now", "tenant_id", "kind", "seen_at"),
        tenant_foreign_key("creator_id", "creators"),
        tenant_foreign_key("member_id", "members"),
        about="member",
        keep="1 day after the last sign",
    )
    member_id: UUID
    subject_id: UUID
    kind: str
    seen_at: datetime = timestamp_column()
    active_at: datetime | None = timestamp_column(optional=True)
