"""Bulk operations on the outbox, for example for an imported file, in few statements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops import telemetry
from foundation.outbox import outbox
from foundation.outbox.outbox import WAKE_DELAY, Event, OutboxRow


@dataclass(frozen=True)
class DueEvent:
    """An event and its due time (UTC-aware); `lane` and `priority` as for `outbox.put`."""

    event: Event
    at: datetime
    lane: str | None = None
    priority: int = 5


def put_many(scope: Scope, rows: Sequence[DueEvent]) -> None:
    """Put these events as `outbox.put` does, in this transaction."""
    trace = scope.session.info.setdefault(
        "trace", telemetry.trace_id()
    )  # one trace per transaction
    insert_rows(scope, OutboxRow, [_row_from_due_event(one, trace) for one in rows])
    for queue in {one.event.queue for one in rows if one.at <= scope.now + WAKE_DELAY}:
        outbox.wake_relay(scope, queue)


def _row_from_due_event(one: DueEvent, trace: str) -> dict[str, object]:
    return {
        "id": uuid7(),
        "kind": one.event.kind,
        "version": getattr(one.event, "version", 1),
        "subject_id": one.event.subject_id,
        "args": outbox.event_arguments(one.event),
        "queue": one.event.queue,
        "lane": one.lane,
        "holds_lane": False,
        "priority": one.priority,
        "available_at": one.at,
        "state": "waiting",
        "tries": 0,
        "trace_id": trace,
    }


def cancel_many(scope: Scope, kinds: Collection[str], subjects: Collection[UUID]) -> int:
    """Cancel the waiting events of these kinds and subjects; return the number of rows removed."""
    gone = scope.run(
        "DELETE FROM outbox WHERE tenant_id = :tenant AND subject_id = ANY(:subjects) AND kind = "
        "ANY(:kinds)"
        " AND state = 'waiting' RETURNING queue, lane",
        tenant=scope.tenant_id,
        subjects=list(subjects),
        kinds=list(kinds),
    ).all()
    for queue in {row.queue for row in gone if row.lane is not None}:
        outbox.wake_relay(scope, queue)
    return len(gone)


def pending_subjects(
    scope: Scope, kind: str, subjects: Collection[UUID], *, before: datetime
) -> frozenset[UUID]:
    """Return the subjects with a running event of a kind, or one due before a time (UTC-aware)."""
    found = scope.run(
        "SELECT DISTINCT subject_id FROM outbox WHERE tenant_id = :tenant"
        " AND subject_id = ANY(CAST(:subjects AS uuid[])) AND kind = :kind"
        " AND (state = 'leased' OR state = 'waiting' AND available_at < :before)",
        tenant=scope.tenant_id,
        subjects=list(subjects),
        kind=kind,
        before=before,
    )
    return frozenset(found.scalars())
