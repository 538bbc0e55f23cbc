"""Side effects of an operation besides its rows: audit entries, notices and queued tasks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foundation.db.database import Scope


@dataclass(frozen=True)
class StoredNotice:
    """A notice with its message code and parameters."""

    code: str
    params: dict[str, Any]
    urgent: bool
    open: bool
    creator: Any


@dataclass(frozen=True)
class StoredTask:
    """A queued task."""

    subject: Any
    args: dict[str, Any]
    priority: int
    dedupe: str | None
    at: datetime


def list_audit_entries(scope: Scope, *acts: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return the audit entries of these acts as (actor, act, about, details), in order."""
    rows = scope.run(
        "SELECT actor, act, about, details FROM audit_entries WHERE tenant_id = :t AND act = "
        "ANY(:acts) ORDER BY id",
        t=scope.tenant_id,
        acts=list(acts),
    )
    return [(row.actor, row.act, row.about, row.details) for row in rows]


def find_notice(scope: Scope, cause: str) -> StoredNotice | None:
    """Return the notice of a cause, or None if there never was one."""
    row = scope.run(
        "SELECT message, urgent, settled_at, creator_id FROM notices WHERE tenant_id = :t AND "
        "cause = :cause",
        t=scope.tenant_id,
        cause=cause,
    ).first()
    if row is None:
        return None
    params = row.message.get("params", {})
    return StoredNotice(
        row.message["code"], params, row.urgent, row.settled_at is None, row.creator_id
    )


def list_stored_tasks(scope: Scope, kind: str) -> list[StoredTask]:
    """Return the queued tasks of a kind, in order of creation."""
    rows = scope.run(
        "SELECT subject_id, args, priority, dedupe_key, available_at FROM outbox WHERE tenant_id "
        "= :t AND kind = :kind"
        " ORDER BY id",
        t=scope.tenant_id,
        kind=kind,
    )
    return [
        StoredTask(row.subject_id, row.args, row.priority, row.dedupe_key, row.available_at)
        for row in rows
    ]
