"""The capacity of an installation follows the workers that are running."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.clock import monotonic
from foundation.outbox import outbox, row_leases, worker_registry
from foundation.outbox.fan_out import FACT_QUEUE
from foundation.outbox.outbox import QUEUES, Queue
from foundation.outbox.row_leases import QueueState
from foundation.outbox.worker_registry import WorkerProcess
from studio.runs import device_queue
from studio.runs.events import RunDue
from tests.conftest import wait_until
from tests.foundation.events import put_posts
from workers.processes.queue_workers import MAKER_CAPACITY, sender_capacity
from workers.relay import celery_app
from workers.relay.capacity import QUEUE_GROUPS, Capacity, RunningWorkers
from workers.relay.claim_loop import celery_sender, device_queue_remover
from workers.relay.dispatch import RELAY_ACTOR
from workers.relay.gpu_scheduler import DeviceSchedulers

NODE = {**sender_capacity(48), **MAKER_CAPACITY}


@pytest.fixture(autouse=True)
def _empty(tenant: OpenScope) -> Iterator[None]:
    _clear(tenant)
    yield
    _clear(tenant)


def _clear(tenant: OpenScope) -> None:
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        scope.run("DELETE FROM outbox")
        scope.run("DELETE FROM worker_processes")


class Clock:
    """A clock of the relay that tests advance."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def register(tenant: OpenScope, *workers: WorkerProcess) -> None:
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        for worker in workers:
            worker_registry.register_worker(scope, worker)


def read(tenant: OpenScope, running: RunningWorkers) -> Capacity:
    running.expire()
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        return running.refresh(scope)


@pytest.mark.parametrize(
    ("leased", "queue", "expected"),
    [
        ({}, "publish", 32),
        ({}, "notify", 4),
        ({"notify": 3}, "publish", 29),
        ({"publish": 30}, "notify", 2),
        ({"publish": 32}, "notify", 0),
        ({"make": 1}, "gpu", 1),
        ({"gpu": 1}, "make", 1),
        ({"make": 2}, "gpu", 0),
        ({"gpu": 1, "make": 1}, "buy", 8),
        ({"buy": 8}, "gpu", 1),
        ({"chat": 12}, "urgent", 4),
    ],
)
def test_free_capacity_is_the_cap_within_the_shared_limit(
    leased: Mapping[Queue, int], queue: Queue, expected: int
) -> None:
    seen = {name: QueueState(leased.get(name, 0), due=True, next_at=None) for name in QUEUES}
    assert Capacity(NODE).count_free(seen, queue) == expected
    twice = Capacity({name: 2 * rows for name, rows in NODE.items()})
    assert twice.count_free(seen, queue) >= expected + min(NODE[queue], NODE["notify"], 1)


@pytest.mark.parametrize("threads", [4, 5, 12, 24, 48, 500])
def test_sender_never_registers_more_rows_than_threads(threads: int) -> None:
    found = sender_capacity(threads)
    assert found["urgent"] + found["chat"] + found["publish"] == threads
    assert min(found.values()) >= 1
    assert found["notify"] <= found["publish"]
    assert {queue for group in QUEUE_GROUPS for queue in group} == set(QUEUES) - {FACT_QUEUE}
    assert set(NODE) == set(QUEUES) - {FACT_QUEUE}, "every queue has a worker"


def test_capacity_is_the_sum_of_running_workers_within_the_limits(tenant: OpenScope) -> None:
    clock = Clock()
    running = RunningWorkers({"chat": 20, "buy": 3, "make": 0}, clock=clock)
    assert not any(read(tenant, running).queues.values()), "no worker, no capacity"
    one, two = WorkerProcess("a", "send", NODE), WorkerProcess("b", "send", NODE)
    register(tenant, one, two)
    assert read(tenant, running).queues == {
        **{queue: 2 * rows for queue, rows in NODE.items()},
        "chat": 20,
        "buy": 3,
        "make": 0,
    }
    idle = {name: QueueState(0, due=True, next_at=None) for name in QUEUES}
    assert running.capacity.count_free(idle, "gpu") == 2, "a limit concerns its queue only"
    again = WorkerProcess("a", "send", {**NODE, "publish": 8})
    register(tenant, again)
    assert read(tenant, running).queues["publish"] == 40, "a restart replaces its registration"
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        worker_registry.remove_worker(scope, one)
    assert read(tenant, running).queues["publish"] == 40, "an earlier run does not remove it"
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        worker_registry.remove_worker(scope, again)
    assert read(tenant, running).queues["publish"] == 32


def test_worker_without_beats_is_lost_and_one_with_beats_is_not(tenant: OpenScope) -> None:
    clock = Clock()
    running = RunningWorkers(clock=clock)
    silent, beating = WorkerProcess("a", "send", NODE), WorkerProcess("b", "send", NODE)
    register(tenant, silent, beating)
    for _ in range(12):
        publish = read(tenant, running).queues["publish"]
        clock.now += 1.0
        with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
            assert worker_registry.renew_worker(scope, beating)
    assert publish == 32
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        assert not worker_registry.renew_worker(scope, silent), "it must register again"
    clock.now += 60.0  # an outage of the database, during which no worker could renew
    assert read(tenant, running).queues["publish"] == 32


def test_registration_follows_the_process(tenant: OpenScope) -> None:
    def open_scope() -> object:
        return tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay")

    def count() -> int:
        with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
            return len(worker_registry.load_workers(scope))

    worker = WorkerProcess("a", "send", NODE)
    with worker_registry.keep_registered(open_scope, worker) as stop:
        wait_until(lambda: count() == 1)
        started = monotonic()
        stop()
        assert monotonic() - started < 0.1, "a signal handler calls it"
        wait_until(lambda: count() == 0)
    with worker_registry.keep_registered(open_scope, worker):
        wait_until(lambda: count() == 1)
    assert count() == 0


def test_agency_has_no_more_rows_in_progress_than_its_limit(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    put_posts(tenant, tenant_id, 20)
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        first = row_leases.claim_rows(scope, "publish", places=64, room=64, tenant_limit=5)
        again = row_leases.claim_rows(scope, "publish", places=64, room=64, tenant_limit=7)
    assert (len(first), len(again)) == (5, 2)


def device(node: str, *models: str) -> WorkerProcess:
    return WorkerProcess(node, "make", MAKER_CAPACITY, models)


def put_runs(tenant: OpenScope, tenant_id: UUID, *groups: str) -> None:
    with tenant(tenant_id, "system:test") as scope:
        for number, group in enumerate(groups):
            outbox.put(scope, RunDue(tenant_id, uuid7()), group=group, priority=number % 10)


def claim(
    tenant: OpenScope, devices: DeviceSchedulers, *present: WorkerProcess
) -> list[tuple[str, str]]:
    """Claim a row for each free device; return the machine and the group of each."""
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        found = devices.claim_rows(scope, Capacity({}, present), room=len(present))
    return [(to.node, row.group or "") for row, to in found]


def finish(tenant: OpenScope) -> None:
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        scope.run("DELETE FROM outbox WHERE state = 'leased'")


def test_each_device_runs_one_row_of_a_model_that_it_has(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    group = device_queue.model_group
    large, small = device("large", "", "xl", "sd", "mia"), device("small", "", "sd")
    devices = DeviceSchedulers()
    xl, lora, sd = group("xl"), group("sd", adapters=["mia"]), group("sd")
    put_runs(tenant, tenant_id, xl, lora, xl, sd)
    assert sorted(claim(tenant, devices, large, small)) == [("large", xl), ("small", sd)]
    assert claim(tenant, devices, large, small) == [], "both are busy"
    finish(tenant)
    assert claim(tenant, devices, large, small) == [("large", xl)], "the small one has no such row"
    finish(tenant)
    assert claim(tenant, devices, large, small) == [("large", lora)], "nor this LoRA"
    put_runs(tenant, tenant_id, group("unknown"))
    assert claim(tenant, devices, large, small) == [("small", group("unknown"))], "to be reported"


def test_device_that_has_loaded_a_model_is_preferred_for_it(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    first, second = device("first", "a", "b"), device("second", "a", "b")
    a, b = device_queue.model_group("a"), device_queue.model_group("b")
    devices = DeviceSchedulers()
    put_runs(tenant, tenant_id, a, b)
    assert claim(tenant, devices, first, second) == [("first", a), ("second", b)]
    finish(tenant)
    put_runs(tenant, tenant_id, b)
    assert claim(tenant, devices, first, second) == [("second", b)]
    put_runs(tenant, tenant_id, b)
    assert claim(tenant, devices, first, second) == [("first", b)], "an idle device may load it"
    other = DeviceSchedulers()  # another relay leads
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        other.restore_from_running(scope)
    assert claim(tenant, other, first, second) == []
    restarted = device("second", "a", "b")
    finish(tenant)
    put_runs(tenant, tenant_id, a, b)
    assert claim(tenant, other, first, restarted) == [("first", b), ("second", a)]


def test_overdue_row_of_another_model_is_not_overtaken(tenant: OpenScope, tenant_id: UUID) -> None:
    """Two devices with models of their own took turns with the rows of these models only."""
    first, second = device("first", "a", "b", "c"), device("second", "a", "b", "c")
    devices = DeviceSchedulers(patience=timedelta(minutes=5), stay=timedelta())
    put_runs(tenant, tenant_id, "|a", "|b")
    assert len(claim(tenant, devices, first, second)) == 2
    finish(tenant)
    put_runs(tenant, tenant_id, *("|a", "|b") * 4)
    with tenant(tenant_id, "system:test") as scope:
        at = scope.now - timedelta(minutes=6)
        outbox.put(scope, RunDue(tenant_id, uuid7()), group="|c", at=at, priority=0)
    assert "|c" in {group for _, group in claim(tenant, devices, first, second)}


@given(
    st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3), min_size=1, max_size=3),
    st.frozensets(st.sampled_from("abcd"), min_size=1, max_size=3),
)
@example([frozenset("a"), frozenset("bc")], frozenset("ac"))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_row_is_given_to_a_device_that_has_its_models_or_to_any(
    tenant: OpenScope, tenant_id: UUID, has: list[frozenset[str]], wanted: frozenset[str]
) -> None:
    _clear(tenant)
    present = [device(str(number), *sorted(names)) for number, names in enumerate(has)]
    put_runs(tenant, tenant_id, "|".join(sorted(wanted)))
    ((node, _),) = claim(tenant, DeviceSchedulers(), *present)
    known = wanted & frozenset().union(*has)
    assert known <= has[int(node)] or not any(known <= names for names in has)


def test_row_that_a_device_did_not_start_goes_to_another(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    first, second = device("first", "a"), device("second", "a")
    devices = DeviceSchedulers()
    put_runs(tenant, tenant_id, "|a")
    got = claim(tenant, devices, first, second)
    for _ in range(3):
        with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
            scope.run("UPDATE outbox SET lease_until = lease_until - interval '1 hour'")
            assert row_leases.sweep_expired_leases(scope) == 1
        again = claim(tenant, devices, first, second)
        assert {got[0][0], again[0][0]} == {"first", "second"}
        got = again
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        scope.run("UPDATE outbox SET lease_until = lease_until - interval '1 hour'")
        row_leases.sweep_expired_leases(scope)
    alone = first if got[0][0] == "first" else second
    assert claim(tenant, devices, alone) == [(alone.node, "|a")], "there is no other device"


def test_messages_of_a_lost_device_are_deleted(
    tenant: OpenScope, tenant_id: UUID, redis_url: str
) -> None:
    app = celery_app.make_celery_app(redis_url)
    lost = device("lost")
    put_runs(tenant, tenant_id, "a")
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        ((row, to),) = DeviceSchedulers().claim_rows(scope, Capacity({}, (lost,)), room=1)
    celery_sender(app)(row, to.device_queue)
    store = redis.Redis.from_url(redis_url)
    assert store.llen(lost.device_queue) == 1
    remove = device_queue_remover(app)
    remove(lost)
    remove(lost)
    assert not [key for key in store.scan_iter(match=f"*{lost.device_queue}*")]
    device_queue_remover(celery_app.make_celery_app("redis://127.0.0.1:9/0"))(lost)


def test_lost_device_does_not_hold_its_row(tenant: OpenScope, tenant_id: UUID) -> None:
    lost, left = device("lost"), device("left")
    devices = DeviceSchedulers()
    put_runs(tenant, tenant_id, "a")
    assert claim(tenant, devices, lost) == [("lost", "a")]
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        scope.run("UPDATE outbox SET lease_until = lease_until - interval '1 hour'")
        assert row_leases.sweep_expired_leases(scope) == 1
    assert claim(tenant, devices, left) == [("left", "a")]
