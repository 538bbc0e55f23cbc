"""The mains of the processes that work: each wires what it needs, says that it is ready, and works until SIGTERM."""

import os
import threading
from contextlib import AbstractContextManager, nullcontext

from foundation.ops import telemetry
from foundation.ops.settings import Settings
from foundation.outbox.outbox import Queue
from workers.event_routes import age_checks, registry
from workers.installation import folder
from workers.listeners.polling import ListenerPool
from workers.listeners.webhooks import app_webhooks, meta
from workers.processes.relay import stop_on_signal
from workers.relay import celery_app
from workers.relay.dispatch import Dispatcher
from workers.runtime import metrics
from workers.wiring import Services, build_services

MAKER_POOL_SIZE, LISTENER_POOL_SIZE = 3, 2
"""Connections to PostgreSQL per process; they open when first needed. Two for what works long, one for who waits for
sellers. No thread was seen to ask for one while it holds another, so that few are enough (ADR 0171)."""

MAKER_THREADS = 10
"""Two that work, and eight that wait for sellers of pictures: the relay hands out no more (`claim_loop.CAPACITY_GROUPS`)."""

NICE = 5


def run_sender(settings: Settings) -> None:
    """Everything that touches the outside: urgent, chat, publish, notify. Several share it, each with its name."""
    _run_worker(
        settings,
        telemetry.process_name(),
        ("urgent", "chat", "publish", "notify"),
        settings.workers.send_threads,
        settings.workers.send_pool,
    )


def run_maker(settings: Settings) -> None:
    """What takes the processor: rollups, pictures. It yields to those who send."""
    os.nice(NICE)
    _run_worker(settings, "make", ("make", "gpu", "buy"), MAKER_THREADS, MAKER_POOL_SIZE)


def _run_worker(settings: Settings, name: str, queues: tuple[Queue, ...], threads: int, pool: int) -> None:
    with build_services(settings, pool_size=pool, application=name) as services:
        dispatcher = Dispatcher(registry.build_routes(services), services.tenant, database=services.database)
        broker = celery_app.make_celery_app(settings.redis.url.get_secret_value(), dispatcher.handle_event)
        folder.announce_ready(settings, name)
        celery_app.run_celery_worker(broker, queues=queues, threads=threads)


def run_listener(settings: Settings) -> None:
    """Hear what fans do."""
    with build_services(settings, pool_size=LISTENER_POOL_SIZE, application="listen") as services:
        ears = registry.make_listener_pool(services)
        told = threading.Event()
        metrics.register_listener_collector()

        def beat() -> None:
            if not told.is_set():
                told.set()
                folder.announce_ready(settings, "listen")

        with stop_on_signal(ears.stop), _serve_webhooks(services, ears):
            ears.run(beat=beat)


def _serve_webhooks(services: Services, ears: ListenerPool) -> AbstractContextManager[None]:
    """The door platforms call at, where this installation has an address they take."""
    if not registry.can_receive_webhooks(services):
        return nullcontext()
    from workers.listeners.webhooks import server  # noqa: PLC0415  a web server for the one process that needs it

    own = services.settings.workers
    app = server.create_webhook_app(
        ears.find_listener,
        age_checks.provider_webhook_handler(services),
        app_webhooks.make_app_webhooks(services, ears),
        meta.make_meta_webhooks(services, ears),
    )
    return server.run_webhook_server(app, own.hooks_host, own.hooks_port)
