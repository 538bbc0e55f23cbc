"""Main functions of the queue workers: each builds its services, announces that it is ready, and
works until SIGTERM."""

import os

from foundation.ops import telemetry
from foundation.ops.settings import Settings
from foundation.outbox.outbox import Queue
from workers.event_routes import registry
from workers.installation import folder
from workers.relay import celery_app
from workers.relay.dispatch import Dispatcher
from workers.wiring import build_services

MAKER_POOL_SIZE = 3
LISTENER_POOL_SIZE = 2
"""Number of PostgreSQL connections of the listener, opened when first needed. `MAKER_POOL_SIZE` is
the number for `make`: two for long tasks and one for waiting ones. Threads do not request a second
connection while they have one, so few are enough (ADR 0171)."""

MAKER_THREADS = 10
"""Two threads for local work, and eight that wait for picture providers. The relay dispatches no
more (`claim_loop.CAPACITY_GROUPS`)."""

NICE = 5


def run_sender(settings: Settings) -> None:
    """Run the queues that contact platforms: urgent, chat, publish, notify. Several processes share
    them, each with a separate name."""
    _run_worker(
        settings,
        telemetry.process_name(),
        ("urgent", "chat", "publish", "notify"),
        settings.workers.send_threads,
        settings.workers.send_pool,
        renews=True,
    )


def run_maker(settings: Settings) -> None:
    """Run the tasks that need processor time: rollups and pictures. Its priority is below that of
    the senders."""
    os.nice(NICE)
    _run_worker(settings, "make", ("make", "gpu", "buy"), MAKER_THREADS, MAKER_POOL_SIZE)


def _run_worker(
    settings: Settings,
    name: str,
    queues: tuple[Queue, ...],
    threads: int,
    pool: int,
    *,
    renews: bool = False,
) -> None:
    with build_services(settings, pool_size=pool, application=name) as services:
        dispatcher = Dispatcher(
            registry.build_routes(services),
            services.tenant,
            database=services.database,
            renews=renews,
        )
        broker = celery_app.make_celery_app(
            settings.redis.url.get_secret_value(), dispatcher.handle_event
        )
        folder.announce_ready(settings, name)
        celery_app.run_celery_worker(broker, queues=queues, threads=threads)
