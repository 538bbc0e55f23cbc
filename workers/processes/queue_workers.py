"""Main functions of the queue workers: each builds its services, announces that it is ready, and
works until SIGTERM."""

import os
import socket
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path

from foundation.ops import telemetry
from foundation.ops.settings import Settings
from foundation.outbox import worker_registry
from foundation.outbox.lease_renewal import RENEWED_LEASE
from foundation.outbox.worker_registry import WorkerProcess
from generators.registry import list_device_models
from workers.event_routes import registry
from workers.installation import folder
from workers.relay import celery_app
from workers.relay.dispatch import Dispatcher
from workers.wiring import build_services

MAKER_POOL_SIZE = 4
LISTENER_POOL_SIZE = 2
"""Number of PostgreSQL connections of the listener, opened when first needed. `MAKER_POOL_SIZE` is
the number for `make`: two for long tasks, one for waiting ones and one for its leases. Threads do
not request a second connection while they have one, so few are enough (ADR 0171)."""

MAKER_CAPACITY: dict[str, int] = {"make": 2, "gpu": 1, "buy": 8}
"""Two threads for local work, of which one uses the device, and eight that wait for picture
providers."""

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")

MAKER_LEASE = timedelta(minutes=1)
"""Duration of the leases of `make`, whose tasks may keep the interpreter busy for seconds."""

NICE = 5


def sender_capacity(threads: int) -> dict[str, int]:
    """Return the rows of each queue that a sender with this number of threads handles at once."""
    urgent = max(threads // 12, 1)
    chat = max(threads // 4, 1)
    return {
        "urgent": urgent,
        "chat": chat,
        "publish": threads - urgent - chat,
        "notify": urgent,
    }


def run_sender(settings: Settings) -> None:
    """Run the queues that contact platforms: urgent, chat, publish, notify. Several processes share
    them, each with a separate name."""
    threads = settings.workers.send_threads
    worker = _describe_worker(settings, telemetry.process_name(), sender_capacity(threads))
    pool = settings.workers.send_pool
    _run_worker(settings, worker, worker.capacity, threads, pool, lease=RENEWED_LEASE)


def run_maker(settings: Settings) -> None:
    """Run the tasks that need processor time: rollups and pictures. Its priority is below that of
    the senders."""
    os.nice(NICE)
    worker = _describe_worker(
        settings, "make", MAKER_CAPACITY, models=list_device_models(settings.generators)
    )
    queues = ("make", "buy", worker.device_queue)
    _run_worker(
        settings,
        worker,
        queues,
        MAKER_CAPACITY["make"] + MAKER_CAPACITY["buy"],
        MAKER_POOL_SIZE,
        lease=MAKER_LEASE,
    )


def _describe_worker(
    settings: Settings,
    name: str,
    capacity: Mapping[str, int],
    *,
    models: tuple[str, ...] = (),
) -> WorkerProcess:
    boot = BOOT_ID_FILE.read_text(encoding="ascii").strip()[:8]  # clones have the same name
    node = f"{socket.gethostname()}:{settings.home.resolve()}:{boot}"
    return WorkerProcess(node, name, capacity, models)


def _run_worker(
    settings: Settings,
    worker: WorkerProcess,
    queues: Iterable[str],
    threads: int,
    pool: int,
    *,
    lease: timedelta,
) -> None:
    with build_services(settings, pool_size=pool, application=worker.process) as services:
        dispatcher = Dispatcher(
            registry.build_routes(services),
            services.tenant,
            database=services.database,
            renewed_lease=lease,
        )
        broker = celery_app.make_celery_app(
            settings.redis.url.get_secret_value(), dispatcher.handle_event
        )
        folder.announce_ready(settings, worker.process)
        with worker_registry.keep_registered(dispatcher.scope, worker) as stop_new_rows:
            celery_app.run_celery_worker(
                broker, queues=list(queues), threads=threads, on_stop=stop_new_rows
            )
