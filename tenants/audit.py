"""The audit log of an agency: append-only records of what each member, key or process did."""

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
    """An append-only record of one action by one actor."""

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


@dataclass(frozen=True)
class AuditRecord:
    """One action of an actor, for display. Its text is the message `audit.<act>`."""

    actor: str
    act: str
    about: str
    details: Mapping[str, str | int]
    at: datetime


def list_recent_acts(scope: Scope, *, limit: int = 50) -> list[AuditRecord]:
    """Return the most recent actions, newest first."""
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
    """Return the most recent `act` on `about`, or None."""
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
    """Record that the actor of the scope did `act` to `about` ("kind:id"). Return the ID of the
    entry.

    `details` must contain no secrets and no message texts.
    """
    entry = AuditEntry(
        tenant_id=scope.tenant_id, actor=scope.actor, act=act, about=about, details=dict(details)
    )
    scope.add(entry)
    return entry.id


def is_recorded_by_actor(
    scope: Scope, entry_id: UUID, act: str, about: str, *, since: datetime
) -> bool:
    """Return True if the actor of the scope wrote this entry, with this action and subject, after
    `since`."""
    entry = scope.session.get(AuditEntry, (scope.tenant_id, entry_id))
    if entry is None or entry.created_at is None or entry.created_at <= since:
        return False
    return (entry.actor, entry.act, entry.about) == (scope.actor, act, about)


def acted_on_by_actor(
    scope: Scope, act: str, about: Collection[str], *, since: datetime
) -> frozenset[str]:
    """Return those subjects of `about` on which the actor of the scope did `act` after `since`."""
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
