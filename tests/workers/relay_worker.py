"""A real relay and a real Celery worker in this process, with Redis and PostgreSQL of this run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Thread
from typing import Any
from uuid import UUID

import redis

from foundation.db.database import Database, OpenScope
from foundation.ids import INSTALLATION_ID
from foundation.outbox import worker_registry
from foundation.outbox.fan_out import FactListeners
from foundation.outbox.worker_registry import WorkerProcess
from tests.conftest import wait_until
from workers.relay import celery_app
from workers.relay.beat import Tick
from workers.relay.claim_loop import Relay, SendMessage, celery_sender
from workers.relay.dispatch import RELAY_ACTOR, Dispatcher, EventRoutes

NO_FACTS = FactListeners({})
WORKER = WorkerProcess(
    "here",
    "test",
    {"urgent": 4, "chat": 12, "publish": 32, "notify": 4, "make": 2, "gpu": 1, "buy": 8},
)
"""The worker that a relay of these tests serves."""


def clear_outbox(tenant: OpenScope, redis_url: str) -> None:
    """Delete all rows and messages of earlier tests."""
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        scope.run("DELETE FROM outbox")
        scope.run("DELETE FROM worker_processes")
    redis.Redis.from_url(redis_url).flushall()


def count_pending_rows(tenant: OpenScope) -> int:
    """Return the number of unfinished rows of all tenants."""
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        return int(scope.run("SELECT count(*) FROM outbox").scalar_one())


@contextmanager
def relaying(
    database: Database,
    send: SendMessage,
    *,
    facts: FactListeners = NO_FACTS,
    ticks: Sequence[Tick] = (),
) -> Iterator[Relay]:
    """Run a relay in a thread with separate connections, and register a worker."""
    own = Database(database.engine.url.render_as_string(hide_password=False), pool_size=3)
    relay = Relay(own, own.scope, send, facts=facts, ticks=ticks)
    thread = Thread(target=relay.run, name="relay", daemon=True)
    thread.start()
    try:
        with worker_registry.keep_registered(relay._open_scope, WORKER):
            yield relay
    finally:
        relay.stop()
        thread.join(20)
        own.close()
        assert not thread.is_alive()


@contextmanager
def house(
    database: Database,
    redis_url: str,
    routes: EventRoutes,
    *,
    wrap: Callable[[SendMessage], SendMessage] = lambda send: send,
    handle: Callable[[Dispatcher, UUID, UUID], Any] = Dispatcher.handle_event,
) -> Iterator[Relay]:
    """Run relay, Redis and worker. `wrap` may tamper with sending, `handle` with receiving."""
    clear_outbox(database.scope, redis_url)
    dispatcher = Dispatcher(routes, database.scope, database=database)
    with ExitStack() as stack:
        stack.enter_context(
            celery_app.background_worker(
                celery_app.make_celery_app(redis_url, partial(handle, dispatcher)),
                queues=(*WORKER.capacity, WORKER.device_queue),
                threads=12,
            )
        )
        relay = stack.enter_context(
            relaying(
                database,
                wrap(celery_sender(celery_app.make_celery_app(redis_url))),
                facts=routes.facts,
            )
        )
        wait_until(relay.leading.is_set)
        yield relay
