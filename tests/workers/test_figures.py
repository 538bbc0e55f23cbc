"""Figures that are asked for: the outbox as the relay sees it, and how long the listeners have heard nothing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from prometheus_client.registry import CollectorRegistry

from foundation import outbox
from foundation.database import Database, OpenScope
from foundation.ids import HOUSE, uuid7
from foundation.outbox import Queue
from tests.conftest import free_port
from workers.figures import Hearing, OutboxFigures


@dataclass(frozen=True)
class Looked:
    """Something that waits."""

    kind: ClassVar[str] = "figures.looked"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID


def away_figures() -> OutboxFigures:
    """Figures of an outbox that cannot be reached."""
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none", pool_size=1)
    return OutboxFigures(away.scope)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    found = registry.get_sample_value(name, labels)
    assert found is not None, (name, labels)
    return found


def test_the_outbox_is_counted_over_all_tenants(tenant: OpenScope) -> None:
    def waiting() -> float:
        registry = CollectorRegistry()
        registry.register(OutboxFigures(tenant))
        assert value(registry, "greenroom_outbox_oldest_due_seconds", queue="notify") >= 0
        return value(registry, "greenroom_outbox_rows", queue="notify", state="waiting")

    before = waiting()
    for one in (uuid7(), uuid7()):
        with tenant(one, "system:tests") as scope:
            outbox.put(scope, Looked(one, uuid7()), at=scope.now - timedelta(minutes=2))
    registry = CollectorRegistry()
    registry.register(OutboxFigures(tenant))
    assert waiting() == before + 2
    assert value(registry, "greenroom_outbox_oldest_due_seconds", queue="notify") >= 119
    with tenant(HOUSE, "system:tests", role="relay") as scope:
        scope.run("DELETE FROM outbox WHERE kind = :kind", kind=Looked.kind)


def test_a_database_that_is_away_leaves_a_gap_and_no_error() -> None:
    registry = CollectorRegistry()
    registry.register(away_figures())
    assert registry.get_sample_value("greenroom_outbox_rows", {"queue": "chat", "state": "dead"}) is None
    assert [family.name for family in registry.collect()]


def test_the_account_heard_longest_ago_counts() -> None:
    hearing, registry, quiet, busy = Hearing(), CollectorRegistry(), uuid7(), uuid7()
    registry.register(hearing)
    hearing.heard(quiet, "sandbox")
    hearing.heard(busy, "sandbox")
    hearing.heard(busy, "sandbox")
    assert value(registry, "greenroom_listener_accounts", platform="sandbox") == 2
    assert value(registry, "greenroom_listener_lag_seconds", platform="sandbox") >= 0
    hearing.forget(quiet)
    hearing.forget(busy)
    assert registry.get_sample_value("greenroom_listener_lag_seconds", {"platform": "sandbox"}) is None
