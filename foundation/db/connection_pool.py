"""A connection pool that closes idle connections, so that a peak does not keep them open.

The server could close them too, but it logs a FATAL line for each, and the next use would find a
dead connection.
"""

from threading import Lock, Timer
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util.queue import Empty

from foundation.ops.clock import monotonic

IDLE_SECONDS = 60.0
"""Seconds after which an idle connection is closed."""

_SINCE = "rests_since"


class IdleClosingPool(QueuePool):
    """A pool that closes connections not used for `IDLE_SECONDS`. Its timer runs only while some
    are idle."""

    idle_seconds = IDLE_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waking = Lock()
        self._wakes: Timer | None = None

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        record.info[_SINCE] = monotonic()
        super()._do_return_conn(record)
        self._wake_after(self.idle_seconds)

    def _wake_after(self, seconds: float) -> None:
        with self._waking:
            if self._wakes is None:
                self._wakes = Timer(seconds, self._end_those_at_rest)
                self._wakes.daemon = True
                self._wakes.start()

    def _end_those_at_rest(self) -> None:
        with self._waking:
            self._wakes = None
        now = monotonic()
        resting = self._take_idle_entries()
        left = [self._close_if_expired(record, now) for record in resting]
        for record in reversed(
            resting
            # Restore the order, most recently used on top. Entries without a connection reconnect.
        ):
            self._pool.put(record, False)
        if coming := [seconds for seconds in left if seconds > 0]:
            self._wake_after(min(coming))

    def _take_idle_entries(self) -> list[ConnectionPoolEntry]:
        """Take all idle entries, most recently used first; other threads wait only microseconds."""
        found: list[ConnectionPoolEntry] = []
        while True:
            try:
                found.append(self._pool.get(False))
            except Empty:
                return found

    def _close_if_expired(self, record: ConnectionPoolEntry, now: float) -> float:
        """Return the seconds until the entry expires, or 0 after closing it."""
        if record.dbapi_connection is None:
            return 0.0
        left: float = record.info.get(_SINCE, now) + self.idle_seconds - now
        if left > 0:
            return left
        record.close()
        return 0.0

    def dispose(self) -> None:
        """Close all idle connections and stop the timer."""
        with self._waking:
            if self._wakes is not None:
                self._wakes.cancel()
                self._wakes = None
        super().dispose()
