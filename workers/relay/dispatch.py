"""Dispatch of rows to handlers: each event kind has one route, and each run has one of five
outcomes, which are counted.

A row is settled after its handler returned, in a separate transaction. Settling it in the handler's
transaction would save a statement but tie every package to the outbox. Instead every handler claims
its subject first, so that a run repeated after a lost settlement finds its work done. Facts are
settled in the transaction of their listeners' rows, exactly once.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from foundation.db.database import Database, OpenScope, Scope, SingleStatementScope
from foundation.errors import GreenroomError, LeaseLost
from foundation.ids import INSTALLATION_ID
from foundation.ops import telemetry
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import fan_out, heartbeat, outbox, row_leases
from foundation.outbox.fan_out import FactListeners
from foundation.outbox.lease_renewal import LeaseRenewal
from foundation.outbox.outbox import Event, RetryLater
from foundation.outbox.row_leases import DEFAULT_BACKOFF, Backoff, TakenRow

RELAY_ACTOR = "system:relay"
log = telemetry.get_logger("workers.relay.dispatch")

DATABASE_ERRORS = (OperationalError, InterfaceError, PoolTimeout)
"""Errors while the database restarts or has no free connection."""

NETWORK_DEADLINE_SECONDS = 30
"""Deadline of a post or message: at most 30 seconds of network. The lease's grace covers the writes
around it."""

LOOK_SECONDS = 0.25
"""Interval between two attempts to reach the database."""

FIRST_LEASE = timedelta(seconds=30)
"""Deadline with which a row is started; a route with a longer one extends the lease immediately."""


@dataclass(frozen=True)
class EventRoute:
    """One event kind and the function that handles it, with its services bound.

    `deadline_seconds` limits the handler's run time; long tasks extend it by `heartbeat.heartbeat`.
    `on_dead` is called when the row fails permanently, so that nothing waits for it; it may be
    called more than once.
    """

    event: type[Event]
    handler: Callable[[Any], None]
    deadline_seconds: int = 30
    backoff: Backoff = DEFAULT_BACKOFF
    on_dead: Callable[[Any], None] | None = None


class EventRoutes:
    """All routes and the listeners of facts. The constructor refuses a kind with two routes and
    events that cannot be serialized."""

    def __init__(self, *routes: EventRoute, facts: FactListeners | None = None) -> None:
        self.facts = facts or FactListeners({})
        self.by_kind: dict[str, EventRoute] = {}
        for route in routes:
            if route.event.kind in self.by_kind or route.event.kind in self.facts.by_kind:
                raise ValueError(f"two routes for {route.event.kind}")
            if (
                timedelta(seconds=route.deadline_seconds) + row_leases.LEASE_GRACE
                > row_leases.MAX_DEADLINE
            ):
                raise ValueError(f"{route.event.kind} may take longer than a lease can last")
            outbox.check_event_type(route.event)
            self.by_kind[route.event.kind] = route
        unheard = {event.kind for event in self.facts.listener_events} - set(self.by_kind)
        if unheard:
            raise ValueError(
                f"facts are heard by {', '.join(sorted(unheard))}, which no route handles"
            )

    def require_routes(self, events: Iterable[type[Event]]) -> None:
        """Raise ValueError for an event kind without a route. Called at start with the
        `declared_events` of all packages."""
        missing = {event.kind for event in events} - set(self.by_kind) - set(self.facts.by_kind)
        if missing:
            raise ValueError(f"no route for {', '.join(sorted(missing))}")


def declared_events(*modules: ModuleType) -> tuple[type[Event], ...]:
    """Return all event classes that these modules define."""
    return tuple(
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type)
        and found.__module__ == module.__name__
        and hasattr(found, "kind")
    )


class Dispatcher:
    """Starts rows, runs their handlers and settles them. One per process; thread-safe."""

    def __init__(
        self,
        routes: EventRoutes,
        tenant: OpenScope,
        *,
        only: UUID | None = None,
        database: Database | None = None,
        renewed_lease: timedelta | None = None,
    ) -> None:
        """Args:
        only: work as role `app` in this tenant only, for the in-process relay of tests.
        database: the database of `tenant`; single statements then take one round trip.
        renewed_lease: use leases of this duration, which a thread renews, so that rows are free
        soon after the process was killed. Otherwise a lease lasts for the handler's deadline.
        """
        self._routes = routes
        self._tenant = tenant
        self._only = only
        self._alone = (
            database.single_statements(INSTALLATION_ID, RELAY_ACTOR, role="relay")
            if database is not None
            else SingleStatementScope(self.scope)
        )

        self._renewal = LeaseRenewal(self.scope, lease=renewed_lease) if renewed_lease else None

    def scope(self) -> AbstractContextManager[Scope]:
        """Open a short transaction on the outbox."""
        if self._only is not None:
            return self._tenant(self._only, RELAY_ACTOR)
        return self._tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay")

    def handle_event(self, event_id: UUID, token: UUID) -> bool:
        """Start the row, run its handler and settle it. Return False if the message was outdated
        and nothing was done."""
        lease, grace = self._lease_terms(FIRST_LEASE)
        taken = row_leases.take_row(self._alone, event_id, token, deadline=lease, grace=grace)
        route = self._routes.by_kind.get(taken.kind) if taken else None
        if taken and route and route.deadline_seconds > FIRST_LEASE.total_seconds():
            self._extend_lease(taken, route)
        if taken is None:
            telemetry.EVENTS_HANDLED.labels("?", "old").inc()
            return False
        values = telemetry.bind_log_values(
            tenant=str(taken.tenant_id),
            event_id=str(taken.id),  # `event` is reserved for the name of the log line
            kind=taken.kind,
            subject=str(taken.subject_id),
            trace=taken.trace,
        )
        with values, self._renewed(taken, route):
            outcome = self._run_and_settle(taken, route)
        telemetry.EVENTS_HANDLED.labels(taken.kind, outcome).inc()
        return True

    def _lease_terms(self, deadline: timedelta) -> tuple[timedelta, timedelta]:
        """Return the lease and the grace of a row whose handler has this deadline."""
        if self._renewal is None:
            return deadline, row_leases.LEASE_GRACE
        return self._renewal.lease, timedelta()

    def _renewed(self, taken: TakenRow, route: EventRoute | None) -> AbstractContextManager[None]:
        if self._renewal is None:
            return nullcontext()
        return self._renewal.renew_while_running(taken.token, seconds=_renewal_seconds(route))

    def _run_and_settle(self, taken: TakenRow, route: EventRoute | None) -> str:
        try:
            self._run_handler(taken, route)
        except RetryLater as wait:
            after = wait.after
            fresh = wait.fresh
            self._settle_row(lambda scope: row_leases.defer_row(scope, taken, after, fresh=fresh))
            return "later"
        except LeaseLost:
            log.info("event.lease_lost")
            return "lost"
        except Exception as error:  # a bug; the row's backoff retries it, not this code
            return self._record_failure(taken, route, error)
        return (
            "done"
            if self._write_with_retry(lambda: row_leases.finish_row(self._alone, taken))
            else "lost"
        )

    def _settle_row(self, write: Callable[[Scope], bool]) -> bool:
        def once() -> bool:
            with self.scope() as scope:
                return write(scope)

        return self._write_with_retry(once)

    def _write_with_retry(self, write: Callable[[], bool]) -> bool:
        """Settle a row, waiting for an unavailable database: until then no process can claim the
        row and its lane.

        These writes are bound to the row's token, so one whose commit was not confirmed can be
        repeated.
        """
        until = monotonic() + row_leases.LEASE_GRACE.total_seconds()
        while True:
            try:
                return write()
            except DATABASE_ERRORS:
                if monotonic() >= until:
                    raise
                sleep(LOOK_SECONDS)

    def _run_handler(self, taken: TakenRow, route: EventRoute | None) -> None:
        if route is None:
            raise GreenroomError("event.unrouted", kind=taken.kind)
        if (
            taken.tries > route.backoff.dead_at
        ):  # its workers were killed while running it, so failures were not counted
            raise GreenroomError("event.killed_workers", kind=taken.kind)
        with heartbeat.running_row(
            lambda: self._extend_lease(taken, route), lambda: self._is_capacity_needed(taken)
        ):
            route.handler(
                outbox.rebuild_event(route.event, taken.tenant_id, taken.subject_id, taken.args)
            )

    def _extend_lease(self, taken: TakenRow, route: EventRoute) -> bool:
        if self._renewal is not None:
            self._renewal.extend(taken.token, seconds=_renewal_seconds(route))
        lease, grace = self._lease_terms(timedelta(seconds=max(route.deadline_seconds, 30)))
        with self.scope() as scope:
            return row_leases.extend_row_lease(scope, taken, deadline=lease, grace=grace)

    def _is_capacity_needed(self, taken: TakenRow) -> bool:
        with self.scope() as scope:
            return row_leases.is_capacity_needed(scope, taken)

    def _record_failure(self, taken: TakenRow, route: EventRoute | None, error: Exception) -> str:
        said = telemetry.describe_error(error)
        backoff = route.backoff if route else DEFAULT_BACKOFF
        dead = self._settle_row(
            lambda scope: row_leases.fail_row(scope, taken, error=said, backoff=backoff)
        )
        log.error(
            "event.dead" if dead else "event.failed",
            error=said,
            at=telemetry.error_location(error),
            tries=taken.tries,
        )
        if not dead:
            return "failed"
        if route and route.on_dead:
            self._tell_dead(taken, route, route.on_dead)
        return "dead"

    def _tell_dead(
        self, taken: TakenRow, route: EventRoute, on_dead: Callable[[Any], None]
    ) -> None:
        try:
            on_dead(
                outbox.rebuild_event(route.event, taken.tenant_id, taken.subject_id, taken.args)
            )
        except Exception as error:  # the sweep for orphaned rows, once a minute, repairs it
            log.error(
                "event.on_dead_failed",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )


def _renewal_seconds(route: EventRoute | None) -> float:
    """Return the seconds for which a row's lease is renewed: as long as a lease without renewal
    lasts."""
    deadline = max(route.deadline_seconds if route else 0, FIRST_LEASE.total_seconds())
    return deadline + row_leases.LEASE_GRACE.total_seconds()


def run_due_events(
    routes: EventRoutes,
    tenant: OpenScope,
    *,
    only: UUID | None = None,
    until: datetime | None = None,
    limit: int = 100_000,
) -> int:
    """Run every due row in this process, without Celery and Redis, one at a time and in order,
    until none is left.

    It does not advance the clock; shift the outbox's clock first. Rows that handlers add and that
    are due now are run too.

    Args:
        only: run this tenant's rows only, as role `app`; None runs the rows of all tenants.
        until: ignore rows due after this time.
        limit: stop after this number of rows, since a handler that adds rows for itself would never
        end.

    Returns the number of rows handled.
    """
    dispatcher = Dispatcher(routes, tenant, only=only)
    handled = 0
    while handled < limit:
        with dispatcher.scope() as scope:
            handled += fan_out.spread_facts(scope, routes.facts)
        row = _claim_next(dispatcher, until)
        if row is None:
            break
        handled += dispatcher.handle_event(row.id, row.token)
    return handled


def _claim_next(dispatcher: Dispatcher, until: datetime | None) -> row_leases.ClaimedRow | None:
    """Claim the row that has been due longest, of any queue."""
    with dispatcher.scope() as scope:
        claimed = [row for queue in _list_due_queues(scope) for row in _claim_first(scope, queue)]
        claimed.sort(key=lambda row: (row.available_at, row.priority, row.id))
        fit = [row for row in claimed if until is None or row.available_at <= until]
        row_leases.return_rows(scope, [row for row in claimed if row not in fit[:1]])
    return fit[0] if fit else None


def _list_due_queues(scope: Scope) -> list[outbox.Queue]:
    return [
        queue
        for queue, seen in row_leases.queue_states(scope).items()
        if seen.due and queue != fan_out.FACT_QUEUE
    ]


def _claim_first(scope: Scope, queue: outbox.Queue) -> list[row_leases.ClaimedRow]:
    return row_leases.claim_rows(scope, queue, places=1_000, room=1)
