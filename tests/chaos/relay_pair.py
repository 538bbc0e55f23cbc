"""Two relays with a scheduler each. Every message is sent twice, and again later."""

import threading
from collections import deque
from functools import partial

from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from foundation.db.database import Database
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings
from foundation.outbox.row_leases import ClaimedRow
from tenants.scope import scope_opener
from workers.event_routes.fact_routes import FACT_ROUTES
from workers.installation import folder
from workers.processes.relay import RELAY_POOL_SIZE, stop_on_signal
from workers.relay import celery_app
from workers.relay.claim_loop import Relay, SendMessage, celery_sender
from workers.relay.ticks import TICKS

LATE_SECONDS = 2.5
"""Delay of the third message: by then its row is done, leased by another worker, or still in
progress."""


class RepeatedSender:
    """Sends each message twice at once, and a third time later from a separate thread."""

    def __init__(self, send: SendMessage) -> None:
        self._send = send
        self._late: deque[tuple[float, ClaimedRow, str]] = deque()
        threading.Thread(target=self._repeat, name="echo", daemon=True).start()

    def __call__(self, row: ClaimedRow, queue: str) -> None:
        """Send like `send`, and raise its errors."""
        self._send(row, queue)
        self._send(row, queue)
        self._late.append((monotonic() + LATE_SECONDS, row, queue))

    def _repeat(self) -> None:
        while True:
            sleep(0.1)
            while self._late and self._late[0][0] <= monotonic():
                _, row, queue = self._late.popleft()
                try:
                    self._send(row, queue)
                except (BrokerError, RedisError, OSError):
                    continue  # Redis is unavailable, and the repeated message is not needed


def _run(settings: Settings, *, name: str) -> None:
    database = Database(
        settings.database.work_url.get_secret_value(), pool_size=RELAY_POOL_SIZE, application=name
    )
    broker = celery_app.make_celery_app(settings.redis.url.get_secret_value())
    loop = Relay(
        database,
        scope_opener(database),
        RepeatedSender(celery_sender(broker)),
        facts=FACT_ROUTES,
        ticks=TICKS,
    )
    with stop_on_signal(loop.stop):
        folder.announce_ready(settings, name)
        loop.run()
    database.close()


first = partial(_run, name="relay")
second = partial(_run, name="second")
