"""Tables of attempts, each try to publish, look up, remove or refund something, and of the permits
that were used."""

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
    """A permit that a request was sent under; `id` is its jti. Later than its minute the permit is
    refused by its time."""

    __tablename__ = "permit_uses"
    __table_args__ = table_arguments(about="nobody", keep="1 day")


class AttemptRow(TenantRow, table=True):
    """One try to carry a subject out, look for it, take it away or give money back: the only record
    of sending.

    Steps are added one by one, each answer once, the outcome once, its resolution once; nothing
    else changes.
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
    """When the single-shot step was armed: from then on only an answer, a look or a person ends the
    doubt."""
    unit: dict[str, Any] = jsonb_column()
    unit_digest: str = ""
    steps: list[dict[str, Any]] = jsonb_column(list)
    """name, kind, wire_digest, permit_jti, armed_at, answer, answered_at of each request, in
    order."""
    http_status: int | None = None
    outcome: str | None = None
    result: dict[str, Any] = jsonb_column()
    """The outcome with its fields (native id, address, wait); of a look, what was seen."""
    detail: dict[str, Any] | None = message_column()
    closed_at: datetime | None = timestamp_column(optional=True)
    resolution: dict[str, Any] = jsonb_column()
    """What ended a doubt later: the outcome that was found or said, or `absent`; empty while
    nothing did."""
    resolved_by: str | None = None
