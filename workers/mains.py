"""The mains of the processes that work: each wires what it needs, says that it is ready, and works until SIGTERM."""

import os
import threading
from contextlib import AbstractContextManager, nullcontext

from foundation import telemetry
from foundation.outbox import Queue
from foundation.settings import Settings
from workers import age_routes, calls, figures, handlers, home, house_calls
from workers import app as celery_app
from workers.dispatch import Dispatcher
from workers.listeners import Ears
from workers.relay_main import stopped_by
from workers.wiring import Services, wire

MAKE_POOL, LISTEN_POOL = 3, 2
"""Connections to PostgreSQL per process; they open when first needed. Two for what works long, one for who waits for
sellers. No thread was seen to ask for one while it holds another, so that few are enough (ADR 0171)."""

MAKE_THREADS = 10
"""Two that work, and eight that wait for sellers of pictures: the relay hands out no more (`relay.PLACES`)."""

NICE = 5


def send(settings: Settings) -> None:
    """Everything that touches the outside: urgent, chat, publish, notify. Several share it, each with its name."""
    _work(
        settings,
        telemetry.process(),
        ("urgent", "chat", "publish", "notify"),
        settings.workers.send_threads,
        settings.workers.send_pool,
    )


def make(settings: Settings) -> None:
    """What takes the processor: rollups, pictures. It yields to those who send."""
    os.nice(NICE)
    _work(settings, "make", ("make", "gpu", "buy"), MAKE_THREADS, MAKE_POOL)


def _work(settings: Settings, name: str, queues: tuple[Queue, ...], threads: int, pool: int) -> None:
    with wire(settings, pool_size=pool, application=name) as services:
        dispatcher = Dispatcher(handlers.routes(services), services.tenant, database=services.database)
        broker = celery_app.broker(settings.redis.url.get_secret_value(), dispatcher.handle)
        home.ready(settings, name)
        celery_app.start(broker, queues=queues, threads=threads)


def listen(settings: Settings) -> None:
    """Hear what fans do."""
    with wire(settings, pool_size=LISTEN_POOL, application="listen") as services:
        ears = handlers.ears(services)
        told = threading.Event()
        figures.watch_listeners()

        def beat() -> None:
            if not told.is_set():
                told.set()
                home.ready(settings, "listen")

        with stopped_by(ears.stop), _called(services, ears):
            ears.run(beat=beat)


def _called(services: Services, ears: Ears) -> AbstractContextManager[None]:
    """The door platforms call at, where this installation has an address they take."""
    if not handlers.hooked(services):
        return nullcontext()
    from workers import hook_door  # noqa: PLC0415  a web server for the one process that needs it

    own = services.settings.workers
    app = hook_door.create(
        ears.find,
        age_routes.taking_calls(services),
        calls.taking(services, ears),
        house_calls.taking(services, ears),
    )
    return hook_door.opened(app, own.hooks_host, own.hooks_port)
