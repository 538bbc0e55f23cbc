"""The part of the contract by which a platform lists every movement of an account's money, and what
lies there. Pure.

Movements have places, the oldest first: what is new comes at the end, and a list is read on from a
place.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.chats import ChatConnector
from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome

MovementKind = Literal["charge", "media", "withdrawal", "spent", "other"]
"""What somebody paid for, by an invoice or to see something; what was paid out; what the platform
took for itself."""


@dataclass(frozen=True)
class BalanceMovement:
    """A movement: `minor` units and `nano`, billionths of one, that came in or left.

    What gives a charge back has its `native_id`, and left. Of a charge: `user`, who paid,
    `payload`, our words, and the seconds of a subscription's `period` that it paid for, 0 of any
    other.
    """

    native_id: str
    came: bool
    kind: MovementKind
    minor: int
    nano: int
    at: datetime
    user: str = ""
    payload: str = ""
    period: int = 0


@dataclass(frozen=True)
class AccountBalance:
    """What lies on an account: minor units and billionths of one, both of one sign."""

    minor: int
    nano: int = 0


@dataclass(frozen=True)
class MovementPage:
    """A page of movements. `count` is how many it has, with those nobody understands; `lies` comes
    with the last."""

    rows: tuple[BalanceMovement, ...]
    count: int
    currency: str
    lies: AccountBalance | None = None


@runtime_checkable
class SupportsBalance(ChatConnector, Protocol):
    """A platform that lists the movements of an account's money."""

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        """The next request (kind control, action look), the page from place `start` on, or why
        there is none."""
        ...

    def look_up_refund_from(
        self, charge_id: str, start: int, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """As `refund_seen`, from place `start` on: what came before it is known."""
        ...
