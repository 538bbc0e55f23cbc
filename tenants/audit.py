"""The audit log of an agency: append-only records of what each member, key or process did.

An entry names the action. Its changes are recorded by triggers of the tables
(`migrations/tools.py`, `audit_table`) in the same transaction, for actors that are members, guests
or the terminal: the values of the changed columns before and after. A transaction of such an actor
that changes a row but records no entry gets the entry `changed.insert`, `.update` or `.delete` at
its commit.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Index, func
from sqlmodel import Field, col, select

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments
from foundation.ids import uuid7

PRESSED = "page.pressed"
"""The action of a button whose function records none itself: the code of its label and the
parameters."""
_RECORDED = "audit_recorded"
_CREATOR = "creator:"
AuditValue = str | int | Mapping[str, str | int]
ChangeKind = Literal["insert", "update", "delete"]


class AuditEntry(TenantRow, table=True):
    """An append-only record of one action by one actor."""

    __tablename__ = "audit_entries"
    __table_args__ = table_arguments(
        Index("audit_entries_actor", "tenant_id", "actor", "created_at"),
        Index("audit_entries_transaction", "tenant_id", "transaction_key"),
        Index("audit_entries_newest", "tenant_id", "created_at", "id"),
        about="member",
        keep="5 years",
    )
    actor: str
    act: str
    about: str
    details: dict[str, Any] = jsonb_column()
    creator_id: UUID | None = None
    transaction_key: str | None = Field(
        default=None, sa_column_kwargs={"server_default": func.audit_transaction()}
    )


class AuditChange(TenantRow, table=True):
    """A row that an actor inserted, updated or deleted. Only triggers write here.

    `before` and `after` contain the columns whose values are recorded; `others` counts the other
    columns that changed.
    """

    __tablename__ = "audit_changes"
    __table_args__ = table_arguments(
        Index("audit_changes_transaction", "tenant_id", "transaction_key"),
        about="member",
        keep="5 years",
    )
    actor: str
    transaction_key: str
    creator_id: UUID | None = None
    item_kind: str
    item_id: UUID
    change: str
    before: dict[str, Any] = jsonb_column()
    after: dict[str, Any] = jsonb_column()
    others: int


@dataclass(frozen=True)
class RowChange:
    """A changed row for display: its table, and the recorded values before and after. `others`
    counts changed columns whose values are not recorded."""

    item_kind: str
    item_id: UUID
    change: ChangeKind
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    others: int

    @property
    def fields(self) -> list[str]:
        """Return the names of the columns with values, sorted."""
        return sorted(self.before.keys() | self.after.keys())


@dataclass(frozen=True)
class AuditRecord:
    """One action of an actor, for display. Its text is the message `audit.<act>`."""

    actor: str
    act: str
    about: str
    details: Mapping[str, Any]
    at: datetime
    id: UUID
    creator_id: UUID | None = None
    changes: tuple[RowChange, ...] = ()


@dataclass(frozen=True)
class AuditFilter:
    """Conditions of a list; None and empty mean no condition.

    `creators` are the creators whose entries may be read, None for all entries of the agency.
    `since` is included, `until` is not (UTC-aware). `acts` are first parts of actions and
    `item_kinds` tables; an entry matches if either matches.
    """

    creators: frozenset[UUID] | None = None
    creator_id: UUID | None = None
    actor: str = ""
    acts: tuple[str, ...] = ()
    item_kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


_ENTRIES = """
SELECT e.id, e.actor, e.act, e.about, e.details, e.created_at, e.creator_id, e.transaction_key
FROM audit_entries e
WHERE e.tenant_id = :tenant
  AND (CAST(:actor AS text) = '' OR e.actor = :actor)
  AND (CAST(:since AS timestamptz) IS NULL OR e.created_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR e.created_at < :until)
  AND (CAST(:after_at AS timestamptz) IS NULL OR (e.created_at, e.id) < (:after_at, :after_id))
  AND (CAST(:creators AS uuid[]) IS NULL OR e.creator_id = ANY(:creators) OR EXISTS (
    SELECT FROM audit_changes c WHERE c.tenant_id = e.tenant_id
      AND c.transaction_key = e.transaction_key AND c.creator_id = ANY(:creators)))
  AND (CAST(:creator AS uuid) IS NULL OR e.creator_id = :creator OR EXISTS (
    SELECT FROM audit_changes c WHERE c.tenant_id = e.tenant_id
      AND c.transaction_key = e.transaction_key AND c.creator_id = :creator))
  AND (NOT :by_kind OR split_part(e.act, '.', 1) = ANY(:acts) OR EXISTS (
    SELECT FROM audit_changes c WHERE c.tenant_id = e.tenant_id
      AND c.transaction_key = e.transaction_key AND c.item_kind = ANY(:item_kinds)))
ORDER BY e.created_at DESC, e.id DESC LIMIT :limit
"""

MAX_CHANGES = 50
"""Maximum number of changed rows that an entry lists."""

_CHANGES = """
SELECT transaction_key, item_kind, item_id, change, before, after, others FROM (
  SELECT c.*, row_number() OVER (PARTITION BY c.transaction_key ORDER BY c.item_kind, c.id) AS place
  FROM audit_changes c WHERE c.tenant_id = :tenant AND c.transaction_key = ANY(:keys)
    AND (CAST(:creators AS uuid[]) IS NULL OR c.creator_id IS NULL
      OR c.creator_id = ANY(:creators))
) numbered WHERE place <= :most ORDER BY transaction_key, place
"""


def list_audit_records(
    scope: Scope,
    wanted: AuditFilter,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[AuditRecord]:
    """Return the entries that match a filter with their changes, newest first.

    `after` are the time and ID of the last entry of the page before.
    """
    creators = sorted(wanted.creators) if wanted.creators is not None else None
    rows = scope.run(
        _ENTRIES,
        tenant=scope.tenant_id,
        actor=wanted.actor,
        since=wanted.since,
        until=wanted.until,
        after_at=after[0] if after is not None else None,
        after_id=after[1] if after is not None else None,
        creators=creators,
        creator=wanted.creator_id,
        by_kind=bool(wanted.acts or wanted.item_kinds),
        acts=list(wanted.acts),
        item_kinds=list(wanted.item_kinds),
        limit=limit,
    ).all()
    changes = _changes_by_transaction(scope, [row.transaction_key for row in rows], creators)
    return [
        AuditRecord(
            row.actor,
            row.act,
            row.about,
            dict(row.details),
            row.created_at,
            row.id,
            row.creator_id,
            tuple(changes.get(row.transaction_key, ())),
        )
        for row in rows
    ]


def _changes_by_transaction(
    scope: Scope, keys: Sequence[str | None], creators: Sequence[UUID] | None
) -> dict[str | None, list[RowChange]]:
    """Return the changes of these transactions, at most `MAX_CHANGES` of each."""
    known = sorted({key for key in keys if key})
    if not known:
        return {}
    rows = scope.run(
        _CHANGES, tenant=scope.tenant_id, keys=known, creators=creators, most=MAX_CHANGES
    )
    found: dict[str | None, list[RowChange]] = {}
    for row in rows:
        found.setdefault(row.transaction_key, []).append(
            RowChange(row.item_kind, row.item_id, row.change, row.before, row.after, row.others)
        )
    return found


def list_recent_acts(scope: Scope, *, limit: int = 50) -> list[AuditRecord]:
    """Return the most recent actions, newest first."""
    rows = scope.session.exec(
        select(AuditEntry)
        .where(AuditEntry.tenant_id == scope.tenant_id)
        .order_by(col(AuditEntry.created_at).desc(), col(AuditEntry.id).desc())
        .limit(limit)
    )
    return [_record_from_row(scope, row) for row in rows]


def _record_from_row(scope: Scope, row: AuditEntry) -> AuditRecord:
    at = row.created_at or scope.now
    return AuditRecord(row.actor, row.act, row.about, dict(row.details), at, row.id, row.creator_id)


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
    return _record_from_row(scope, row) if row is not None else None


def record(
    scope: Scope, act: str, about: str, *, creator_id: UUID | None = None, **details: AuditValue
) -> UUID:
    """Record that the actor of the scope did `act` to `about` ("kind:id"). Return the ID of the
    entry.

    `details` must contain no secrets and no message texts. `creator_id` is the creator concerned;
    it follows from `about` if that is a creator.
    """
    if creator_id is None and about.startswith(_CREATOR):
        creator_id = UUID(about.removeprefix(_CREATOR))
    entry = AuditEntry(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        actor=scope.actor,
        act=act,
        about=about,
        details=dict(details),
        creator_id=creator_id,
    )
    scope.add(entry)
    scope.session.info[_RECORDED] = True
    return entry.id


def record_press(
    scope: Scope, label: str, about: str, params: Mapping[str, str | int] | None = None
) -> None:
    """Record the press of a button by the message code of its label, unless the function of the
    button has recorded its action in this scope."""
    if not scope.session.info.get(_RECORDED):
        record(scope, PRESSED, about, label=label, params=dict(params or {}))


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
