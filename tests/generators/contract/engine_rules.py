"""Rules for every engine, whatever it produces. A rule works on a world: an engine and the system
it calls.

A rule raises AssertionError with what it found. The promises of an engine are data of its world,
not branches in a rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generators.contract.engines import EngineError, Progress, RequestLedger, ignore_progress


class Stopped(Exception):
    """Raised by a listener when a user stops the run."""


@dataclass(frozen=True)
class Failure:
    """A way to fail: how to cause it, and the error that the caller receives."""

    cause: Callable[[], object]
    error: type[EngineError]
    code: str
    costs: bool = False
    """True if it must be booked, because it was produced or because that cannot be known."""


@dataclass
class World:
    """An engine and the system it calls.

    `make` requests one result for a seed. `booked` is what the installation recorded as paid and
    `billed` what the other side charged, in the same unit; both are 0 for engines that cost
    nothing.
    """

    make: Callable[[int, Progress], bytes]
    tells: bool = True
    """True if the engine takes a listener: it then reports progress and can be stopped."""
    repeats: bool = True
    """True if the same seed gives the same bytes."""
    varies: bool = True
    """True if another seed gives other bytes."""
    begun: Callable[[], bool] = lambda: True
    """Return True once the other side has started, which is when the rule stops it."""
    goes_on: Callable[[], bool] = lambda: False
    booked: Callable[[], int] = int
    billed: Callable[[], int] = int
    price: int = 0
    """Price of one result in the unit of the bill."""
    failures: Mapping[str, Failure] = field(default_factory=dict)


class Counting(RequestLedger):
    """A request ledger that checks that each request ends exactly once; `booked` counts those that
    may be billed."""

    def __init__(self) -> None:
        self.open = self.booked = 0

    def record_request(self, engine: str, model: str, most_in: int, most_out: int) -> None:
        self.open += 1
        self.booked += 1

    def record_answer(self, tokens_in: int, tokens_out: int) -> None:
        self._end()

    def record_lost(self) -> None:
        self._end()

    def record_not_received(self) -> None:
        self._end()
        self.booked -= 1

    def _end(self) -> None:
        self.open -= 1
        assert self.open == 0, "a request ends twice, or never"


def progress_reaches_its_end(world: World) -> None:
    """Check that progress starts at 0, never decreases and ends at one constant total."""
    heard: list[tuple[int, int]] = []
    world.make(7, lambda done, total: heard.append((done, total)))
    assert heard, "progress was never reported"
    assert heard[0][0] == 0, f"begins at {heard[0]}"
    assert heard == sorted(heard), f"goes back: {heard}"
    assert heard[-1][0] == heard[-1][1] > 0, f"ends at {heard[-1]}"
    assert len({total for _, total in heard}) == 1, f"several totals: {heard}"


def a_stop_stops(world: World) -> None:
    """Check that the listener's exception is raised unchanged, that nothing runs or is billed after
    it, and that the next run works."""
    calls = 0

    def stop(_done: int, _total: int) -> None:
        nonlocal calls
        if world.begun():
            calls += 1
            raise Stopped

    before = world.billed()
    try:
        world.make(9, stop)
    except Stopped:
        pass
    else:
        raise AssertionError("it was not told as stopped")
    assert calls == 1, f"went on through {calls} stops"
    assert not world.goes_on(), "it goes on there"
    assert world.billed() - before <= world.price, "more than one was billed"
    assert world.booked() >= world.billed(), "what is billed is not booked"
    assert world.make(9, ignore_progress), "no result after a stop"


def a_seed_repeats(world: World) -> None:
    """Check that the same seed gives the same bytes."""
    first = world.make(7, ignore_progress)
    assert world.make(7, ignore_progress) == first, "the same seed gives other bytes"


def seeds_differ(world: World) -> None:
    """Check that another seed gives other bytes."""
    assert world.make(7, ignore_progress) != world.make(8, ignore_progress), (
        "another seed gives the same bytes"
    )


def a_failure_is_said(world: World, name: str) -> None:
    """Check the type and message code of a failure, that it is booked if it may be billed, and that
    the next run works."""
    failure = world.failures[name]
    booked, billed = world.booked(), world.billed()
    seed = 100 + list(world.failures).index(
        name
    )  # one seed per failure, so that no earlier result is reused
    failure.cause()
    try:
        world.make(seed, ignore_progress)
    except EngineError as raised:
        told: Any = raised
    else:
        raise AssertionError("nothing was said")
    assert type(told) is failure.error, f"told as {type(told).__name__}"
    assert told.message.code == failure.code, f"told as {told.message.code}"
    taken = world.billed() - billed
    assert taken <= world.price, f"asked again: {taken} were billed"
    assert world.booked() - booked == (world.price if failure.costs else 0), (
        "booked otherwise than it costs"
    )
    assert world.booked() - booked >= taken, "what is billed is not booked"
    assert world.make(seed, ignore_progress), "no result after a failure"


def keeps_all(world: World) -> None:
    """Check every rule that applies to the engine's promises, except failures. The stop rule runs
    last."""
    each_is_billed_once(world)
    if world.repeats:
        a_seed_repeats(world)
    if world.varies:
        seeds_differ(world)
    if world.tells:
        progress_reaches_its_end(world)
        a_stop_stops(world)


def each_is_billed_once(world: World) -> None:
    """Check that each result is billed once and that the booked amount equals the billed amount."""
    booked, billed = world.booked(), world.billed()
    for seed in (7, 8):
        world.make(seed, ignore_progress)
    assert world.billed() - billed == 2 * world.price, (
        f"{world.billed() - billed} were billed for two"
    )
    assert world.booked() - booked == world.billed() - billed, "booked otherwise than billed"
