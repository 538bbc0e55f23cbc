"""What `greenroom worker --join` needs before it can work: its key, its engine, its folder."""

import getpass
import signal
import sys
from functools import cache
from types import FrameType

from foundation import settings as house
from foundation.errors import BadInput
from foundation.settings import Settings
from foundation.words import Message
from generators import registry
from workers import joining
from workers.join_house import House
from workers.join_spool import opened
from workers.terminal import sentence, tell


def run(url: str, *, once: bool = False) -> None:
    """Work for a house until Ctrl-C or SIGTERM, or, with `once`, until there is nothing to do.

    Raises BadInput without a key or for an address that is not https, EngineMissing where the engine of the settings
    cannot be used, Conflict where this machine works for that house already, Refused for a key that opens nothing.
    """
    settings = house.load()
    key = _key(settings)
    found = House(url, key, told=_away())
    engine = registry.image_engine(settings.generators)
    signal.signal(signal.SIGTERM, _leave)
    with opened(house.home(), found.url, key) as spool:
        joining.work(joining.Joined(found, engine, spool, tell), once=once)


def _key(settings: Settings) -> str:
    """Never of the command line, which every process of a machine may read."""
    known = settings.workers.join_key.get_secret_value().strip()
    if not known and sys.stdin.isatty():
        known = getpass.getpass(f"{sentence(Message('join.which_key'))} ").strip()
    if not known or not known.isascii() or not known.isprintable():
        raise BadInput("join.no_key")
    return known


def _away() -> joining.Told:
    """Says once, and not each time, that the house does not answer."""

    @cache
    def told(why: str) -> None:
        tell(Message("join.away", {"why": why}))

    return told


def _leave(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
