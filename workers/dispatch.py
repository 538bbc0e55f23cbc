"""From a row to its handler: every kind has one route, every run ends in one of five ways, each counted.

The row is settled after the handler returned, in a transaction of its own. Settling it inside the handler's would spare
a statement and tie every room to the outbox; instead every handler claims its subject first, so a run that is repeated
because its ending was lost finds its work done and ends quietly. Facts are settled with what they write: exactly once.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from foundation import facts, jobs, leases, outbox, telemetry
from foundation.clock import monotonic, pause
from foundation.database import Alone, Database, OpenScope, Scope
from foundation.errors import GreenroomError, LeaseLost
from foundation.facts import Facts
from foundation.ids import HOUSE
from foundation.leases import BACKOFF, Backoff, Taken
from foundation.outbox import Event, Later

RELAY = "system:relay"
log = telemetry.log("workers.dispatch")

AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""The database restarts, or has no connection to spare."""

ACT_SECONDS = 30
"""A post or a message: 30 s of network at most; a lease's grace covers what is written before and after."""

LOOK_SECONDS = 0.25
"""Between two looks whether the database is back."""

FIRST_LEASE = timedelta(seconds=30)
"""The deadline a row is taken with; a route that needs another one sets it in the same transaction."""


@dataclass(frozen=True)
class Route:
    """One kind of event and the one function that handles it, its collaborators bound already.

    `deadline_seconds` bounds the handler's wall time; long work extends it by `jobs.heartbeat`.
    `on_dead` is told when the row stops for good, so that nobody waits for it; it may run more than once.
    """

    event: type[Event]
    handler: Callable[[Any], None]
    deadline_seconds: int = 30
    backoff: Backoff = BACKOFF
    on_dead: Callable[[Any], None] | None = None


class Routes:
    """All routes, and who hears which fact. Refuses, at start, a kind with two routes or a shape that cannot travel."""

    def __init__(self, *routes: Route, facts: Facts | None = None) -> None:
        self.facts = facts or Facts({})
        self.by_kind: dict[str, Route] = {}
        for route in routes:
            if route.event.kind in self.by_kind or route.event.kind in self.facts.by_kind:
                raise ValueError(f"two routes for {route.event.kind}")
            if timedelta(seconds=route.deadline_seconds) + leases.GRACE > leases.LONGEST:
                raise ValueError(f"{route.event.kind} may take longer than a lease can last")
            outbox.check_shape(route.event)
            self.by_kind[route.event.kind] = route
        unheard = {event.kind for event in self.facts.listeners} - set(self.by_kind)
        if unheard:
            raise ValueError(f"facts are heard by {', '.join(sorted(unheard))}, which no route handles")

    def require(self, events: Iterable[type[Event]]) -> None:
        """Raise ValueError for an event kind without a route; called at start-up with `declared(…)` of all rooms."""
        missing = {event.kind for event in events} - set(self.by_kind) - set(self.facts.by_kind)
        if missing:
            raise ValueError(f"no route for {', '.join(sorted(missing))}")


def declared(*modules: ModuleType) -> tuple[type[Event], ...]:
    """Every event class that these modules (the rooms' `events.py`) define."""
    return tuple(
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and found.__module__ == module.__name__ and hasattr(found, "kind")
    )


class Dispatcher:
    """Takes rows, runs their handlers, settles them. One per process; its methods are safe in any thread."""

    def __init__(
        self, routes: Routes, tenant: OpenScope, *, only: UUID | None = None, database: Database | None = None
    ) -> None:
        """With `only`, works as `app` in that tenant alone: the in-process relay of tests. With `database`, that of
        `tenant`, what is one statement takes one round trip."""
        self._routes, self._tenant, self._only = routes, tenant, only
        self._alone = database.alone(HOUSE, RELAY, role="relay") if database is not None else Alone(self.scope)

    def scope(self) -> AbstractContextManager[Scope]:
        """A short transaction on the outbox."""
        if self._only is not None:
            return self._tenant(self._only, RELAY)
        return self._tenant(HOUSE, RELAY, role="relay")

    def handle(self, event_id: UUID, token: UUID) -> bool:
        """Take the row, run its handler, settle it. False when the message was old and nothing was done."""
        taken = leases.take(self._alone, event_id, token, deadline=FIRST_LEASE)
        route = self._routes.by_kind.get(taken.kind) if taken else None
        if taken and route and route.deadline_seconds > FIRST_LEASE.total_seconds():
            self._beat(taken, route)
        if taken is None:
            telemetry.EVENTS.labels("?", "old").inc()
            return False
        with telemetry.bind(
            tenant=str(taken.tenant_id),
            event_id=str(taken.id),  # `event` is the name of the line itself
            kind=taken.kind,
            subject=str(taken.subject_id),
            trace=taken.trace,
        ):
            outcome = self._outcome(taken, route)
        telemetry.EVENTS.labels(taken.kind, outcome).inc()
        return True

    def _outcome(self, taken: Taken, route: Route | None) -> str:
        try:
            self._run(taken, route)
        except Later as wait:
            after, fresh = wait.after, wait.fresh
            self._settle(lambda scope: leases.later(scope, taken, after, fresh=fresh))
            return "later"
        except LeaseLost:
            log.info("event.lease_lost")
            return "lost"
        except Exception as error:  # a bug: the row's own backoff retries it, never the code here
            return self._failed(taken, route, error)
        return "done" if self._patiently(lambda: leases.finish(self._alone, taken)) else "lost"

    def _settle(self, write: Callable[[Scope], bool]) -> bool:
        """Write how a run ended."""

        def once() -> bool:
            with self.scope() as scope:
                return write(scope)

        return self._patiently(once)

    def _patiently(self, write: Callable[[], bool]) -> bool:
        """Write how a run ended. A database that is away is waited for: until then the row, and its lane, are nobody's.

        Each of these writes is bound to the row's token, so that one whose commit went unheard may be repeated.
        """
        until = monotonic() + leases.GRACE.total_seconds()
        while True:
            try:
                return write()
            except AWAY:
                if monotonic() >= until:
                    raise
                pause(LOOK_SECONDS)

    def _run(self, taken: Taken, route: Route | None) -> None:
        if route is None:
            raise GreenroomError("event.unrouted", kind=taken.kind)
        if taken.tries > route.backoff.dead_at:  # its workers died with it, and nobody could count the failures
            raise GreenroomError("event.killed_workers", kind=taken.kind)
        with jobs.running(lambda: self._beat(taken, route), lambda: self._wanted(taken)):
            route.handler(outbox.rebuild(route.event, taken.tenant_id, taken.subject_id, taken.args))

    def _beat(self, taken: Taken, route: Route) -> bool:
        with self.scope() as scope:
            return leases.extend(scope, taken, deadline=timedelta(seconds=max(route.deadline_seconds, 30)))

    def _wanted(self, taken: Taken) -> bool:
        with self.scope() as scope:
            return leases.wanted(scope, taken)

    def _failed(self, taken: Taken, route: Route | None, error: Exception) -> str:
        said, backoff = telemetry.describe(error), route.backoff if route else BACKOFF
        dead = self._settle(lambda scope: leases.fail(scope, taken, error=said, backoff=backoff))
        log.error("event.dead" if dead else "event.failed", error=said, at=telemetry.place(error), tries=taken.tries)
        if not dead:
            return "failed"
        if route and route.on_dead:
            self._tell_dead(taken, route, route.on_dead)
        return "dead"

    def _tell_dead(self, taken: Taken, route: Route, on_dead: Callable[[Any], None]) -> None:
        try:
            on_dead(outbox.rebuild(route.event, taken.tenant_id, taken.subject_id, taken.args))
        except Exception as error:  # the minute's search for orphans repairs what this could not
            log.error("event.on_dead_failed", error=telemetry.describe(error), at=telemetry.place(error))


def drain(
    routes: Routes, tenant: OpenScope, *, only: UUID | None = None, until: datetime | None = None, limit: int = 100_000
) -> int:
    """Run every due row in this process, without Celery and Redis, one at a time and in order, until none is left.

    Advances no clock: shift the house's first. What handlers put for now is run too.

    Args:
        only: this tenant's rows alone, as role `app`; all tenants' when None.
        until: leave rows whose time is after this instant.
        limit: stop after so many rows: a handler that feeds itself would never end.
    Returns: how many rows were handled.
    """
    dispatcher, handled = Dispatcher(routes, tenant, only=only), 0
    while handled < limit:
        with dispatcher.scope() as scope:
            handled += facts.spread(scope, routes.facts)
        row = _next(dispatcher, until)
        if row is None:
            break
        handled += dispatcher.handle(row.id, row.token)
    return handled


def _next(dispatcher: Dispatcher, until: datetime | None) -> leases.Claimed | None:
    """Claim the one row, of whatever queue, that has been due longest."""
    with dispatcher.scope() as scope:
        claimed = [row for queue in _due(scope) for row in _one(scope, queue)]
        claimed.sort(key=lambda row: (row.available_at, row.priority, row.id))
        fit = [row for row in claimed if until is None or row.available_at <= until]
        leases.give_back(scope, [row for row in claimed if row not in fit[:1]])
    return fit[0] if fit else None


def _due(scope: Scope) -> list[outbox.Queue]:
    return [queue for queue, seen in leases.look(scope).items() if seen.due and queue != facts.QUEUE]


def _one(scope: Scope, queue: outbox.Queue) -> list[leases.Claimed]:
    return leases.claim(scope, queue, places=1_000, room=1)
