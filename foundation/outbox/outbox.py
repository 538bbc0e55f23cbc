"""The outbox: the only scheduler and the only retry mechanism.

Work for later is a row, written in the transaction that causes it. Packages call `put` and `cancel`
on their open scope. Rows are claimed, taken and settled in `foundation/outbox/row_leases.py`. With
`put_coalesced`, events in short succession are handled once, after the last of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy import text as sql

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments, timestamp_column
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from foundation.ops import telemetry

Queue = Literal["urgent", "chat", "publish", "make", "gpu", "buy", "notify", "facts"]
"""The queues. Processes handle all except `facts`, which the relay fans out.

See `foundation/outbox/fan_out.py`.
"""

QUEUES: tuple[Queue, ...] = get_args(Queue)
NOTIFY_CHANNEL = "outbox"
"""The channel on which the relay listens; the payload is a queue, or empty for all queues."""

WAKE_DELAY = timedelta(seconds=1)
"""The relay polls at least this often, so only rows due sooner must wake it."""


class Event(Protocol):
    """Work for later: a frozen dataclass of IDs, with its kind and queue as class variables.

    Other fields are few and small. Their types are UUID, str, int, bool, date, datetime, or one of
    these or None.
    """

    kind: ClassVar[str]
    queue: ClassVar[Queue]

    @property
    def tenant_id(self) -> UUID: ...

    @property
    def subject_id(self) -> UUID: ...


E = TypeVar("E", bound=Event)


class RetryLater(Exception):  # not an error: a handler returns its row without using up a try
    """Raised by a handler to be called again after `after`, when the delay is not the row's fault.

    With `fresh` there was progress, so earlier failures no longer count.
    """

    def __init__(self, after: timedelta, *, fresh: bool = False) -> None:
        self.after = after
        self.fresh = fresh
        super().__init__(f"later by {after.total_seconds():g} s")


class OutboxRow(TenantRow, table=True):
    """An event. Done and cancelled rows are deleted; one that failed too often becomes `dead`."""

    __tablename__ = "outbox"
    __table_args__ = table_arguments(
        CheckConstraint("state IN ('waiting', 'leased', 'dead')", name="outbox_state"),
        Index("outbox_due", "queue", "available_at", postgresql_where=sql("state = 'waiting'")),
        Index(
            "outbox_lane",
            "tenant_id",
            "lane",
            "priority",
            "available_at",
            "id",
            postgresql_where=sql("state = 'waiting' AND lane IS NOT NULL"),
        ),
        # The backstop of the claim. A row that holds its lane keeps it while it waits for a retry.
        Index(
            "outbox_one_per_lane",
            "tenant_id",
            "lane",
            unique=True,
            postgresql_where=sql(
                "lane IS NOT NULL"
                " AND (state = 'leased' OR state = 'waiting' AND holds_lane AND lease_token IS "
                "NOT NULL)"
            ),
        ),
        Index(
            "outbox_dedupe",
            "tenant_id",
            "dedupe_key",
            unique=True,
            postgresql_where=sql("state IN ('waiting', 'leased') AND dedupe_key IS NOT NULL"),
        ),
        Index("outbox_leased", "lease_token", postgresql_where=sql("state = 'leased'")),
        Index("outbox_expiring", "lease_until", postgresql_where=sql("state = 'leased'")),
        Index("outbox_subject", "tenant_id", "subject_id", "kind"),
        about="none",
        keep="until done",
    )

    kind: str
    version: int = 1
    subject_id: UUID
    args: dict[str, Any] = jsonb_column()
    queue: str
    lane: str | None = None
    holds_lane: bool = False
    group_key: str | None = None
    device_id: UUID | None = None
    priority: int = 5
    available_at: datetime = timestamp_column()
    state: str = "waiting"
    tries: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = timestamp_column(optional=True)
    started_at: datetime | None = timestamp_column(optional=True)
    dedupe_key: str | None = None
    trace_id: str
    last_error: str | None = None


_PUT = """
INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, lane, holds_lane,
group_key, priority,
  available_at, state, tries, dedupe_key, trace_id)
VALUES (:tenant_id, :id, :kind, :version, :subject_id, CAST(:args AS jsonb), :queue, :lane,
:holds_lane, :group_key,
  :priority, :at, 'waiting', 0, :dedupe, :trace)
ON CONFLICT DO NOTHING
RETURNING CASE WHEN :soon THEN pg_notify(:channel, :queue) END
"""
"""PostgreSQL sends one notification per transaction, at its commit, even for repeated requests."""

_INSTEAD = (
    "WITH gone AS (DELETE FROM outbox WHERE tenant_id = :tenant_id AND subject_id = :subject_id "
    "AND kind = :instead_of"
    " AND state = 'waiting')"
)


def put(
    scope: Scope,
    event: Event,
    *,
    at: datetime | None = None,
    lane: str | None = None,
    holds_lane: bool = False,
    priority: int = 5,
    dedupe: str | None = None,
    group: str | None = None,
    instead_of: type[Event] | None = None,
) -> UUID | None:
    """Store `event` in this transaction for handling at the time `at` (UTC-aware), by default now.

    Args:
        lane: rows of one lane of a tenant are handled one at a time and in order (priority, then
        `at`).
        holds_lane: hold the lane while this row waits for its retry; chats need it.
        priority: 0 (first) to 9.
        dedupe: at most one row with this key waits or runs.
        group: the relay prefers rows of the group (model) that is loaded.
        instead_of: a kind without lanes; its waiting rows about the same subject are removed.

    Returns the row's ID, or None if a row with the key `dedupe` waits or runs.
    """
    due = scope.now if at is None else at
    event_id = uuid7()
    replaced = {"instead_of": instead_of.kind} if instead_of is not None else {}
    done = scope.run(
        _INSTEAD + _PUT if replaced else _PUT,
        tenant_id=event.tenant_id,
        id=event_id,
        kind=event.kind,
        version=getattr(event, "version", 1),
        subject_id=event.subject_id,
        args=canonical_json(event_arguments(event)).decode(),
        queue=event.queue,
        lane=lane,
        holds_lane=holds_lane,
        group_key=group,
        priority=priority,
        at=due,
        dedupe=dedupe,
        trace=scope.session.info.setdefault(
            "trace", telemetry.trace_id()
        ),  # one trace per transaction
        soon=due <= scope.now + WAKE_DELAY,
        channel=NOTIFY_CHANNEL,
        **replaced,
    )
    return event_id if done.rowcount else None


def cancel(scope: Scope, kind: str, subject_id: UUID) -> int:
    """Remove the waiting rows of `kind` about a subject of this tenant, and return their number.

    Running rows are not affected.
    """
    return cancel_all(scope, subject_id, kind)


def cancel_all(scope: Scope, subject_id: UUID, *kinds: str) -> int:
    """Remove the waiting rows of several kinds in one statement, as `cancel` does."""
    gone = scope.run(
        "DELETE FROM outbox WHERE tenant_id = :tenant AND subject_id = :subject"
        " AND kind = ANY(CAST(:kinds AS text[])) AND state = 'waiting' RETURNING queue, lane",
        tenant=scope.tenant_id,
        subject=subject_id,
        kinds=list(kinds),
    ).all()
    for queue in {row.queue for row in gone if row.lane is not None}:
        wake_relay(scope, queue)  # The next row of the lane may run.
    return len(gone)


def make_due(scope: Scope, subject_id: UUID, *kinds: str) -> int:
    """Make the waiting rows of these kinds about a subject due now, and return their number."""
    found = scope.run(
        "UPDATE outbox SET available_at = :now WHERE tenant_id = :tenant AND subject_id = :subject"
        " AND kind = ANY(CAST(:kinds AS text[])) AND state = 'waiting' RETURNING queue",
        now=scope.now,
        tenant=scope.tenant_id,
        subject=subject_id,
        kinds=list(kinds),
    ).all()
    for row in found:
        wake_relay(scope, row.queue)
    return len(found)


def is_pending(scope: Scope, subject_id: UUID, *kinds: str) -> bool:
    """Return True if a row about a subject waits or runs, of one of `kinds` if any are given."""
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE tenant_id = :tenant AND subject_id = "
            ":subject"
            " AND state IN ('waiting', 'leased') AND (:any OR kind = ANY(CAST(:kinds AS text[]))))",
            tenant=scope.tenant_id,
            subject=subject_id,
            any=not kinds,
            kinds=list(kinds),
        ).scalar_one()
    )


def wake_relay(scope: Scope, queue: str) -> None:
    """Wake the relay for a queue when this transaction commits, once per queue."""
    stirred: set[str] = scope.session.info.setdefault("outbox_stirred", set())
    if not stirred:
        scope.before_commit(_notify_queues)
    stirred.add(queue)


def _notify_queues(scope: Scope) -> None:
    for queue in sorted(scope.session.info.pop("outbox_stirred", ())):
        scope.run("SELECT pg_notify(:channel, :queue)", channel=NOTIFY_CHANNEL, queue=queue)


def retry_dead(scope: Scope, event_id: UUID) -> None:
    """Return a dead row to the queue, due now and with all its tries.

    Raises NotFound if the row is not in this scope or not dead, and Conflict if another row with
    the same dedupe key waits or runs.
    """
    found = scope.run(
        "SELECT tenant_id, queue, dedupe_key, EXISTS (SELECT 1 FROM outbox b WHERE b.tenant_id = "
        "o.tenant_id"
        "   AND b.dedupe_key = o.dedupe_key AND b.state IN ('waiting', 'leased')) AS replaced"
        " FROM outbox o WHERE id = :id AND state = 'dead' FOR UPDATE",
        id=event_id,
    ).one_or_none()
    if found is None:
        raise NotFound("event.not_dead", event=str(event_id))
    if found.replaced:
        raise Conflict("event.replaced", event=str(event_id))
    scope.run(  # Without its token: a dead row has lost its lane to the rows after it.
        "UPDATE outbox SET state = 'waiting', tries = 0, lease_token = NULL, lease_until = NULL, "
        "started_at = NULL,"
        " available_at = :now, updated_at = :now WHERE tenant_id = :tenant AND id = :id AND state "
        "= 'dead'",
        now=scope.now,
        tenant=found.tenant_id,
        id=event_id,
    )
    wake_relay(scope, found.queue)


@dataclass(frozen=True)
class QueueStats:
    """The state of a queue in `greenroom status`; `oldest` is the age of the oldest due row.
    `later` are the waiting rows that are not due yet."""

    queue: str
    waiting: int
    leased: int
    dead: int
    oldest: timedelta
    later: int = 0

    @property
    def due(self) -> int:
        """Return the number of waiting rows that are due."""
        return self.waiting - self.later


def queue_stats(scope: Scope) -> list[QueueStats]:
    """Return the rows per queue that this scope sees: one tenant's as `app`, all as `relay`."""
    rows = scope.run(
        "SELECT queue, count(*) FILTER (WHERE state = 'waiting') AS waiting,"
        " count(*) FILTER (WHERE state = 'waiting' AND available_at > :now) AS later,"
        " count(*) FILTER (WHERE state = 'leased') AS leased, count(*) FILTER (WHERE state = "
        "'dead') AS dead,"
        " greatest(:now - min(available_at) FILTER (WHERE state = 'waiting'), interval '0') AS "
        "oldest"
        " FROM outbox GROUP BY queue",
        now=scope.now,
    )
    found = {row.queue: row for row in rows}
    return [
        QueueStats(queue, row.waiting, row.leased, row.dead, row.oldest or timedelta(), row.later)
        if (row := found.get(queue))
        else QueueStats(queue, 0, 0, 0, timedelta())
        for queue in QUEUES
    ]


@dataclass(frozen=True)
class DeadEvent:
    """A row that failed too often. `error` is a class and a code, never a text."""

    tenant_id: UUID
    id: UUID
    kind: str
    subject_id: UUID
    tries: int
    error: str
    died_at: datetime


def list_dead(scope: Scope, *, limit: int = 100) -> list[DeadEvent]:
    """Return the dead rows, newest first."""
    rows = scope.run(
        "SELECT tenant_id, id, kind, subject_id, tries, coalesce(last_error, '') AS error, "
        "updated_at AS died_at"
        " FROM outbox WHERE state = 'dead' ORDER BY updated_at DESC LIMIT :limit",
        limit=limit,
    )
    return [DeadEvent(**row._mapping) for row in rows]


def discard_dead(scope: Scope, event_id: UUID) -> None:
    """Delete a dead row, which will not be handled. Raises NotFound if it is not dead."""
    done = scope.run("DELETE FROM outbox WHERE id = :id AND state = 'dead'", id=event_id)
    if not done.rowcount:
        raise NotFound("event.not_dead", event=str(event_id))


_READERS: Mapping[type, Callable[[Any], Any]] = {
    UUID: UUID,
    str: str,
    int: int,
    bool: bool,
    date: date.fromisoformat,
    datetime: lambda text: datetime.fromisoformat(text).astimezone(UTC),
}


@cache
def _field_readers(event_type: type[Event]) -> Mapping[str, Callable[[Any], Any]]:
    hints = get_type_hints(event_type)
    # A protocol cannot require a dataclass.
    declared = fields(event_type)  # type: ignore[arg-type]  # see above
    return {
        field.name: _field_reader(event_type, field.name, hints[field.name]) for field in declared
    }


def _field_reader(event_type: type[Event], name: str, hint: Any) -> Callable[[Any], Any]:
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
    if get_args(hint) and all(isinstance(kind, str) for kind in kinds):
        return str  # Literal["a", "b"]
    many = (
        isinstance(get_origin(hint), type) and get_origin(hint) is not UnionType
    )  # list[str] is not supported: it would become one text.
    if many or len(kinds) != 1 or not isinstance(kinds[0], type):
        raise TypeError(
            f"{event_type.__name__}.{name}: an event carries IDs and small values, not {hint}"
        )
    kind = kinds[0]
    reader = _READERS.get(
        kind, kind if issubclass(kind, str) else None
    )  # A StrEnum parses its own value.
    if reader is None:
        raise TypeError(
            f"{event_type.__name__}.{name}: an event carries IDs and small values, not {hint}"
        )
    return lambda value: None if value is None else reader(value)


def event_arguments(event: Event) -> dict[str, Any]:
    """Return the stored form of an event's fields, without the two IDs."""
    names = [
        name for name in _field_readers(type(event)) if name not in ("tenant_id", "subject_id")
    ]
    return {name: _stored_value(getattr(event, name)) for name in names}


def _stored_value(value: Any) -> int | str | None:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) else _optional_text(value)


def _optional_text(value: object) -> str | None:
    return None if value is None else str(value)


def rebuild_event(
    event_type: type[E], tenant_id: UUID, subject_id: UUID, args: Mapping[str, Any]
) -> E:
    """Return the event that was passed to `put`; stored fields that it no longer has are ignored.

    Raises TypeError or ValueError if a field without default is missing or unreadable.
    """
    readers = _field_readers(event_type)
    values = {name: readers[name](value) for name, value in args.items() if name in readers}
    build: Callable[..., E] = event_type
    return build(tenant_id=tenant_id, subject_id=subject_id, **values)


def check_event_type(event_type: type[Event]) -> None:
    """Raise TypeError at startup for an event type whose rows cannot be converted back to it."""
    names = set(_field_readers(event_type))
    if not {"tenant_id", "subject_id"} <= names:
        raise TypeError(f"{event_type.__name__} lacks tenant_id or subject_id")
    if event_type.queue not in QUEUES:
        raise TypeError(f"{event_type.__name__}: no queue is called {event_type.queue}")


def put_coalesced(scope: Scope, event: Event, *, within: timedelta, part: str = "") -> datetime:
    """Put `event` at the end of the current interval of length `within` (whole seconds); return
    that end.

    Further calls in the same interval find it waiting, unless they are about another `part` of the
    subject. The deduplication key contains the time:
    otherwise the key would be in use while a row runs, and changes since the start of that row
    would not be handled.
    """
    size = int(within.total_seconds())
    end = (int(scope.now.timestamp()) // size + 1) * size
    at = datetime.fromtimestamp(end, UTC)
    subject = f"{event.subject_id}:{part}" if part else str(event.subject_id)
    put(scope, event, at=at, dedupe=f"soon:{event.kind}:{subject}:{end}")
    return at
