"""An agency whose processes reach a platform in memory, with a clock that jumps to the next due
time."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from connectors.conformance.fake_servers import AdjustableClock
from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.outbox import fan_out, row_leases
from foundation.outbox.fan_out import FactListeners
from foundation.outbox.outbox import QUEUES
from foundation.outbox.row_leases import ClaimedRow, TakenRow
from schedules.publishing.events import DeliveryPublished
from tenants.agencies import agencies
from tenants.agencies import rights as tenant_roles
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import ZONE, SandboxAgency
from tests.schedules.simulated_year.invariants import InvariantChecker
from tests.schedules.simulated_year.seeded_system import SuperuserConnection
from workers.event_routes import registry
from workers.processes.queue_workers import MAKER_CAPACITY, sender_capacity
from workers.relay.dispatch import Dispatcher, EventRoute, EventRoutes
from workers.wiring import Services

_NEXT = """
SELECT min(at) FROM unnest(%(queues)s::text[]) q, LATERAL (SELECT available_at AS at FROM outbox
  WHERE queue = q AND tenant_id = %(tenant)s AND state = 'waiting' ORDER BY available_at LIMIT 1)
  here
"""

ROOM = {**sender_capacity(48), **MAKER_CAPACITY}
"""Rows of each queue that are claimed at once."""


class CheckedDispatcher(Dispatcher):
    """A dispatcher that reports the outcome of each row."""

    def __init__(
        self, routes: EventRoutes, tenant: OpenScope, *, only: UUID, told: Callable[..., None]
    ) -> None:
        super().__init__(routes, tenant, only=only)
        self._told = told

    def _run_and_settle(self, taken: TakenRow, route: EventRoute | None) -> str:
        outcome = super()._run_and_settle(taken, route)
        self._told("did", taken.kind, taken.subject_id, taken.tries, outcome)
        assert outcome in ("done", "later"), (
            f"{taken.kind} of {taken.subject_id} ended as {outcome}"
        )
        return outcome


@dataclass
class SimulatedAgency(SandboxAgency):
    """A tenant of an installation with a simulated clock. Metrics are not read, because no
    invariant needs them."""

    outside: SuperuserConnection = None  # type: ignore[assignment]  # base fields have defaults
    judge: InvariantChecker = None  # type: ignore[assignment]  # set before the scenario starts

    @cached_property
    def routes(self) -> EventRoutes:
        """The real routes, on the simulated platform and without metrics."""
        transport = copy.copy(self.services.transport)
        # the same transport on another network
        transport._http = self.judge.world  # type: ignore[assignment]  # see above
        found = registry.build_routes(replace(self.services, transport=transport))
        heard = FactListeners({})
        heard.by_kind = {**found.facts.by_kind, DeliveryPublished.kind: ()}
        found.facts = heard
        return found

    def now(self) -> datetime:
        """Return the time of the installation, which changes only on request."""
        return self.outside.now

    def act(self, function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Call a function in a scope of the manager, and check the invariants."""
        found = super().act(function, *args, **more)
        self.judge.step("act", function.__module__, function.__name__)
        return found

    @cached_property
    def worker(self) -> CheckedDispatcher:
        return CheckedDispatcher(
            self.routes, self.services.tenant, only=self.tenant_id, told=self.judge.step
        )

    def run(self, *, limit: int | None = None) -> int:
        """Handle the due events as the relay does: up to the capacity of each queue, one per lane.
        Return their number."""
        handled = 0
        while (due := self._next_due()) is not None and due <= self.now():
            for row in self._claimed():
                handled += self.worker.handle_event(row.id, row.token)
        return handled

    def _next_due(self) -> datetime | None:
        found: datetime | None = self.outside.ask(
            _NEXT, queues=list(QUEUES), tenant=self.tenant_id
        )[0][0]
        return found

    def _claimed(self) -> list[ClaimedRow]:
        with self.worker.scope() as scope:
            fan_out.spread_facts(scope, self.routes.facts)
            seen = row_leases.queue_states(scope)
            due = [(queue, cap) for queue, cap in ROOM.items() if seen[queue].due]
            return [
                row
                for queue, cap in due
                for row in row_leases.claim_rows(scope, queue, places=cap, room=cap)
            ]

    def live(self, **for_: float) -> None:
        """Let time pass and handle each event when it is due."""
        until = self.now() + timedelta(**for_)
        while self.now() < until:
            self.run()
            due = self._next_due()
            target = min(until, due.astimezone(UTC)) if due is not None else until
            self.outside.move(max(target - self.now(), timedelta(milliseconds=1)))
        self.run()


def create_simulated_agency(services: Services, outside: SuperuserConnection) -> SimulatedAgency:
    """Create an agency with an author and an approver, without creators."""
    tenant_id = uuid7()
    with services.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agence", language="fr", zone=ZONE)
        author, manager = (
            agencies.add_member(
                scope, name=name, email=f"{name}@example.test", role=role, language="fr", zone=ZONE
            )
            for name, role in (
                ("Anne", tenant_roles.Role.MANAGER),
                ("Marc", tenant_roles.Role.OWNER),
            )
        )
    nowhere = RunningSandbox("https://world.example", AdjustableClock())
    return SimulatedAgency(
        services, nowhere, tenant_id, UUID(int=0), author, manager, outside=outside
    )
