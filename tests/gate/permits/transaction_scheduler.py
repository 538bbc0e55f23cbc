"""A deterministic scheduler of transactions. Each transaction stops before it begins, before every
statement and before its commit. A seed chooses the transaction that takes the next step: the same
seed gives the same order, regardless of timing."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import Connection, Engine, event

from foundation.ops.clock import monotonic

STUCK_SECONDS = 60.0


@dataclass
class Actor:
    """A transaction in a separate thread; `parked` while it waits for its turn."""

    name: str
    act: Callable[[], object]
    parked: threading.Event = field(default_factory=threading.Event)
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    ended: threading.Event = field(default_factory=threading.Event)
    at: str = ""
    """The next step."""
    pid: int = 0
    result: object = None
    error: BaseException | None = None

    def wait(self, step: str, pid: int) -> None:
        self.at, self.pid = step, pid
        self.parked.set()
        assert self.go.acquire(timeout=STUCK_SECONDS), f"{self.name} got no turn at {step}"

    def run(self) -> None:
        _here.actor = self
        try:
            self.result = self.act()
        except BaseException as error:  # re-raised in the thread of the test
            self.error = error
        finally:
            self.ended.set()


class _Here(threading.local):
    actor: Actor | None = None


_here = _Here()


def _pid(connection: Connection) -> int:
    return int(connection.connection.dbapi_connection.info.backend_pid)


@contextmanager
def stopped(engine: Engine) -> Iterator[None]:
    """Make each BEGIN, statement and COMMIT of an actor on this engine wait for its turn."""

    def before(connection, cursor, statement, *rest) -> None:
        if _here.actor is not None:
            _here.actor.wait(" ".join(statement.split())[:60], _pid(connection))

    def begin(connection) -> None:
        if _here.actor is not None:
            _here.actor.wait("BEGIN", _pid(connection))

    def commit(connection) -> None:
        if _here.actor is not None:
            _here.actor.wait("COMMIT", _pid(connection))

    listeners = (("begin", begin), ("before_cursor_execute", before), ("commit", commit))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


@dataclass(frozen=True)
class ExecutionOrder:
    """The executed steps as `actor step`, the order of commits, and the results."""

    steps: tuple[str, ...]
    committed: tuple[str, ...]
    results: Mapping[str, object]


def run_interleaved(
    acts: Mapping[str, Callable[[], object]], *, seed: int, waits: Callable[[int], bool]
) -> ExecutionOrder:
    """Run the acts concurrently in the order of `seed`. `waits` returns True if a backend waits for
    a lock. Raises the exception of an act, if any."""
    drawn, steps, committed = Random(seed), [], []
    actors = [Actor(name, act) for name, act in acts.items()]
    threads = [threading.Thread(target=actor.run, daemon=True) for actor in actors]
    for thread in threads:
        thread.start()
    while ready := _ready(actors, waits):
        chosen = drawn.choice(ready)
        steps.append(f"{chosen.name} {chosen.at}")
        if chosen.at == "COMMIT":
            committed.append(chosen.name)
        chosen.parked.clear()
        chosen.go.release()
    for thread in threads:
        thread.join(STUCK_SECONDS)
    for actor in actors:
        if actor.error is not None:
            raise actor.error
    return ExecutionOrder(
        tuple(steps), tuple(committed), {actor.name: actor.result for actor in actors}
    )


def _ready(actors: list[Actor], waits: Callable[[int], bool]) -> list[Actor]:
    """Return the actors that can take a step, once each actor is parked, waits for a lock or has
    ended."""
    until = monotonic() + STUCK_SECONDS
    while True:
        moving = [one for one in actors if not one.ended.is_set() and not one.parked.wait(0.001)]
        moving = [one for one in moving if not one.ended.is_set() and not one.parked.is_set()]
        if all(one.pid and waits(one.pid) for one in moving):
            ready = [one for one in actors if one.parked.is_set() and not one.ended.is_set()]
            if ready or all(one.ended.is_set() for one in actors):
                return ready
        assert monotonic() < until, f"no actor moves: {[(one.name, one.at) for one in actors]}"
