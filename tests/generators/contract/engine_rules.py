"""What holds of every engine, whatever it makes: rules over a world, which is an engine beside what
it talks to.

A rule raises AssertionError with what it found. What an engine promises is data of its world, not a
branch in a rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generators.contract.engines import EngineError, Progress, RequestLedger, ignore_progress


class Stopped(Exception):
    """A person ended the run: what a listener raises."""


@dataclass(frozen=True)
class Failure:
    """A way to fail: how it is brought about, and what the caller is told."""

    cause: Callable[[], object]
    error: type[EngineError]
    code: str
    costs: bool = False
    """Whether it must be booked: it was made, or nobody can know."""


@dataclass
class World:
    """An engine and the other side. `make` asks once for what a seed gives; `booked` is what the
    house wrote down as paid, `billed` what the other side took, both in the same unit and nothing
    where no money is asked."""

    make: Callable[[int, Progress], bytes]
    tells: bool = True
    """Whether it takes a listener: then it has progress, and can be stopped."""
    repeats: bool = True
    """Whether the same seed gives the same bytes."""
    varies: bool = True
    """Whether another seed gives others."""
    begun: Callable[[], bool] = lambda: True
    """Whether the other side is at it: then it is stopped."""
    goes_on: Callable[[], bool] = lambda: False
    booked: Callable[[], int] = int
    billed: Callable[[], int] = int
    price: int = 0
    """Of one, in the unit of the bill."""
    failures: Mapping[str, Failure] = field(default_factory=dict)


class Counting(RequestLedger):
    """A tally of requests for texts; `booked` are those that may be billed, each of which ends
    exactly once."""

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
    """From nothing to all, never back, against one total."""
    heard: list[tuple[int, int]] = []
    world.make(7, lambda done, total: heard.append((done, total)))
    assert heard, "nobody is told"
    assert heard[0][0] == 0, f"begins at {heard[0]}"
    assert heard == sorted(heard), f"goes back: {heard}"
    assert heard[-1][0] == heard[-1][1] > 0, f"ends at {heard[-1]}"
    assert len({total for _, total in heard}) == 1, f"several totals: {heard}"


def a_stop_stops(world: World) -> None:
    """What the listener raises comes out as it is, nothing runs or is billed behind it, and the
    next one is made."""
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
    assert world.make(9, ignore_progress), "nothing is made after a stop"


def a_seed_repeats(world: World) -> None:
    """The same seed gives the same bytes."""
    first = world.make(7, ignore_progress)
    assert world.make(7, ignore_progress) == first, "the same seed gives other bytes"


def seeds_differ(world: World) -> None:
    """Another seed gives other bytes."""
    assert world.make(7, ignore_progress) != world.make(8, ignore_progress), (
        "another seed gives the same bytes"
    )


def a_failure_is_said(world: World, name: str) -> None:
    """In the house's words, of just that kind, booked where it may be billed, and nothing stays of
    it."""
    failure = world.failures[name]
    booked, billed = world.booked(), world.billed()
    seed = 100 + list(world.failures).index(
        name
    )  # what was made before is taken, where it stands there
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
    assert world.make(seed, ignore_progress), "nothing is made after a failure"


def keeps_all(world: World) -> None:
    """Every rule that what the engine promises brings with it, but the failures; the last one stops
    it."""
    each_is_billed_once(world)
    if world.repeats:
        a_seed_repeats(world)
    if world.varies:
        seeds_differ(world)
    if world.tells:
        progress_reaches_its_end(world)
        a_stop_stops(world)


def each_is_billed_once(world: World) -> None:
    """What the house books is what the other side bills, once for each."""
    booked, billed = world.booked(), world.billed()
    for seed in (7, 8):
        world.make(seed, ignore_progress)
    assert world.billed() - billed == 2 * world.price, (
        f"{world.billed() - billed} were billed for two"
    )
    assert world.booked() - booked == world.billed() - billed, "booked otherwise than billed"
