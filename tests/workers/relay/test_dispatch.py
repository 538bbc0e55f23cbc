"""From rows to handlers: route checks at startup, outcomes, facts, and the in-process relay."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from foundation.db.database import DatabaseRole, OpenScope, Scope
from foundation.errors import LeaseLost, Refused
from foundation.ids import uuid7
from foundation.ops import telemetry
from foundation.outbox import heartbeat, outbox, row_leases
from foundation.outbox.fan_out import FactListener, FactListeners
from foundation.outbox.outbox import RetryLater
from foundation.outbox.row_leases import Backoff
from tests.foundation import events
from tests.foundation.events import (
    ChatDue,
    CountSale,
    DayDue,
    PostDue,
    Sold,
    ThankBuyer,
    count_states,
    put_posts,
)
from workers.relay.dispatch import (
    Dispatcher,
    EventRoute,
    EventRoutes,
    declared_events,
    run_due_events,
)

ME = "system:test"


def nothing(event: Any) -> None:
    """Succeed."""


def failing(error: Exception) -> Callable[[Any], None]:
    def handler(event: Any) -> None:
        raise error

    return handler


def row(tenant: OpenScope, tenant_id: UUID) -> Any:
    with tenant(tenant_id, ME) as scope:
        return scope.run("SELECT * FROM outbox").one()


def shift(tenant: OpenScope, by: timedelta) -> None:
    with tenant(UUID(int=0), ME, role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=by)


class TestRoutes:
    def test_two_routes_for_a_kind_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"two routes for test\.post"):
            EventRoutes(EventRoute(PostDue, nothing), EventRoute(PostDue, nothing))

    def test_fact_with_a_route_is_refused(self) -> None:
        with pytest.raises(ValueError, match="two routes"):
            EventRoutes(EventRoute(Sold, nothing), facts=FactListeners({Sold: ()})).require_routes(
                [Sold]
            )

    def test_listener_without_a_route_is_refused(self) -> None:
        with pytest.raises(ValueError, match="which no route handles"):
            EventRoutes(facts=FactListeners({Sold: (FactListener(CountSale),)}))

    def test_listener_that_needs_a_missing_field_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"needs number, which test\.sold has not"):
            FactListeners({Sold: (FactListener(ChatDue),)})

    def test_kind_without_a_route_is_refused(self) -> None:
        routes = EventRoutes(EventRoute(PostDue, nothing))
        assert set(declared_events(events)) == {
            PostDue,
            ChatDue,
            DayDue,
            Sold,
            CountSale,
            ThankBuyer,
        }
        assert declared_events(ModuleType("empty")) == ()
        with pytest.raises(
            ValueError,
            match=r"no route for test\.chat, test\.count, test\.day, test\.sold, test\.thank",
        ):
            routes.require_routes(declared_events(events))


@dataclass
class Restarting:
    """A database that loses every connection on request and is available again at the third
    attempt."""

    tenant: OpenScope
    refusals: int = 0

    def __call__(
        self, tenant_id: UUID, actor: str, *, role: DatabaseRole = "app"
    ) -> AbstractContextManager[Scope]:
        if self.refusals:
            self.refusals -= 1
            raise OperationalError("", {}, Exception())
        return self.tenant(tenant_id, actor, role=role)


@pytest.mark.parametrize("raised", [None, RetryLater(timedelta(minutes=1)), Refused("text")])
def test_event_that_ends_during_a_database_restart_is_settled(
    tenant: OpenScope, tenant_id: UUID, raised: Exception | None
) -> None:
    """Found by fault injection: such a row, and the chat behind it, waited up to 135 s for the end
    of its lease."""
    restarting = Restarting(tenant)

    def handler(event: Any) -> None:
        restarting.refusals = 2
        if raised is not None:
            raise raised

    put_posts(tenant, tenant_id, 1)
    dispatcher = Dispatcher(EventRoutes(EventRoute(PostDue, handler)), restarting, only=tenant_id)
    with tenant(tenant_id, ME) as scope:
        (claimed,) = row_leases.claim_rows(scope, "publish", places=1, room=1)
    assert dispatcher.handle_event(claimed.id, claimed.token)
    assert count_states(tenant, tenant_id) == ({} if raised is None else {"waiting": 1})


def test_handled_row_is_deleted_and_its_event_is_unchanged(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    seen: list[DayDue] = []
    event = DayDue(tenant_id, uuid7(), date(2026, 10, 25), label="é")
    with tenant(tenant_id, ME) as scope:
        outbox.put(scope, event)
    assert run_due_events(EventRoutes(EventRoute(DayDue, seen.append)), tenant, only=tenant_id) == 1
    assert seen == [event]
    assert count_states(tenant, tenant_id) == {}


def test_bug_is_retried_with_backoff_and_dead_after_five_attempts(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    put_posts(tenant, tenant_id, 1)
    told: list[PostDue] = []
    routes = EventRoutes(
        EventRoute(PostDue, failing(ValueError("private words")), on_dead=told.append)
    )
    for tries in (1, 2, 3, 4):
        assert run_due_events(routes, tenant, only=tenant_id) == 1
        found = row(tenant, tenant_id)
        assert (found.state, found.tries, found.last_error) == ("waiting", tries, "ValueError")
        assert not told
        shift(tenant, timedelta(seconds=10 * 3 ** (tries - 1)))
    assert run_due_events(routes, tenant, only=tenant_id) == 1
    assert row(tenant, tenant_id).state == "dead"
    assert len(told) == 1
    assert run_due_events(routes, tenant, only=tenant_id) == 0


def test_refusal_stores_its_code_without_text(tenant: OpenScope, tenant_id: UUID) -> None:
    put_posts(tenant, tenant_id, 1)
    run_due_events(
        EventRoutes(EventRoute(PostDue, failing(Refused("gate.denied", name="Léo")))),
        tenant,
        only=tenant_id,
    )
    assert row(tenant, tenant_id).last_error == "Refused gate.denied"


def test_retry_later_costs_no_attempt(tenant: OpenScope, tenant_id: UUID) -> None:
    put_posts(tenant, tenant_id, 1)
    routes = EventRoutes(EventRoute(PostDue, failing(RetryLater(timedelta(seconds=30)))))
    for _ in range(7):
        assert run_due_events(routes, tenant, only=tenant_id) == 1
        assert row(tenant, tenant_id).tries == 0
        shift(tenant, timedelta(seconds=31))


def test_row_passes_to_its_new_owner_after_a_lost_lease(tenant: OpenScope, tenant_id: UUID) -> None:
    put_posts(tenant, tenant_id, 1)
    run_due_events(
        EventRoutes(EventRoute(PostDue, failing(LeaseLost("event.taken_over")))),
        tenant,
        only=tenant_id,
    )
    assert count_states(tenant, tenant_id) == {"leased": 1}


def test_unknown_kind_fails_without_affecting_others(tenant: OpenScope, tenant_id: UUID) -> None:
    put_posts(tenant, tenant_id, 1)
    run_due_events(EventRoutes(), tenant, only=tenant_id)
    assert row(tenant, tenant_id).last_error == "GreenroomError event.unrouted"


def test_row_that_kills_its_workers_becomes_dead(tenant: OpenScope, tenant_id: UUID) -> None:
    put_posts(tenant, tenant_id, 1)
    started: list[PostDue] = []
    told: list[PostDue] = []
    routes = EventRoutes(
        EventRoute(PostDue, started.append, on_dead=told.append, backoff=Backoff(dead_at=2))
    )
    for _ in range(2):
        with tenant(tenant_id, ME) as scope:
            claimed = row_leases.claim_rows(scope, "publish", places=4, room=1)[0]
            assert row_leases.take_row(
                scope, claimed.id, claimed.token, deadline=timedelta(seconds=-60)
            )
            assert row_leases.sweep_expired_leases(scope) == 1
    run_due_events(routes, tenant, only=tenant_id)
    assert (started, len(told)) == ([], 1)
    assert count_states(tenant, tenant_id) == {"dead": 1}


def test_fact_becomes_one_row_per_listener(tenant: OpenScope, tenant_id: UUID) -> None:
    counted: list[CountSale] = []
    thanked: list[ThankBuyer] = []
    routes = EventRoutes(
        EventRoute(CountSale, counted.append),
        EventRoute(ThankBuyer, thanked.append),
        facts=FactListeners({Sold: (FactListener(CountSale), FactListener(ThankBuyer))}),
    )
    buyer = uuid7()
    with tenant(tenant_id, ME) as scope:
        outbox.put(scope, Sold(tenant_id, buyer, 500))
    assert run_due_events(routes, tenant, only=tenant_id) == 3
    assert counted == [CountSale(tenant_id, buyer, 500)]
    assert thanked == [ThankBuyer(tenant_id, buyer)]


def test_caused_event_keeps_the_trace(tenant: OpenScope, tenant_id: UUID) -> None:
    traces: list[str] = []

    def first(event: PostDue) -> None:
        traces.append(telemetry.trace_id())
        with tenant(tenant_id, ME) as scope:
            outbox.put(scope, ChatDue(tenant_id, uuid7(), 1))

    put_posts(tenant, tenant_id, 1)
    run_due_events(
        EventRoutes(
            EventRoute(PostDue, first),
            EventRoute(ChatDue, lambda _: traces.append(telemetry.trace_id())),
        ),
        tenant,
        only=tenant_id,
    )
    assert len(traces) == 2
    assert traces[0] == traces[1]


def test_long_work_extends_its_lease(tenant: OpenScope, tenant_id: UUID) -> None:
    until: list[Any] = []

    def work(event: PostDue) -> None:
        until.append(row(tenant, tenant_id).lease_until)
        with heartbeat.heartbeat(every=0.01) as pulse:
            for _ in range(500):
                pulse.check_lease()
                if row(tenant, tenant_id).lease_until > until[0]:
                    until.append(row(tenant, tenant_id).lease_until)
                    return

    put_posts(tenant, tenant_id, 1)
    run_due_events(EventRoutes(EventRoute(PostDue, work)), tenant, only=tenant_id)
    assert len(until) == 2


def test_run_due_events_is_ordered_by_time_and_respects_limits(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    order: list[str] = []
    routes = EventRoutes(
        EventRoute(PostDue, lambda event: order.append(event.note)),
        EventRoute(ChatDue, lambda event: order.append(str(event.number))),
    )
    with tenant(tenant_id, ME) as scope:
        ago = [scope.now - timedelta(minutes=minutes) for minutes in (4, 3, 2, 1)]
        outbox.put(scope, PostDue(tenant_id, uuid7(), "2nd"), at=ago[1])
        outbox.put(scope, ChatDue(tenant_id, uuid7(), 1), at=ago[0])
        outbox.put(scope, ChatDue(tenant_id, uuid7(), 3), at=ago[2])
        outbox.put(scope, PostDue(tenant_id, uuid7(), "4th"), at=ago[3])
        outbox.put(scope, PostDue(tenant_id, uuid7(), "never"), at=scope.now + timedelta(hours=9))
    assert run_due_events(routes, tenant, only=tenant_id, until=ago[2]) == 3
    assert order == ["1", "2nd", "3"]
    assert run_due_events(routes, tenant, only=tenant_id, limit=5) == 1
    assert count_states(tenant, tenant_id) == {"waiting": 1}
