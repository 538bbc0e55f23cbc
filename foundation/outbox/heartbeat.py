"""Long work keeps its row by a heartbeat, and learns at its next step when it has lost it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Thread

from foundation.errors import LeaseLost

ExtendLease = Callable[[], bool]
"""Extends the lease of the running row; False when it belongs to somebody else by now."""

EVERY = 10.0
"""Seconds between two beats; a lease lives for several."""

IsCapacityNeeded = Callable[[], bool]
"""Whether another tenant waits for the place of the running row."""

_RUNNING: ContextVar[ExtendLease | None] = ContextVar("beat", default=None)
_WANTED: ContextVar[IsCapacityNeeded | None] = ContextVar("wanted", default=None)


@contextmanager
def running_row(beat: ExtendLease, wanted: IsCapacityNeeded | None = None) -> Iterator[None]:
    """Say, around a handler, how its row's lease is extended and who waits; `heartbeat` and
    `others_wait` find it."""
    before = _RUNNING.set(beat)
    others = _WANTED.set(wanted)
    try:
        yield
    finally:
        _RUNNING.reset(before)
        _WANTED.reset(others)


def is_other_tenant_waiting() -> bool:
    """Whether another tenant waits for the place of the running row; never of work that was started
    by hand."""
    found = _WANTED.get()
    return found is not None and found()


class Heartbeat:
    """What long work holds: `check()` between two steps, as often as it likes."""

    def __init__(self) -> None:
        self._lost = Event()

    def check_lease(self) -> None:
        """Raise LeaseLost when the row went to another worker: stop now, write nothing."""
        if self._lost.is_set():
            raise LeaseLost("event.taken_over")

    def mark_lost(self) -> None:
        """Note that the row is gone."""
        self._lost.set()


@contextmanager
def heartbeat(beat: ExtendLease | None = None, *, every: float = EVERY) -> Iterator[Heartbeat]:
    """Extend the lease from a thread while the block works; `every` seconds.

    `beat` is that of the running row when None; work started by hand has no row and never loses it.
    A beat that raises (the database is away) is tried again: the lease outlives several.
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
        except Exception:  # noqa: S112 - any failure to reach the database: the next beat tells
            continue
