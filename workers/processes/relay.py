"""The main of the relay: apart from the others, so that it loads no room whose work it only hands
out."""

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
from workers.relay.claim_loop import Relay, celery_sender
from workers.relay.gpu_scheduler import GpuScheduler
from workers.relay.ticks import TICKS
from workers.runtime import metrics

RELAY_POOL_SIZE = 3
"""Connections to PostgreSQL; they open when first needed. One listens, one works, one is for who
asks for figures."""


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; the main then returns by itself."""

    def ask(_signum: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_relay(settings: Settings) -> None:
    """Claim due rows and hand them to Celery; tick; sweep."""
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
        turns=GpuScheduler(patience=patience, stay=stay),
    )
    with stop_on_signal(loop.stop):
        folder.announce_ready(settings, "relay")
        loop.run()
    database.close()
