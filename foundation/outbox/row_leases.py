"""Leases on outbox rows: claimed by the relay, taken and settled by a worker, swept when lost.

Every function works on an open scope. The role `relay` sees all tenants; `app` (the in-process
relay of tests) sees the rows of one. A lease is a token: only its holder can settle the row.

These transactions commit asynchronously. A crashed server may forget a claim, which is then
repeated with a new token, or the end of a row, whose handler then runs again and finds its work
done. A later synchronous commit makes all earlier ones durable too, so no commit of ours is
forgotten after one that depends on it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from foundation.db.database import Scope, StatementRunner
from foundation.ops import telemetry
from foundation.outbox.outbox import NOTIFY_CHANNEL, QUEUES, Queue, wake_relay

CLAIM_LEASE = timedelta(seconds=5)
"""Duration of a lease until the row is taken; must exceed the time a message waits in Redis."""

LEASE_GRACE = timedelta(seconds=15)
"""Time that a lease adds to its handler's deadline."""

MAX_DEADLINE = timedelta(minutes=15)
"""Longer than any lease: one that ends later was issued before the clock was set back."""

GROUP_PATIENCE = timedelta(minutes=5)
"""Time after which a row no longer yields to rows of the loaded group."""

_CLAIMING = 0x6F7574626F78
"""Advisory lock of the claim (ASCII for "outbox"); other relays wait for it."""


@dataclass(frozen=True)
class Backoff:
    """Delays after failures: full jitter over `first` × `factor`ⁿ; dead after `dead_at` tries."""

    first: timedelta = timedelta(seconds=10)
    factor: int = 3
    dead_at: int = 5


DEFAULT_BACKOFF = Backoff()


# Not an error: two rows of one lane collided and the index rejected one.
class LaneCollision(Exception):
    """The unique index on lanes rejected a claim; no row was claimed."""


@dataclass(frozen=True)
class QueueState:
    """The state of a queue: leased rows, whether any row is due, and the next due time."""

    leased: int
    due: bool
    next_at: datetime | None


@dataclass(frozen=True)
class ClaimedRow:
    """A claimed row. `before` is its earlier token: returning the row restores it and thus its
    lane."""

    tenant_id: UUID
    id: UUID
    token: UUID
    before: UUID | None
    priority: int
    available_at: datetime
    group: str | None = None


@dataclass(frozen=True)
class TakenRow:
    """A row that a worker handles."""

    tenant_id: UUID
    id: UUID
    token: UUID
    kind: str
    subject_id: UUID
    args: Mapping[str, Any]
    queue: Queue
    tries: int
    trace: str


_LOOK = f"""
SELECT q AS queue, coalesce(n, 0) AS leased, coalesce(first <= :now, false) AS due,
  CASE WHEN first > :now THEN first ELSE (SELECT available_at FROM outbox
    WHERE queue = q AND state = 'waiting' AND available_at > :now ORDER BY available_at LIMIT 1)
    END AS next_at
FROM (VALUES {", ".join(f"('{queue}')" for queue in QUEUES)}) queues(q)
LEFT JOIN LATERAL (SELECT available_at AS first FROM outbox
  WHERE queue = q AND state = 'waiting' ORDER BY available_at LIMIT 1) earliest ON true
LEFT JOIN (SELECT queue, count(*) AS n FROM outbox WHERE state = 'leased' GROUP BY queue) b ON
b.queue = q
"""  # noqa: S608 fixed names
"""The queues are literals, so that its plan is cached; planning took half a millisecond each time.

A cached plan does not know `now` and estimates that a third of all rows are due. EXISTS would then
scan the table, a year of scheduled rows if none is due; a query for the first row uses the index.
"""


def queue_states(scope: Scope) -> dict[Queue, QueueState]:
    """Return the state of all queues at the scope's `now`."""
    return {
        row.queue: QueueState(row.leased, row.due, row.next_at)
        for row in scope.run(_LOOK, now=scope.now)
    }


_CLAIM = """
WITH busy AS (SELECT tenant_id, count(*) AS n FROM outbox WHERE state = 'leased' AND queue =
:queue GROUP BY tenant_id),
keepers AS MATERIALIZED (SELECT tenant_id, lane, id FROM outbox WHERE lane IS NOT NULL
  AND (state = 'leased' OR state = 'waiting' AND holds_lane AND lease_token IS NOT NULL)),
due AS MATERIALIZED (SELECT tenant_id, id, lane, priority, available_at,
    CASE WHEN group_key IS NOT DISTINCT FROM CAST(:loaded AS text)
      OR available_at <= :now - CAST(:patience AS interval) THEN 0
      WHEN starts_with(group_key || '|', CAST(:kin AS text)) THEN 1 ELSE 2 END AS far,
    row_number() OVER (PARTITION BY tenant_id, lane ORDER BY priority, available_at, id) AS place
  FROM outbox WHERE queue = :queue AND state = 'waiting' AND available_at <= :now
    AND (CAST(:elsewhere AS text[]) IS NULL OR group_key IS NULL
      OR NOT string_to_array(group_key, '|') && CAST(:elsewhere AS text[])
      OR NOT EXISTS (SELECT FROM jsonb_array_elements(CAST(:others AS jsonb)) o(has)
        WHERE NOT EXISTS (SELECT FROM unnest(string_to_array(group_key, '|')) n(name)
          WHERE n.name = ANY(CAST(:known AS text[])) AND NOT jsonb_exists(o.has, n.name))))
    AND (NOT :others_exist OR device_id IS NULL OR device_id <> CAST(:device AS uuid))
    AND (NOT :loaded_only OR group_key IS NOT DISTINCT FROM CAST(:loaded AS text)
      OR starts_with(group_key || '|', CAST(:kin AS text))
      OR available_at <= :now - CAST(:patience AS interval))),
free AS MATERIALIZED (SELECT d.* FROM due d LEFT JOIN keepers k ON k.tenant_id = d.tenant_id AND
k.lane = d.lane
  WHERE d.lane IS NULL OR k.id = d.id OR k.id IS NULL AND d.place = 1),
share AS (SELECT least(CAST(:most AS int), greatest(CAST(:least AS int),
    ceil(CAST(:places AS numeric) / greatest(count(DISTINCT tenant_id), 1)))) AS per_tenant FROM
    free),
head AS (SELECT f.*, coalesce(n, 0) + row_number()
    OVER (PARTITION BY tenant_id ORDER BY far, priority, available_at, id) AS turn
  FROM free f LEFT JOIN busy USING (tenant_id)),
pick AS (SELECT tenant_id, id FROM head, share WHERE turn <= per_tenant
  ORDER BY far, turn, coalesce(array_position(CAST(:served AS uuid[]), tenant_id), 0), priority,
  available_at
  LIMIT :room),
mine AS (SELECT tenant_id, id, lease_token AS before FROM outbox
  WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM pick) AND state = 'waiting' FOR UPDATE SKIP
  LOCKED)
UPDATE outbox o SET state = 'leased', tries = tries + 1, lease_token = gen_random_uuid(),
  lease_until = :now + CAST(:lease AS interval), started_at = NULL,
  device_id = CAST(:device AS uuid)
FROM mine WHERE o.tenant_id = mine.tenant_id AND o.id = mine.id
RETURNING o.tenant_id, o.id, o.lease_token AS token, mine.before, o.priority, o.available_at,
o.group_key,
  set_config('synchronous_commit', 'off', true)
"""
"""Ranks due rows once per lane and per tenant; a look-up in the lane's index for each took four
times as long."""


def lock_claims(scope: Scope) -> bool:
    """Lock out the claims of other relays until the end of the transaction. Return False while
    another one is claiming."""
    found = scope.run("SELECT pg_try_advisory_xact_lock(:key)", key=_CLAIMING).scalar_one()
    return bool(found)


@dataclass(frozen=True)
class GroupOrder:
    """The order of rows that share a loaded model, and the device that they are claimed for.

    Rows of the group `loaded` come first until others have waited for `patience`; next are those of
    groups that, with `|` appended, start with `kin`. `loaded_only` claims no others.
    """

    loaded: str | None = None
    kin: str | None = None
    patience: timedelta = GROUP_PATIENCE
    served: Sequence[UUID] = ()
    """The tenants served before, the latest one last: with a single place they come after the
    others."""
    loaded_only: bool = False
    device: UUID | None = None
    """The worker process whose device will run the rows."""
    own: frozenset[str] = frozenset()
    """Names of the engines, models and LoRAs of this device."""
    others: Sequence[frozenset[str]] = ()
    """The names of each other device. A row is left if one of them has all names of its group that
    any device has, and this one does not; or if this device was given the row and did not start it.
    """


NO_GROUPS = GroupOrder()


def claim_rows(
    scope: Scope,
    queue: Queue,
    *,
    places: int,
    room: int,
    lease: timedelta = CLAIM_LEASE,
    tenant_limit: int | None = None,
    order: GroupOrder = NO_GROUPS,
) -> list[ClaimedRow]:
    """Lease up to `room` due rows of a queue, one per lane, tenants in turn; return them in send
    order.

    A tenant may hold its share of the queue's `places` among the tenants with due rows, at least a
    quarter, and at most `tenant_limit` rows.

    Returns no rows while another relay is claiming. Raises LaneCollision if the unique index on
    lanes rejects the claim: roll back; the next claim sees the current lane.
    """
    if not lock_claims(scope):
        return []
    known = order.own.union(*order.others)
    try:
        rows = scope.run(
            _CLAIM,
            queue=queue,
            now=scope.now,
            room=room,
            places=places,
            least=max(places // 4, 1),
            most=tenant_limit,
            lease=lease,
            loaded=order.loaded,
            kin=order.kin,
            patience=order.patience,
            served=list(order.served),
            loaded_only=order.loaded_only,
            device=order.device,
            others_exist=bool(order.others),
            elsewhere=sorted(known - order.own) or None,
            known=sorted(known),
            others=json.dumps([sorted(names) for names in order.others]),
        ).all()
    except (
        IntegrityError
    ) as error:  # A row was put before the head of its lane while that was leased (observed).
        telemetry.LANE_COLLISIONS.inc()
        raise LaneCollision from error
    found = [
        ClaimedRow(r.tenant_id, r.id, r.token, r.before, r.priority, r.available_at, r.group_key)
        for r in rows
    ]
    return sorted(found, key=lambda row: (row.priority, row.available_at, row.id))


def load_device_groups(scope: Scope, queue: Queue) -> dict[UUID, str | None]:
    """Return the devices that run rows of a queue, each with the group of the row that it was
    given last."""
    rows = scope.run(
        "SELECT DISTINCT ON (device_id) device_id, group_key FROM outbox WHERE queue = :queue"
        " AND state = 'leased' AND device_id IS NOT NULL ORDER BY device_id, lease_until DESC",
        queue=queue,
    )
    return {row.device_id: row.group_key for row in rows}


def is_capacity_needed(scope: Scope, taken: TakenRow) -> bool:
    """Return True if another tenant has a due row in the queue of a running one.

    Long tasks may then return their capacity.
    """
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE queue = :queue AND state = 'waiting' AND "
            "available_at <= :now"
            " AND tenant_id <> :tenant)",
            queue=taken.queue,
            tenant=taken.tenant_id,
            now=scope.now,
        ).scalar_one()
    )


def return_rows(scope: Scope, rows: Sequence[ClaimedRow]) -> None:
    """Undo claims whose message could not be sent, without using up an attempt or losing a held
    lane."""
    for row in rows:
        scope.run(
            "UPDATE outbox SET state = 'waiting', tries = tries - 1, lease_token = :before, "
            "lease_until = NULL, device_id = NULL"
            " WHERE tenant_id = :tenant AND id = :id AND lease_token = :token AND state = 'leased'"
            " AND started_at IS NULL",
            before=row.before,
            tenant=row.tenant_id,
            id=row.id,
            token=row.token,
        )


def take_row(
    scope: StatementRunner,
    event_id: UUID,
    token: UUID,
    *,
    deadline: timedelta,
    grace: timedelta = LEASE_GRACE,
) -> TakenRow | None:
    """Start a leased row and extend its lease to the handler's deadline plus `grace`.

    Return None for an outdated message, whose row was taken, swept, cancelled or done. Repeated
    messages are therefore harmless.
    """
    row = scope.run(
        "UPDATE outbox SET started_at = at, lease_until = at + CAST(:lease AS interval)"
        " FROM (SELECT coalesce(CAST(:now AS timestamptz), house_now()) AS at) clock"
        " WHERE lease_token = :token AND id = :id AND state = 'leased' AND started_at IS NULL"
        " RETURNING tenant_id, kind, subject_id, args, queue, tries, trace_id,"
        " set_config('synchronous_commit', 'off', true)",
        now=scope.now,
        lease=deadline + grace,
        token=token,
        id=event_id,
    ).one_or_none()
    if row is None:
        return None
    return TakenRow(
        row.tenant_id,
        event_id,
        token,
        row.kind,
        row.subject_id,
        row.args,
        row.queue,
        row.tries,
        row.trace_id,
    )


def renew_leases(scope: Scope, tokens: Sequence[UUID], *, lease: timedelta) -> None:
    """Extend the leases with these tokens to `lease` from now; rows of other workers are not
    affected."""
    scope.run(
        "UPDATE outbox SET lease_until = :now + CAST(:lease AS interval) WHERE state = 'leased'"
        " AND lease_token = ANY(:tokens) AND started_at IS NOT NULL"
        " RETURNING set_config('synchronous_commit', 'off', true)",
        now=scope.now,
        lease=lease,
        tokens=list(tokens),
    )


def extend_row_lease(
    scope: Scope, taken: TakenRow, *, deadline: timedelta, grace: timedelta = LEASE_GRACE
) -> bool:
    """Extend the lease of a long task to `deadline` from now plus `grace`.

    Return False if another worker has taken over the row.
    """
    return _update_leased_row(
        scope,
        taken,
        "UPDATE outbox SET lease_until = :now + CAST(:lease AS interval) WHERE {mine} AND state = "
        "'leased' {quiet}",
        now=scope.now,
        lease=deadline + grace,
    )


def finish_row(scope: StatementRunner, taken: TakenRow) -> bool:
    """Delete a row that is done, by its token. Return False if another worker has taken it over.

    A swept row that is not yet claimed again still has this token and is deleted too.
    """
    return _update_leased_row(
        scope, taken, "DELETE FROM outbox WHERE {mine} AND state IN ('leased', 'waiting') {frees}"
    )


def defer_row(scope: Scope, taken: TakenRow, after: timedelta, *, fresh: bool = False) -> bool:
    """Return a row to the queue for `after` without using up an attempt; a held lane remains held.

    With `fresh`, earlier failures no longer count.
    """
    return _update_leased_row(
        scope,
        taken,
        "UPDATE outbox SET state = 'waiting', tries = CASE WHEN :fresh THEN 0 ELSE tries - 1 END,"
        " available_at = :now + CAST(:after AS interval),"
        " lease_until = NULL, started_at = NULL, device_id = NULL, updated_at = :now"
        " WHERE {mine} AND state = 'leased' {frees}",
        now=scope.now,
        after=after,
        fresh=fresh,
    )


def fail_row(
    scope: Scope, taken: TakenRow, *, error: str, backoff: Backoff = DEFAULT_BACKOFF
) -> bool:
    """Record a failed try: the row waits for its backoff or is dead. Return True if it is dead.

    `error` is a class and a code, never a text. Return False also if another worker has taken over
    the row.
    """
    if taken.tries >= backoff.dead_at:
        return mark_dead(scope, taken, error=error)
    ceiling = backoff.first * backoff.factor ** (taken.tries - 1)
    _update_leased_row(
        scope,
        taken,
        "UPDATE outbox SET state = 'waiting', available_at = :now + random() * CAST(:ceiling AS "
        "interval),"
        " lease_until = NULL, started_at = NULL, device_id = NULL, last_error = :error,"
        " updated_at = :now WHERE {mine} AND state = 'leased' {frees}",
        now=scope.now,
        ceiling=ceiling,
        error=error,
    )
    return False


def mark_dead(scope: Scope, taken: TakenRow, *, error: str) -> bool:
    """Mark a row as dead: it is counted, shown, can be retried by an operator, and releases its
    lane."""
    return _update_leased_row(
        scope,
        taken,
        "UPDATE outbox SET state = 'dead', lease_until = NULL, started_at = NULL, last_error = "
        ":error,"
        " updated_at = :now WHERE {mine} AND state = 'leased' {frees}",
        now=scope.now,
        error=error,
    )


def sweep_expired_leases(scope: Scope) -> int:
    """Return expired leases to waiting, and return their number. Recovers from a lost Redis or
    worker.

    A row that was never started loses no try, since its message was lost and not its handler. After
    the system clock was set back, leases that end too far in the future count as expired.
    """
    rows = scope.run(
        "UPDATE outbox o SET state = 'waiting', tries = tries - CASE WHEN started_at IS NULL THEN "
        "1 ELSE 0 END,"
        " lease_until = NULL, device_id = CASE WHEN started_at IS NULL THEN device_id END,"
        " started_at = NULL FROM (SELECT tenant_id, id FROM outbox"
        " WHERE state = 'leased' AND (lease_until < :now OR lease_until > :no_lease) FOR UPDATE "
        "SKIP LOCKED) e"
        " WHERE o.tenant_id = e.tenant_id AND o.id = e.id RETURNING o.queue",
        now=scope.now,
        no_lease=scope.now + MAX_DEADLINE,
    ).all()
    for queue in {row.queue for row in rows}:
        wake_relay(scope, queue)
    return len(rows)


def advance_database_clock(scope: Scope, until: datetime) -> bool:
    """Advance the database clock to the next due time, at most to `until`; not possible in
    production.

    Return False without a change while a row is leased or due: only waiting time is skipped, never
    work. Claims are locked out, since a lease from before the jump would end with it. A due row in
    a lane that another row holds until later does not count.
    """
    scope.run("SELECT pg_advisory_xact_lock(:key)", key=_CLAIMING)
    row = scope.run(
        "SELECT count(*) FILTER (WHERE state = 'leased' OR available_at <= house_now() AND NOT "
        "EXISTS (SELECT 1"
        " FROM outbox k WHERE k.tenant_id = o.tenant_id AND k.lane = o.lane AND k.id <> o.id AND "
        "k.state = 'waiting'"
        " AND k.holds_lane AND k.lease_token IS NOT NULL AND k.available_at > house_now())) AS "
        "busy,"
        " min(available_at) FILTER (WHERE available_at > house_now()) AS next_at FROM outbox o "
        "WHERE state <> 'dead'"
    ).one()
    target = min(until, row.next_at) if row.next_at is not None else until
    if row.busy or target <= scope.now:
        return False
    scope.run("SELECT house_shift(CAST(:by AS interval))", by=target - scope.now)
    return True


_WORDS = {
    "mine": "tenant_id = :tenant AND id = :id AND lease_token = :token",
    "quiet": "RETURNING set_config('synchronous_commit', 'off', true)",
    "frees": "RETURNING set_config('synchronous_commit', 'off', true), "
    f"pg_notify('{NOTIFY_CHANNEL}', queue)",
}
"""SQL fragments: the row by its token; an asynchronous commit; the same with a wake-up of the
relay."""


def _update_leased_row(
    scope: StatementRunner, taken: TakenRow, statement: str, **params: object
) -> bool:
    """Run a statement on the row if it still has our token. Return True if it did."""
    ours = {"tenant": taken.tenant_id, "id": taken.id, "token": taken.token}
    return bool(scope.run(statement.format(**_WORDS), **ours, **params).rowcount)
