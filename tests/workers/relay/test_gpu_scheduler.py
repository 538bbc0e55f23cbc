"""GPU scheduling across models and tenants, and recovery after a restart."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import heartbeat, outbox, row_leases
from foundation.outbox.outbox import RetryLater
from foundation.outbox.row_leases import ClaimedRow
from studio.runs import device_queue
from studio.runs.events import RunDue
from workers.relay.dispatch import RELAY_ACTOR, Dispatcher, EventRoute, EventRoutes
from workers.relay.gpu_scheduler import GpuScheduler

LONG = timedelta(minutes=6)


@pytest.fixture(autouse=True)
def _empty(tenant: OpenScope) -> None:
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        scope.run("DELETE FROM outbox")


def put(
    tenant: OpenScope, tenant_id: UUID, *groups: str, age: timedelta = timedelta()
) -> list[UUID]:
    """Put rows of these groups, in order, with this age."""
    with tenant(tenant_id, "system:test") as scope:
        subjects = [uuid7() for _ in groups]
        for number, (subject, group) in enumerate(zip(subjects, groups, strict=True)):
            at = scope.now - age - timedelta(milliseconds=len(groups) - number)
            outbox.put(scope, RunDue(tenant_id, subject), group=group, at=at)
    return subjects


def order(tenant: OpenScope, turns: GpuScheduler, *, most: int = 100) -> Sequence[ClaimedRow]:
    """Claim and finish rows one after the other."""
    found: list[ClaimedRow] = []
    while len(found) < most:
        with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
            rows = turns.claim_rows(scope, "gpu", places=1, room=1)
        if not rows:
            break
        found += rows
        with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
            scope.run("DELETE FROM outbox WHERE state = 'leased'")
    return found


def test_loaded_group_is_drained_before_the_next(tenant: OpenScope, tenant_id: UUID) -> None:
    put(tenant, tenant_id, *("a", "b", "c") * 4)
    groups = [row.group for row in order(tenant, GpuScheduler())]
    assert groups == ["a"] * 4 + ["b"] * 4 + ["c"] * 4


def test_other_adapters_of_the_loaded_model_precede_another_model(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    one, other = (
        device_queue.model_group("xl", adapters=["mia"]),
        device_queue.model_group("xl", adapters=["film", "zoe"]),
    )
    plain, far, longer = (
        device_queue.model_group("xl"),
        device_queue.model_group("sd"),
        device_queue.model_group("xl-2", adapters=["mia"]),
    )
    put(tenant, tenant_id, *(one, far, longer, other, plain) * 2)
    assert [row.group for row in order(tenant, GpuScheduler())] == [
        *[one] * 2,
        *[other] * 2,
        *[plain] * 2,
        far,
        far,
        longer,
        longer,
    ]
    put(tenant, tenant_id, *(one, far, other) * 2, age=LONG)
    stays = GpuScheduler(stay=timedelta(hours=1))
    assert [row.group for row in order(tenant, stays)] == [one, one, other, other, far, far]
    assert (
        device_queue.model_group_prefix(plain)
        == device_queue.model_group_prefix(one)
        != device_queue.model_group_prefix(longer)
    )


def test_tenants_alternate_within_a_group(tenant: OpenScope) -> None:
    large, small = uuid7(), uuid7()
    put(tenant, large, *["a"] * 30)
    put(tenant, small, *["a"] * 3)
    tenants = [row.tenant_id for row in order(tenant, GpuScheduler(), most=6)]
    assert tenants == [large, small] * 3


def test_lone_row_waits_until_its_patience_ends(tenant: OpenScope) -> None:
    large, lone = uuid7(), uuid7()
    put(tenant, large, *["a"] * 5)
    turns = GpuScheduler(stay=timedelta())
    order(tenant, turns, most=1)
    put(tenant, lone, "b", age=LONG - timedelta(minutes=2))
    assert [row.group for row in order(tenant, turns, most=1)] == ["a"]
    with tenant(lone, "system:test") as scope:
        scope.run("UPDATE outbox SET available_at = available_at - interval '2 minutes'")
    assert [row.group for row in order(tenant, turns, most=1)] == ["b"]


def test_group_stays_loaded_for_a_while_when_all_patience_has_ended(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    """Otherwise each row of a long queue would load another model and prolong all waits."""
    put(tenant, tenant_id, *("a", "b") * 4, age=LONG)
    assert [row.group for row in order(tenant, GpuScheduler(stay=timedelta(hours=1)))] == [
        "a"
    ] * 4 + ["b"] * 4
    put(tenant, tenant_id, *("a", "b") * 4, age=LONG)
    assert [row.group for row in order(tenant, GpuScheduler(stay=timedelta()))] == ["a", "b"] * 4


def test_long_work_is_notified_of_other_tenants_only(tenant: OpenScope) -> None:
    mine, other, told = uuid7(), uuid7(), list[bool]()

    def work(_event: RunDue) -> None:
        told.append(heartbeat.is_other_tenant_waiting())
        put(tenant, mine, "a")
        told.append(heartbeat.is_other_tenant_waiting())
        put(tenant, other, "b")
        told.append(heartbeat.is_other_tenant_waiting())
        raise RetryLater(timedelta())

    put(tenant, mine, "a")
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        row = row_leases.claim_rows(scope, "gpu", places=1, room=1)[0]
    Dispatcher(EventRoutes(EventRoute(RunDue, work)), tenant).handle_event(row.id, row.token)
    assert told == [False, False, True]
    assert not heartbeat.is_other_tenant_waiting(), (
        "work started manually occupies no place in the queue"
    )
