"""Paid media: the payload that identifies a locked message, and the status of its payment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

from connectors.contract.connector import Connector, PlatformCopy, Send, StepResult
from gate.contract.units import Subject

BOUGHT_STAYS = "connectors.bought_stays"
"""Message code for a copy that is not deleted because its reader paid for it. Removal is attempted
again only for a recalled copy."""


def encode_payload(subject: Subject) -> str:
    """Return the payload that a platform stores with locked media to identify our object."""
    return f"{subject.kind}:{subject.id}"


def decode_payload(payload: str) -> Subject | None:
    """Return the object that a payload names, or None if it is not ours. Its owner follows from the
    account."""
    kind, _, told = payload.partition(":")
    try:
        subject = Subject(kind, UUID(told))
    except ValueError:
        return None
    return subject if kind and encode_payload(subject) == payload else None


@dataclass(frozen=True)
class PaidMessageStatus:
    """The status of a locked message. `at` is the time of payment, if reported (UTC-aware). `gone`
    only means that the message was not found, because lists are delayed."""

    state: Literal["unpaid", "paid", "gone"]
    at: datetime | None = None


@runtime_checkable
class SupportsPaidMessages(Connector, Protocol):
    """A platform that collects payments for locked media in messages (`Capabilities.sells`)."""

    def read_paid_status(
        self, copy: PlatformCopy, since: datetime, answers: tuple[StepResult, ...]
    ) -> Send | PaidMessageStatus | None:
        """Return the next request (kind control, action look) about a message sent after `since`,
        or its status. Return None if it is unavailable now."""
        ...
