"""The main of the relay: apart from the others, so that it loads no room whose work it only hands out."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

from foundation.database import Database
from foundation.settings import Settings
from tenants.scope import opener
from workers import app as celery_app
from workers import figures, home
from workers.facts import FACTS
from workers.relay import Relay, sender
from workers.ticks import TICKS
from workers.turns import Turns

POOL = 3
"""Connections to PostgreSQL; they open when first needed. One listens, one works, one is for who asks for figures."""


@contextmanager
def stopped_by(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; the main then returns by itself."""

    def ask(_signum: int, _frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def relay(settings: Settings) -> None:
    """Claim due rows and hand them to Celery; tick; sweep."""
    database = Database(settings.database.work_url.get_secret_value(), pool_size=POOL, application="relay")
    tenant = opener(database)
    own = settings.workers
    broker = celery_app.broker(settings.redis.url.get_secret_value())
    figures.watch_outbox(tenant)
    patience, stay = (timedelta(seconds=each) for each in (own.gpu_patience_seconds, own.gpu_stay_seconds))
    loop = Relay(database, tenant, sender(broker), facts=FACTS, ticks=TICKS, turns=Turns(patience=patience, stay=stay))
    with stopped_by(loop.stop):
        home.ready(settings, "relay")
        loop.run()
    database.close()
