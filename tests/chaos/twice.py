"""Two relays with a beat each, and neither says anything once: every message is sent twice, and again a while later."""

import threading
from collections import deque
from functools import partial

from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError

from foundation.clock import monotonic, pause
from foundation.database import Database
from foundation.leases import Claimed
from foundation.outbox import Queue
from foundation.settings import Settings
from tenants.scope import opener
from workers import app as celery_app
from workers import home
from workers.facts import FACTS
from workers.relay import Relay, Send, sender
from workers.relay_main import POOL, stopped_by
from workers.ticks import TICKS

LATE_SECONDS = 2.5
"""The third message comes when its row is done, or with another worker, or under way still."""


class Echo:
    """Sends each message at once twice, and a third time late, from a thread of its own."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._late: deque[tuple[float, Claimed, Queue]] = deque()
        threading.Thread(target=self._repeat, name="echo", daemon=True).start()

    def __call__(self, row: Claimed, queue: Queue) -> None:
        """As `send`, and raises what it raises."""
        self._send(row, queue)
        self._send(row, queue)
        self._late.append((monotonic() + LATE_SECONDS, row, queue))

    def _repeat(self) -> None:
        while True:
            pause(0.1)
            while self._late and self._late[0][0] <= monotonic():
                _, row, queue = self._late.popleft()
                try:
                    self._send(row, queue)
                except (BrokerError, RedisError, OSError):
                    continue  # Redis is away, and nobody needs this message


def _run(settings: Settings, *, name: str) -> None:
    database = Database(settings.database.work_url.get_secret_value(), pool_size=POOL, application=name)
    broker = celery_app.broker(settings.redis.url.get_secret_value())
    loop = Relay(database, opener(database), Echo(sender(broker)), facts=FACTS, ticks=TICKS)
    with stopped_by(loop.stop):
        home.ready(settings, name)
        loop.run()
    database.close()


first = partial(_run, name="relay")
second = partial(_run, name="second")
