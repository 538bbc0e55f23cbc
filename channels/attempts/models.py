"""Tables of attempts (each try to publish, look up, edit, remove or refund something) and of used
permits."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint

from channels.accounts.models import channel_foreign_key
from foundation.db.tables import (
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


class PermitUseRow(TenantRow, table=True):
    """A permit under which a request was sent; `id` is its jti.

    After its minute, the expiry of the permit prevents another use.
    """

    __tablename__ = "permit_uses"
    __table_args__ = table_arguments(about="none", keep="1 day")


class AttemptRow(TenantRow, table=True):
    """One try to publish a subject, look it up, remove it or refund it: the only record of sending.

    Steps are appended; each response, the outcome and the resolution are written once. Nothing else
    changes.
    """

    __tablename__ = "attempts"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "subject_kind", "subject_id", "part", "kind", "n", name="attempts_once"
        ),
        Index("attempts_channel", "tenant_id", "channel_id", "armed_at"),
        channel_foreign_key(),
        about="fan",
        keep="18 months",
    )
    channel_id: UUID
    subject_kind: str
    subject_id: UUID
    part: int = 0
    n: int
    kind: str
    native_key: str
    armed_at: datetime = timestamp_column()
    deadline_at: datetime = timestamp_column()
    publish_armed_at: datetime | None = timestamp_column(optional=True)
    """Time at which the publishing step was prepared. From then on only a response, a lookup or a
    member ends the uncertainty."""
    unit: dict[str, Any] = jsonb_column()
    unit_digest: str = ""
    steps: list[dict[str, Any]] = jsonb_column(list)
    """The requests in order, each with name, kind, wire_digest, permit_jti, armed_at, answer and
    answered_at."""
    http_status: int | None = None
    outcome: str | None = None
    result: dict[str, Any] = jsonb_column()
    """The fields of the outcome (native ID, URL, delay); for a lookup, what it found."""
    detail: dict[str, Any] | None = message_column()
    closed_at: datetime | None = timestamp_column(optional=True)
    resolution: dict[str, Any] = jsonb_column()
    """The later result of an uncertain attempt: the outcome that was found or stated, or `absent`;
    empty if there is none."""
    resolved_by: str | None = None
