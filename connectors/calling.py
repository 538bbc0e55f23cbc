"""The part of the contract by which a platform calls for an application: signed, about any account that came in by it.

What a call tells is never kept as true. It says that it is worth asking now, and whom: what is then read counts.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from connectors.contract import Connector

Wakes = Literal["chats", "earnings", "followers"]
"""What is read anew: what fans say, what was earned, how many follow."""


@dataclass(frozen=True)
class Signed:
    """What a call shows of whose it is: when it was signed, in Unix seconds as they were written, and signatures of
    that and the body (`connectors/signing.py`), one of which must be right."""

    timestamp: str
    marks: tuple[str, ...]


@dataclass(frozen=True)
class Nudge:
    """What a call makes us read. `key` is the event's, the same when it is told again; `account` is the account's name
    at the platform, "" where none is told: then every account of the application is meant."""

    key: str
    account: str
    wakes: frozenset[Wakes]


@runtime_checkable
class Calling(Connector, Protocol):
    """A platform that calls an address somebody gave it for their application, with a secret it made."""

    call_header: str
    """The header in which a call is signed, in lower case."""

    def signed(self, header: str) -> Signed | None:
        """What that header says; None where it says nothing usable."""
        ...

    def nudge(self, body: bytes) -> Nudge | None:
        """What a call is about; None for what nobody here reads, or nobody can."""
        ...
