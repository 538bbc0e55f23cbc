"""Heartbeats of long tasks: they extend the row's lease and detect its loss at the next step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Thread

from foundation.errors import LeaseLost

ExtendLease = Callable[[], bool]
"""Extends the lease of the running row. Returns False if another worker has taken it over."""

EVERY = 10.0
"""Seconds between two heartbeats; a lease outlasts several."""

IsCapacityNeeded = Callable[[], bool]
"""Returns True if another tenant waits for the capacity of the running row."""

_RUNNING: ContextVar[ExtendLease | None] = ContextVar("beat", default=None)
_WANTED: ContextVar[IsCapacityNeeded | None] = ContextVar("wanted", default=None)


@contextmanager
def running_row(beat: ExtendLease, wanted: IsCapacityNeeded | None = None) -> Iterator[None]:
    """Provide the running row's lease extension to `heartbeat` and `is_other_tenant_waiting`."""
    before = _RUNNING.set(beat)
    others = _WANTED.set(wanted)
    try:
        yield
    finally:
        _RUNNING.reset(before)
        _WANTED.reset(others)


def is_other_tenant_waiting() -> bool:
    """Return True if another tenant waits for the capacity of the running row.

    Always False for work started on the command line.
    """
    found = _WANTED.get()
    return found is not None and found()


class Heartbeat:
    """The handle of a long task, which calls `check_lease()` between its steps."""

    def __init__(self) -> None:
        self._lost = Event()

    def check_lease(self) -> None:
        """Raise LeaseLost if another worker has taken over the row; the task must stop without
        writing."""
        if self._lost.is_set():
            raise LeaseLost("event.taken_over")

    def mark_lost(self) -> None:
        """Record that the lease is lost."""
        self._lost.set()


@contextmanager
def heartbeat(beat: ExtendLease | None = None, *, every: float = EVERY) -> Iterator[Heartbeat]:
    """Extend the lease from a thread every `every` seconds during the block.

    `beat` defaults to the lease extension of the running row; work started on the command line has
    no row and cannot lose one. If a heartbeat fails because the database is unavailable, the next
    one tries again, since the lease outlasts several.
    """
    pulse = Heartbeat()
    ended = Event()
    found = beat if beat is not None else _RUNNING.get()
    if found is None:
        yield pulse
        return
    thread = Thread(
        target=_beat_until, args=(found, pulse, ended, every), name="heartbeat", daemon=True
    )
    thread.start()
    try:
        yield pulse
    finally:
        ended.set()
        thread.join(5)


def _beat_until(beat: ExtendLease, pulse: Heartbeat, ended: Event, every: float) -> None:
    while not ended.wait(every):
        try:
            if not beat():
                pulse.mark_lost()
                return
        except Exception:  # noqa: S112 - database unavailable: the next heartbeat tries again
            continue
