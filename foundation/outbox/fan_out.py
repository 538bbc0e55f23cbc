"""Facts: events with several listeners, and the fan-out that creates one row for each listener.

The relay fans out all due facts in one transaction. Handling a fact as a task would cost two more
transactions and a round trip through Celery. A listener's row may be delayed, so that no handler is
needed only to schedule another event.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import timedelta
from typing import Any

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops import telemetry
from foundation.outbox import outbox
from foundation.outbox.outbox import Event, Queue

FACT_QUEUE: Queue = "facts"
FACTS_PER_TURN = 500
"""Maximum facts per transaction."""


@dataclass(frozen=True)
class FactListener:
    """A listener: its event, the delay after the fact, and additional fields of the event."""

    event: type[Event]
    delay: timedelta = timedelta(0)
    extra_fields: Mapping[str, Any] = field(default_factory=dict)


class FactListeners:
    """The listeners of each fact.

    At startup it rejects a fact of another queue and a listener whose event would lack a field.
    """

    def __init__(self, heard: Mapping[type[Event], tuple[FactListener, ...]]) -> None:
        self.by_kind = {fact.kind: listeners for fact, listeners in heard.items()}
        for fact, listeners in heard.items():
            outbox.check_event_type(fact)
            if fact.queue != FACT_QUEUE:
                raise ValueError(f"{fact.kind} is a fact, and its queue is {fact.queue}")
            for one in listeners:
                lacking = _required_fields(one.event) - _field_names(fact) - one.extra_fields.keys()
                if lacking:
                    raise ValueError(
                        f"{one.event.kind} needs {', '.join(sorted(lacking))}, which {fact.kind} "
                        "has not"
                    )

    @property
    def listener_events(self) -> set[type[Event]]:
        """Return every event that facts create."""
        return {one.event for heard in self.by_kind.values() for one in heard}


def _field_names(event: type[Event]) -> set[str]:
    # A protocol cannot require a dataclass.
    return {one.name for one in fields(event)}  # type: ignore[arg-type]  # see above


def _required_fields(event: type[Event]) -> set[str]:
    # A protocol cannot require a dataclass.
    declared = fields(event)  # type: ignore[arg-type]  # see above
    return {one.name for one in declared if one.default is MISSING}


_DUE = """
SELECT tenant_id, id, kind, subject_id, args, available_at, trace_id FROM outbox
WHERE queue = :queue AND state = 'waiting' AND available_at <= :now
ORDER BY available_at, id LIMIT :most FOR UPDATE SKIP LOCKED
"""

_END = """
WITH ended AS (SELECT x.tenant_id, x.id, x.known FROM jsonb_to_recordset(CAST(:ended AS jsonb))
  AS x(tenant_id uuid, id uuid, known bool)),
told AS (DELETE FROM outbox o USING ended e WHERE o.tenant_id = e.tenant_id AND o.id = e.id AND
e.known),
strange AS (UPDATE outbox o SET state = 'dead', last_error = 'event.unrouted', updated_at = :now
FROM ended e
  WHERE o.tenant_id = e.tenant_id AND o.id = e.id AND NOT e.known)
INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, holds_lane, priority,
available_at, state,
  tries, dedupe_key, trace_id)
SELECT tenant_id, id, kind, version, subject_id, args, queue, false, 5, at, 'waiting', 0, dedupe,
trace
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(tenant_id uuid, id uuid, kind text, version
int, subject_id uuid,
  args jsonb, queue text, at timestamptz, dedupe text, trace text)
ON CONFLICT DO NOTHING
RETURNING set_config('synchronous_commit', 'off', true)
"""


def spread_facts(scope: Scope, facts: FactListeners) -> int:
    """Replace each due fact with one row per listener, and return the number of facts.

    Covers the tenants that the scope's role sees: all of them for `relay`. An unknown fact becomes
    a dead row and is shown.
    """
    due = scope.run(_DUE, queue=FACT_QUEUE, now=scope.now, most=FACTS_PER_TURN).all()
    if not due:
        return 0
    rows: list[Mapping[str, Any]] = []
    ended: list[Mapping[str, Any]] = []
    for fact in due:
        heard = _build_listener_rows(fact, facts)
        rows += heard or ()
        ended.append(
            {"tenant_id": str(fact.tenant_id), "id": str(fact.id), "known": heard is not None}
        )
        scope.after_commit(
            telemetry.EVENTS_HANDLED.labels(fact.kind, "dead" if heard is None else "fact").inc
        )
    scope.run(_END, now=scope.now, ended=_encode_rows(ended), rows=_encode_rows(rows))
    return len(due)


def _build_listener_rows(fact: Any, facts: FactListeners) -> list[dict[str, Any]] | None:
    """Return the rows of a fact's listeners, or None for an unknown or unreadable fact.

    Such a fact does not block others.
    """
    try:
        return [_build_listener_row(fact, one) for one in facts.by_kind[fact.kind]]
    except (KeyError, TypeError, ValueError):
        return None


def _build_listener_row(fact: Any, one: FactListener) -> dict[str, Any]:
    names = _field_names(one.event)
    said = {name: value for name, value in fact.args.items() if name in names} | dict(
        one.extra_fields
    )
    event = outbox.rebuild_event(one.event, fact.tenant_id, fact.subject_id, said)
    return {
        "tenant_id": str(fact.tenant_id),
        "id": str(uuid7()),
        "kind": event.kind,
        "version": getattr(event, "version", 1),
        "subject_id": str(fact.subject_id),
        "args": outbox.event_arguments(event),
        "queue": event.queue,
        "at": (fact.available_at + one.delay).isoformat(),
        "dedupe": f"{fact.id}:{event.kind}:{one.delay.total_seconds():g}",
        "trace": fact.trace_id,
    }


def _encode_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    return canonical_json(list(rows)).decode()
