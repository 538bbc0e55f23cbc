"""The part of the contract by which a platform tells what became of a message behind a price. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract import Answer, Connector, Copy, Send

KEPT = "connectors.bought_stays"
"""Why a copy is not taken away: its reader paid for it. What was not called back may stay theirs."""


@dataclass(frozen=True)
class Locked:
    """How a message behind a price stands. `at` is when it was paid, where that is told; `gone` says only that nobody
    saw it, since lists lag."""

    state: Literal["unpaid", "paid", "gone"]
    at: datetime | None = None


@runtime_checkable
class Locks(Connector, Protocol):
    """A platform that takes the money for what a message shows (`Capabilities.sells`)."""

    def locked(self, copy: Copy, since: datetime, answers: tuple[Answer, ...]) -> Send | Locked | None:
        """The next request (kind control, action look) about a message sent after `since`, or how it stands; None when
        nobody tells now."""
        ...
