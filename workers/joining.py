"""A machine that makes pictures for a house elsewhere: it asks for work, draws, says how far it is, and hands in.

It needs neither database nor Redis, and opens no port: all it does is ask one house over HTTPS.
"""

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Event, Thread

from foundation.clock import monotonic, pause
from foundation.errors import BadInput, GreenroomError
from foundation.words import Message, say
from generators import shaping
from generators.contract import (
    AnswerUnusable,
    EngineError,
    EngineMissing,
    EngineUnreachable,
    Hosted,
    ImageEngine,
    ImageJob,
    Picture,
    Placed,
    Stocked,
)
from generators.wire import VERSION, Able, Asked, Beat, Given, Lent, Made, Material, WorkWanted
from workers.join_house import Away, Ended, House
from workers.join_spool import Spool

Tell = Callable[[Message], None]
Told = Callable[[str], None]

EVERY, LEAST = 10.0, 2.0
"""Seconds between two beats: of a picture on which nothing is told, and of one that gets on."""


@dataclass(frozen=True)
class Joined:
    """A machine at work: for which house, with which engine, and where it keeps what is not handed in."""

    house: House
    engine: ImageEngine
    spool: Spool
    tell: Tell
    every: float = LEAST


def able(engine: ImageEngine) -> Able:
    """What a machine has. Raises EngineMissing for an engine that bills, whose pictures the house buys itself; and what
    an engine raises that does not fit this machine."""
    if isinstance(engine, Hosted):
        raise EngineMissing("join.hosted", engine=engine.name)
    models, loras = engine.stock() if isinstance(engine, Stocked) else ([], [])
    return Able(
        engine=engine.name,
        model=engine.model,
        models=models,
        loras=loras,
        does=sorted(engine.does),
        on=say(engine.where(), "en")[:200] if isinstance(engine, Placed) else "",
        release=_release(),
    )


def _release() -> str:
    try:
        return importlib.metadata.version("greenroom")
    except importlib.metadata.PackageNotFoundError:
        return ""


def work(joined: Joined, *, once: bool = False) -> None:
    """Work until somebody ends it; with `once`, until there is nothing to do. Raises Refused for a key that ended."""
    has = able(joined.engine)
    wanted = WorkWanted(version=VERSION, instance=joined.spool.instance, able=has)
    joined.tell(Message("join.began", {"url": joined.house.url, "engine": has.engine, "model": has.model}))
    idle = False
    while True:
        found = joined.house.work(wanted)
        joined.spool.clear(found.lent)
        if found.lent is not None:
            idle = False
            _turn(joined, found.lent)
        elif once:
            return
        else:
            if not idle:
                joined.tell(Message("join.nothing"))
            idle = True
            pause(found.wait)


def _turn(joined: Joined, lent: Lent) -> None:
    """Make the pictures of a lease. What goes wrong is told to the house; what ends this program, too."""
    joined.tell(Message("join.lent", {"count": len(lent.pictures)}))
    try:
        with _beating(joined, lent) as heart:
            for made, data, asked in _made(joined, lent, heart):
                joined.house.hand_in(made, data)
                joined.spool.drop(asked)
                joined.tell(Message("join.handed", {"number": asked.number + 1}))
    except Ended:
        joined.tell(Message("join.ended"))  # what it made stays until the house lends something else
    except (EngineUnreachable, AnswerUnusable) as error:
        joined.tell(error.message)
        joined.house.give_back(_given(lent, "later", error))
        pause(getattr(error, "after", 0.0))  # the house lends the run again after a while
    except (EngineError, BadInput) as error:
        joined.tell(error.message)
        joined.house.give_back(_given(lent, "never", error))
    except (KeyboardInterrupt, SystemExit):
        joined.house.give_back(Given(lease=lent.lease, why="left"))
        raise


def _given(lent: Lent, why: str, error: GreenroomError) -> Given:
    said = {name: value if isinstance(value, int) else value[:200] for name, value in error.message.params.items()}
    return Given.model_validate({"lease": lent.lease, "why": why, "code": error.message.code, "params": said})


def _made(joined: Joined, lent: Lent, heart: "_Heart") -> Iterator[tuple[Made, bytes, Asked]]:
    """The pictures of a lease: what was made before a death first, the others as each is drawn."""
    left: list[Asked] = []
    for asked in lent.pictures:
        known = joined.spool.find(lent, asked)
        if known is None:
            left.append(asked)
        else:
            yield *known, asked
    if not left:
        return
    jobs = _jobs(joined.house, lent, left)
    began = monotonic()
    for asked, picture in zip(left, shaping.drawn(joined.engine, jobs, heart.step), strict=True):
        made = _said(lent, asked, picture, monotonic() - began)
        joined.spool.keep(asked, made, picture.data)
        yield made, picture.data, asked
        began = monotonic()


def _jobs(house: House, lent: Lent, left: Sequence[Asked]) -> list[ImageJob]:
    """What the engine is asked, with the pictures that are worked from, each fetched once."""

    @cache
    def fetch(sha256: str) -> bytes:
        return house.material(Material(lease=lent.lease, sha256=sha256))

    try:
        return [asked.job(fetch) for asked in left]
    except ValueError as error:
        raise BadInput("join.unreadable") from error


def _said(lent: Lent, asked: Asked, picture: Picture, seconds: float) -> Made:
    told = {name[:40]: value[:2000] if isinstance(value, str) else value for name, value in picture.parameters.items()}
    told = {**told, "greenroom": _release()}
    return Made.model_validate(
        {
            "lease": lent.lease,
            "number": asked.number,
            "sha256": hashlib.sha256(picture.data).hexdigest(),
            "engine": picture.engine,
            "model": picture.model[:200],
            "label": str(picture.label),
            "seconds": seconds,
            "parameters": told,
        }
    )


class _Heart:
    """Says from a thread how far the picture is, and hears that nobody wants it any more."""

    def __init__(self, joined: Joined, lent: Lent) -> None:
        self._joined, self._lent = joined, lent
        self._told, self._ended, self._over = (0, 0), Event(), Event()
        self._every = min(EVERY, lent.seconds / 6)

    def step(self, done: int, total: int) -> None:
        """What an engine calls after each step. Raises Ended."""
        self._told = (done, total)
        if self._ended.is_set():
            raise Ended

    def stop(self) -> None:
        """No more beats."""
        self._over.set()

    def beat(self) -> None:
        """Until it is stopped, or the house wants no more."""
        last, said = monotonic(), (0, 0)
        while not self._over.wait(min(self._joined.every, self._every)):
            if self._told == said and monotonic() - last < self._every:
                continue
            last, said = monotonic(), self._told
            try:
                heard = self._joined.house.beat(Beat(lease=self._lent.lease, step=said[0], steps=said[1]))
            except Away:
                continue  # the lease outlives several
            except GreenroomError:
                heard = None  # the key ended: whoever asks next is told
            if heard is None or heard.state != "go":
                self._ended.set()
                return


@contextmanager
def _beating(joined: Joined, lent: Lent) -> Iterator[_Heart]:
    heart = _Heart(joined, lent)
    thread = Thread(target=heart.beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield heart
    finally:
        heart.stop()
        thread.join(5)
