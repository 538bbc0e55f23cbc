"""Metrics on request: the outbox as the relay sees it, and the silence of listeners."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from prometheus_client.registry import CollectorRegistry

from foundation.db.database import Database, OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox, worker_registry
from foundation.outbox.outbox import Queue
from foundation.outbox.worker_registry import WorkerProcess
from tests.conftest import free_port
from workers.runtime.metrics import ListenerCollector, OutboxCollector


@dataclass(frozen=True)
class Looked:
    """An event that waits."""

    kind: ClassVar[str] = "figures.looked"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


def away_figures() -> OutboxCollector:
    """Return the metrics of an unreachable outbox."""
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none", pool_size=1)
    return OutboxCollector(away.scope)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    found = registry.get_sample_value(name, labels)
    assert found is not None, (name, labels)
    return found


def test_outbox_is_counted_over_all_tenants(tenant: OpenScope) -> None:
    def waiting() -> float:
        registry = CollectorRegistry()
        registry.register(OutboxCollector(tenant))
        assert value(registry, "greenroom_outbox_oldest_due_seconds", queue="notify") >= 0
        return value(registry, "greenroom_outbox_rows", queue="notify", state="waiting")

    before = waiting()
    for one in (uuid7(), uuid7()):
        with tenant(one, "system:tests") as scope:
            outbox.put(scope, Looked(one, uuid7()), at=scope.now - timedelta(minutes=2))
    machines = [WorkerProcess(node, "send", {"notify": 3}) for node in ("one", "two")]
    with tenant(INSTALLATION_ID, "system:tests", role="relay") as scope:
        scope.run("DELETE FROM worker_processes")
        for machine in machines:
            worker_registry.register_worker(scope, machine)
    registry = CollectorRegistry()
    registry.register(OutboxCollector(tenant))
    assert waiting() == before + 2
    assert value(registry, "greenroom_worker_capacity", queue="notify") == 6
    assert value(registry, "greenroom_outbox_oldest_due_seconds", queue="notify") >= 119
    with tenant(INSTALLATION_ID, "system:tests", role="relay") as scope:
        scope.run("DELETE FROM outbox WHERE kind = :kind", kind=Looked.kind)
        scope.run("DELETE FROM worker_processes")


def test_unreachable_database_causes_a_gap_without_an_error() -> None:
    registry = CollectorRegistry()
    registry.register(away_figures())
    assert (
        registry.get_sample_value("greenroom_outbox_rows", {"queue": "chat", "state": "dead"})
        is None
    )
    assert [family.name for family in registry.collect()]


def test_listener_lag_is_that_of_the_most_silent_account() -> None:
    hearing, registry, quiet, busy = ListenerCollector(), CollectorRegistry(), uuid7(), uuid7()
    registry.register(hearing)
    hearing.record_received(quiet, "sandbox")
    hearing.record_received(busy, "sandbox")
    hearing.record_received(busy, "sandbox")
    assert value(registry, "greenroom_listener_accounts", platform="sandbox") == 2
    assert value(registry, "greenroom_listener_lag_seconds", platform="sandbox") >= 0
    hearing.remove_channel(quiet)
    hearing.remove_channel(busy)
    assert (
        registry.get_sample_value("greenroom_listener_lag_seconds", {"platform": "sandbox"}) is None
    )
