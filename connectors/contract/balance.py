"""Account balances: the money movements of an account and its current balance.

Movements are numbered from the oldest. New ones are added at the end, so a list is read from the
last known position.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.chats import ChatConnector
from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome

MovementKind = Literal["charge", "media", "withdrawal", "spent", "other"]
"""`charge`: paid by invoice; `media`: paid to see media; `withdrawal`: paid out to the owner;
`spent`: taken by the platform."""


@dataclass(frozen=True)
class BalanceMovement:
    """A movement of `minor` units and `nano` billionths of a unit. `came` is True if it was
    received.

    A refund has the `native_id` of its charge and `came` is False. Only charges have a `user` (the
    payer) and our `payload`. `period` is the length in seconds of the subscription period that the
    charge paid for, or 0.
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
    """The balance of an account in minor units and billionths of a unit, with the same sign."""

    minor: int
    nano: int = 0


@dataclass(frozen=True)
class MovementPage:
    """A page of movements. `count` includes rows that could not be parsed. `lies` is the balance,
    set on the last page only."""

    rows: tuple[BalanceMovement, ...]
    count: int
    currency: str
    lies: AccountBalance | None = None


@runtime_checkable
class SupportsBalance(ChatConnector, Protocol):
    """A platform that lists the money movements of an account."""

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        """Return the next request (kind control, action look), the page from position `start`, or
        the failure."""
        ...

    def look_up_refund_from(
        self, charge_id: str, start: int, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Search for a refund like `look_up_refund`, but from position `start`, because earlier
        movements are known."""
        ...
