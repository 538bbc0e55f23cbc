"""From a row to its handler: every kind has one route, every run ends in one of five ways, each
counted.

The row is settled after the handler returned, in a transaction of its own. Settling it inside the
handler's would spare a statement and tie every room to the outbox; instead every handler claims its
subject first, so a run that is repeated because its ending was lost finds its work done and ends
quietly. Facts are settled with what they write: exactly once.
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
"""The database restarts, or has no connection to spare."""

NETWORK_DEADLINE_SECONDS = 30
"""A post or a message: 30 s of network at most; a lease's grace covers what is written before and
after."""

LOOK_SECONDS = 0.25
"""Between two looks whether the database is back."""

FIRST_LEASE = timedelta(seconds=30)
"""The deadline a row is taken with; a route that needs another one sets it in the same
transaction."""


@dataclass(frozen=True)
class EventRoute:
    """One kind of event and the one function that handles it, its collaborators bound already.

    `deadline_seconds` bounds the handler's wall time; long work extends it by
    `heartbeat.heartbeat`. `on_dead` is told when the row stops for good, so that nobody waits for
    it; it may run more than once.
    """

    event: type[Event]
    handler: Callable[[Any], None]
    deadline_seconds: int = 30
    backoff: Backoff = DEFAULT_BACKOFF
    on_dead: Callable[[Any], None] | None = None


class EventRoutes:
    """All routes, and who hears which fact. Refuses, at start, a kind with two routes or a shape
    that cannot travel."""

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
        """Raise ValueError for an event kind without a route; called at start-up with `declared(…)`
        of all rooms."""
        missing = {event.kind for event in events} - set(self.by_kind) - set(self.facts.by_kind)
        if missing:
            raise ValueError(f"no route for {', '.join(sorted(missing))}")


def declared_events(*modules: ModuleType) -> tuple[type[Event], ...]:
    """Every event class that these modules (the rooms' `events.py`) define."""
    return tuple(
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type)
        and found.__module__ == module.__name__
        and hasattr(found, "kind")
    )


class Dispatcher:
    """Takes rows, runs their handlers, settles them. One per process; its methods are safe in any
    thread."""

    def __init__(
        self,
        routes: EventRoutes,
        tenant: OpenScope,
        *,
        only: UUID | None = None,
        database: Database | None = None,
        renews: bool = False,
    ) -> None:
        """With `only`, works as `app` in that tenant alone: the in-process relay of tests. With
        `database`, that of `tenant`, what is one statement takes one round trip. With `renews`,
        rows have short leases that a thread renews, so that they are free soon after this process
        was killed; without, a lease lasts as long as its handler may take."""
        self._routes = routes
        self._tenant = tenant
        self._only = only
        self._alone = (
            database.single_statements(INSTALLATION_ID, RELAY_ACTOR, role="relay")
            if database is not None
            else SingleStatementScope(self.scope)
        )

        self._renewal = LeaseRenewal(self.scope) if renews else None

    def scope(self) -> AbstractContextManager[Scope]:
        """A short transaction on the outbox."""
        if self._only is not None:
            return self._tenant(self._only, RELAY_ACTOR)
        return self._tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay")

    def handle_event(self, event_id: UUID, token: UUID) -> bool:
        """Take the row, run its handler, settle it. False when the message was old and nothing was
        done."""
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
            event_id=str(taken.id),  # `event` is the name of the line itself
            kind=taken.kind,
            subject=str(taken.subject_id),
            trace=taken.trace,
        )
        with values, self._renewed(taken, route):
            outcome = self._run_and_settle(taken, route)
        telemetry.EVENTS_HANDLED.labels(taken.kind, outcome).inc()
        return True

    def _lease_terms(self, deadline: timedelta) -> tuple[timedelta, timedelta]:
        """The lease of a row whose handler may take until `deadline`, and its grace."""
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
        except Exception as error:  # a bug: the row's own backoff retries it, never the code here
            return self._record_failure(taken, route, error)
        return (
            "done"
            if self._write_with_retry(lambda: row_leases.finish_row(self._alone, taken))
            else "lost"
        )

    def _settle_row(self, write: Callable[[Scope], bool]) -> bool:
        """Write how a run ended."""

        def once() -> bool:
            with self.scope() as scope:
                return write(scope)

        return self._write_with_retry(once)

    def _write_with_retry(self, write: Callable[[], bool]) -> bool:
        """Write how a run ended. A database that is away is waited for: until then the row, and its
        lane, are nobody's.

        Each of these writes is bound to the row's token, so that one whose commit went unheard may
        be repeated.
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
        ):  # its workers died with it, and nobody could count the failures
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
        except Exception as error:  # the minute's search for orphans repairs what this could not
            log.error(
                "event.on_dead_failed",
                error=telemetry.describe_error(error),
                at=telemetry.error_location(error),
            )


def _renewal_seconds(route: EventRoute | None) -> float:
    """For how long the lease of a row is renewed: as long as one without renewal would last."""
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

    Advances no clock: shift the house's first. What handlers put for now is run too.

    Args:
        only: this tenant's rows alone, as role `app`; all tenants' when None.
        until: leave rows whose time is after this instant.
        limit: stop after so many rows: a handler that feeds itself would never end.
    Returns: how many rows were handled.
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
    """Claim the one row, of whatever queue, that has been due longest."""
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
