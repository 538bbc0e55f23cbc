"""Running work when its process, or Redis, is really stopped."""

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from foundation.db.database import Database
from foundation.ops.clock import sleep
from foundation.outbox import worker_registry
from tests.conftest import _pings, free_port, wait_until
from tests.foundation.events import PostDue, put_posts
from tests.workers.relay.test_claim_loop import Handled
from tests.workers.relay_worker import clear_outbox, count_pending_rows, house, relaying
from workers.relay import celery_app
from workers.relay.claim_loop import celery_sender
from workers.relay.dispatch import EventRoute, EventRoutes
from workers.runtime import embedded_servers

REFUSING = (
    (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),  # READONLY
    (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),  # OOM
    (
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "0"),
    ),  # NOREPLICAS
)
"""Commands that make Redis refuse writes, and those that end it; MISCONF needs a full disk
(`tests/chaos`)."""


def start_worker(database: Database, redis_url: str, told: Path) -> "subprocess.Popen[bytes]":
    url = database.engine.url.render_as_string(hide_password=False)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.workers.slow_worker", url, redis_url, str(told)]
    )


def list_machines(database: Database) -> set[str]:
    with database.scope(UUID(int=0), "system:test", role="relay") as scope:
        return {worker.node for worker in worker_registry.load_workers(scope)}


def test_worker_completes_its_work_on_sigterm(
    database: Database, redis_url: str, tenant_id: UUID, tmp_path: Path
) -> None:
    clear_outbox(database.scope, redis_url)
    told = tmp_path / "told"
    worker = start_worker(database, redis_url, told)
    with relaying(database, celery_sender(celery_app.make_celery_app(redis_url))):
        put_posts(database.scope, tenant_id, 1)
        wait_until(told.exists)
        assert "slow" in list_machines(database)
        worker.send_signal(signal.SIGTERM)
        wait_until(lambda: "slow" not in list_machines(database))
        assert told.read_text() == "started", "it gets no more rows while it completes this one"
        assert worker.wait(60) == 0
    assert told.read_text() == "ended"
    assert count_pending_rows(database.scope) == 0


def test_row_of_a_killed_worker_is_handled_by_another(
    database: Database, redis_url: str, tenant_id: UUID, tmp_path: Path
) -> None:
    clear_outbox(database.scope, redis_url)
    told = tmp_path / "told"
    first = start_worker(database, redis_url, told)
    with relaying(database, celery_sender(celery_app.make_celery_app(redis_url))) as relay:
        put_posts(database.scope, tenant_id, 1)
        wait_until(told.exists)
        first.kill()
        first.wait(60)
        told.unlink()
        with database.scope(UUID(int=0), "system:test", role="relay") as scope:
            scope.run(
                "UPDATE outbox SET lease_until = lease_until - interval '1 hour' WHERE state = "
                "'leased'"
            )
        relay._sweep_at = 0.0
        second = start_worker(database, redis_url, told)
        wait_until(lambda: count_pending_rows(database.scope) == 0, 40)
        second.terminate()
        assert second.wait(60) == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_redis_may_restart_empty(database: Database, tenant_id: UUID, tmp_path: Path) -> None:
    port, config, handled = free_port(), tmp_path / "redis.conf", Handled()
    config.write_text("requirepass x\n")
    url = f"redis://:x@127.0.0.1:{port}/0"

    def redis() -> "subprocess.Popen[bytes]":
        server = embedded_servers.spawn_process(
            embedded_servers.redis_command(tmp_path / "data", port, config), tmp_path / "log"
        )
        wait_until(lambda: _pings(url))
        return server

    server = redis()
    with house(database, url, EventRoutes(EventRoute(PostDue, handled))):
        put_posts(database.scope, tenant_id, 5)
        wait_until(lambda: len(handled.seen) == 5)
        server.terminate()
        server.wait(60)
        put_posts(database.scope, tenant_id, 5)
        server = redis()
        wait_until(lambda: len(handled.seen) == 10, 60)
    assert set(handled.subjects.values()) == {1}
    server.terminate()
    server.wait(60)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
def test_redis_that_refuses_writes_is_treated_as_unavailable(
    database: Database, redis_url: str, tenant_id: UUID
) -> None:
    """Found by fault injection: on a full disk Redis answers MISCONF to a worker waiting for a
    message, and the worker exited."""
    handled, client = Handled(), Redis.from_url(redis_url)
    with house(database, redis_url, EventRoutes(EventRoute(PostDue, handled))) as relay:
        for number, (refusing, again) in enumerate(REFUSING, start=1):
            client.execute_command(*refusing)
            with pytest.raises(ResponseError):
                client.lpush("probe", "x")
            put_posts(database.scope, tenant_id, 3)
            sleep(1.5)  # longer than a worker waits for a message: its next request is refused
            assert len(handled.seen) == 3 * (number - 1)
            client.execute_command(*again)
            # bound per iteration
            wait_until(lambda number=number: len(handled.seen) == 3 * number)  # type: ignore[misc]  # see above
        assert relay.leading.is_set()
    assert set(handled.subjects.values()) == {1}
