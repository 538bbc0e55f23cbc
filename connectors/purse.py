"""The part of the contract by which a platform lists every movement of an account's money, and what lies there. Pure.

Movements have places, the oldest first: what is new comes at the end, and a list is read on from a place.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract import Answer, ChatConnector, Send
from connectors.outcomes import Outcome

Kind = Literal["charge", "media", "withdrawal", "spent", "other"]
"""What somebody paid for, by an invoice or to see something; what was paid out; what the platform took for itself."""


@dataclass(frozen=True)
class Moved:
    """A movement: `minor` units and `nano`, billionths of one, that came in or left.

    What gives a charge back has its `native_id`, and left. Of a charge: `user`, who paid, `payload`, our words, and the
    seconds of a subscription's `period` that it paid for, 0 of any other.
    """

    native_id: str
    came: bool
    kind: Kind
    minor: int
    nano: int
    at: datetime
    user: str = ""
    payload: str = ""
    period: int = 0


@dataclass(frozen=True)
class Lies:
    """What lies on an account: minor units and billionths of one, both of one sign."""

    minor: int
    nano: int = 0


@dataclass(frozen=True)
class Listed:
    """A page of movements. `count` is how many it has, with those nobody understands; `lies` comes with the last."""

    rows: tuple[Moved, ...]
    count: int
    currency: str
    lies: Lies | None = None


@runtime_checkable
class Lists(ChatConnector, Protocol):
    """A platform that lists the movements of an account's money."""

    def movements(self, start: int, answers: tuple[Answer, ...]) -> Send | Listed | Outcome:
        """The next request (kind control, action look), the page from place `start` on, or why there is none."""
        ...

    def given_back(self, charge_id: str, start: int, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """As `refund_seen`, from place `start` on: what came before it is known."""
        ...
