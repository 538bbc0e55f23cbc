"""The audit trail: who did what, append-only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments


class AuditEntry(TenantRow, table=True):
    """Who did what, append-only."""

    __tablename__ = "audit_entries"
    __table_args__ = table_arguments(
        Index("audit_entries_actor", "tenant_id", "actor", "created_at"),
        about="member",
        keep="5 years",
    )
    actor: str
    act: str
    about: str
    details: dict[str, Any] = jsonb_column()


pass


@dataclass(frozen=True)
class AuditRecord:
    """Something somebody did; its sentence is `audit.<act>`."""

    actor: str
    act: str
    about: str
    details: Mapping[str, str | int]
    at: datetime


def list_recent_acts(scope: Scope, *, limit: int = 50) -> list[AuditRecord]:
    """What was done last, the newest first."""
    rows = scope.session.exec(
        select(AuditEntry)
        .where(AuditEntry.tenant_id == scope.tenant_id)
        .order_by(col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc())
        .limit(limit)
    )
    return [
        AuditRecord(row.actor, row.act, row.about, dict(row.details), row.created_at or scope.now)
        for row in rows
    ]


def find_last_act(scope: Scope, act: str, about: str) -> AuditRecord | None:
    """The last time somebody did that to a thing; None while nobody has."""
    row = scope.session.exec(
        select(AuditEntry)
        .where(
            AuditEntry.tenant_id == scope.tenant_id,
            AuditEntry.act == act,
            AuditEntry.about == about,
        )
        .order_by(col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc())
        .limit(1)
    ).first()
    return (
        None
        if row is None
        else AuditRecord(
            row.actor, row.act, row.about, dict(row.details), row.created_at or scope.now
        )
    )


def record(scope: Scope, act: str, about: str, **details: str | int) -> UUID:
    """Write that the scope's actor did `act` to `about` (kind:id); no secrets, no message texts.
    The entry's id."""
    entry = AuditEntry(
        tenant_id=scope.tenant_id, actor=scope.actor, act=act, about=about, details=dict(details)
    )
    scope.add(entry)
    return entry.id


def is_recorded_by_actor(
    scope: Scope, entry_id: UUID, act: str, about: str, *, since: datetime
) -> bool:
    """Whether the scope's actor wrote this very entry, after that instant."""
    entry = scope.session.get(AuditEntry, (scope.tenant_id, entry_id))
    if entry is None or entry.created_at is None or entry.created_at <= since:
        return False
    return (entry.actor, entry.act, entry.about) == (scope.actor, act, about)


def acted_on_by_actor(
    scope: Scope, act: str, about: Collection[str], *, since: datetime
) -> frozenset[str]:
    """Those of these things the scope's actor did `act` to, after that instant."""
    if not about:
        return frozenset()
    rows = scope.session.exec(
        select(AuditEntry.about).where(
            AuditEntry.tenant_id == scope.tenant_id,
            AuditEntry.actor == scope.actor,
            AuditEntry.act == act,
            col(AuditEntry.about).in_(list(about)),
            col(AuditEntry.created_at) > since,
        )
    )
    return frozenset(rows)
