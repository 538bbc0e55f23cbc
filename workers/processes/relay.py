"""Main function of the relay, in a separate module so that the relay does not load the handlers of
the rows that it dispatches."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from foundation.db.database import Database
from foundation.ops.settings import Settings
from tenants.scope import scope_opener
from workers.event_routes.fact_routes import FACT_ROUTES
from workers.installation import folder
from workers.relay import celery_app
from workers.relay.capacity import RunningWorkers
from workers.relay.claim_loop import Relay, celery_sender, device_queue_remover
from workers.relay.gpu_scheduler import DeviceSchedulers
from workers.relay.ticks import TICKS
from workers.runtime import metrics

RELAY_POOL_SIZE = 3
"""Number of PostgreSQL connections, opened when first needed: one to listen, one to work, one for
metrics."""


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGTERM and SIGINT; the main function then returns."""

    def ask(_signum: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_relay(settings: Settings) -> None:
    """Claim due rows and dispatch them to Celery, write the ticks, and sweep expired leases."""
    database = Database(
        settings.database.work_url.get_secret_value(),
        pool_size=RELAY_POOL_SIZE,
        application="relay",
    )
    tenant = scope_opener(database)
    own = settings.workers
    broker = celery_app.make_celery_app(settings.redis.url.get_secret_value())
    metrics.register_outbox_collector(tenant)
    patience, stay = (
        timedelta(seconds=each) for each in (own.gpu_patience_seconds, own.gpu_stay_seconds)
    )
    loop = Relay(
        database,
        tenant,
        celery_sender(broker),
        facts=FACT_ROUTES,
        ticks=TICKS,
        devices=DeviceSchedulers(patience=patience, stay=stay),
        workers=RunningWorkers(
            dict(own.queue_limits.items()), on_lost=device_queue_remover(broker)
        ),
        tenant_limit=own.tenant_limit or None,
    )
    with stop_on_signal(loop.stop):
        folder.announce_ready(settings, "relay")
        loop.run()
    database.close()
