"""A pool whose resting connections end by themselves: what a burst or a start opened is given back.

The server could end them as well, but writes a fatal line for each, and the next use would meet a
dead connection.
"""

from threading import Lock, Timer
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util.queue import Empty

from foundation.ops.clock import monotonic

IDLE_SECONDS = 60.0
"""So long a connection rests before it ends."""

_SINCE = "rests_since"


class IdleClosingPool(QueuePool):
    """A pool that keeps no connection it has not used for `IDLE_SECONDS`. It wakes only while it
    keeps some."""

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
        ):  # those used last lie on top again; without a connection one is made anew
            self._pool.put(record, False)
        if coming := [seconds for seconds in left if seconds > 0]:
            self._wake_after(min(coming))

    def _take_idle_entries(self) -> list[ConnectionPoolEntry]:
        """All that rest, those used last first. Nobody is in the way: who asks meanwhile waits for
        microseconds."""
        found: list[ConnectionPoolEntry] = []
        while True:
            try:
                found.append(self._pool.get(False))
            except Empty:
                return found

    def _close_if_expired(self, record: ConnectionPoolEntry, now: float) -> float:
        """How many seconds it may rest on; 0 once it is ended."""
        if record.dbapi_connection is None:
            return 0.0
        left: float = record.info.get(_SINCE, now) + self.idle_seconds - now
        if left > 0:
            return left
        record.close()
        return 0.0

    def dispose(self) -> None:
        """End all that rest, and wake no more."""
        with self._waking:
            if self._wakes is not None:
                self._wakes.cancel()
                self._wakes = None
        super().dispose()
