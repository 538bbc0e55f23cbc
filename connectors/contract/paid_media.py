"""What is locked until it is paid: its words that travel unseen, and how a platform tells what
became of it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult
from gate.contract.units import Subject

BOUGHT_STAYS = "connectors.bought_stays"
"""Why a copy is not taken away: its reader paid for it. What was not called back may stay
theirs."""


def encode_payload(subject: Subject) -> str:
    """What a platform keeps with what is locked, where it keeps any words of ours: which of ours it
    is."""
    return f"{subject.kind}:{subject.id}"


def decode_payload(payload: str) -> Subject | None:
    """Which of ours a payload names; None for one that is not ours. Whose it is says the account it
    came from."""
    kind, _, told = payload.partition(":")
    try:
        subject = Subject(kind, UUID(told))
    except ValueError:
        return None
    return subject if kind and encode_payload(subject) == payload else None


@dataclass(frozen=True)
class PaidMessageStatus:
    """How a message behind a price stands. `at` is when it was paid, where that is told; `gone`
    says only that nobody saw it, since lists lag."""

    state: Literal["unpaid", "paid", "gone"]
    at: datetime | None = None


@runtime_checkable
class SupportsPaidMessages(Connector, Protocol):
    """A platform that takes the money for what a message shows (`Capabilities.sells`)."""

    def read_paid_status(
        self, copy: PlatformCopy, since: datetime, answers: tuple[StepResult, ...]
    ) -> Send | PaidMessageStatus | None:
        """The next request (kind control, action look) about a message sent after `since`, or how
        it stands; None when nobody tells now."""
        ...
