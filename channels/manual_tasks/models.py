"""Tables of manual tasks, of the downloads of their files, and of paired phones."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint

from channels.accounts.models import channel_foreign_key
from channels.manual_tasks.states import FileDownloadState, ManualTaskState
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class ManualTaskRow(CreatorOwnedRow, table=True):
    """A manual task to post or to remove content. One row per post on an account, and per copy to
    remove.

    `content` is exactly the content of the permit `permit_jti`.
    """

    __tablename__ = "handovers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "key", name="handovers_key"),
        Index("handovers_open", "tenant_id", "state", "due_at"),
        Index("handovers_channel", "tenant_id", "channel_id", "native_id"),
        channel_foreign_key(),
        about="creator",
        keep="while the tenant exists",
    )
    channel_id: UUID
    kind: str
    """`post` or `removal`."""
    key: str
    state: str = ManualTaskState.WAITING
    subject_kind: str
    subject_id: UUID
    permit_jti: UUID
    content: dict[str, Any] = jsonb_column()
    handed_at: datetime = timestamp_column()
    due_at: datetime | None = timestamp_column(optional=True)
    """Time from which members see the task; None until the post's package sets it."""
    late_until: datetime | None = timestamp_column(optional=True)
    opened_at: datetime | None = timestamp_column(optional=True)
    opened_by: UUID | None = None
    snoozed_until: datetime | None = timestamp_column(optional=True)
    reminders: int = 0
    closed_at: datetime | None = timestamp_column(optional=True)
    closed_by: UUID | None = None
    native_id: str = ""
    url: str = ""
    screenshot: str = ""
    """Digest of the screenshot that proves a duty required by the platform."""
    reason: dict[str, Any] | None = message_column()


class FileDownloadRow(CreatorOwnedRow, table=True):
    """A member's request for one file of a task: decided with a separate permit, and served
    once."""

    __tablename__ = "handover_saves"
    __table_args__ = table_arguments(
        Index("handover_saves_task", "tenant_id", "handover_id"),
        ForeignKeyConstraint(["tenant_id", "handover_id"], ["handovers.tenant_id", "handovers.id"]),
        about="creator",
        keep="18 months",
    )
    handover_id: UUID
    sha256: str
    state: str = FileDownloadState.ASKED
    asked_by: str
    permit_jti: UUID | None = None
    until: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()


class PhoneRow(TenantRow, table=True):
    """A member's paired phone; `seen_at` is the time of its last use."""

    __tablename__ = "phones"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="phones_member"),
        about="member",
        keep="1 year",
    )
    member_id: UUID
    name: str = ""
    seen_at: datetime = timestamp_column()
