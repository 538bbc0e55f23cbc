"""Events of publishing: sweeps, published and expired posts, uncertain deliveries."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SweepDue:
    """Once a minute: no delivery waits for a row that will not come."""

    kind: ClassVar[str] = "delivery.sweep"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class UncertainDeliveryResolved:
    """A person knows what became of a delivery in doubt: `url` is where it stands, "" that it does
    not. `by` is who, `at` when they said so."""

    kind: ClassVar[str] = "delivery.end_doubt"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    url: str
    by: str
    at: datetime | None = None


@dataclass(frozen=True)
class DeliveryPublished:
    """Fact: the post stands outside."""

    kind: ClassVar[str] = "delivery.published"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AccountReconnected:
    """Listener of `channel.connected`: an account may send again; the subject is the channel."""

    kind: ClassVar[str] = "delivery.account_back"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class LinkHoldsDue:
    """Listener of `link.registered`: an address is on a creator's list, the subject."""

    kind: ClassVar[str] = "delivery.link_known"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    url: str


@dataclass(frozen=True)
class RemovedCopyDue:
    """Listener of `copy.removed`: a copy of something is proven gone; the subject is its permit."""

    kind: ClassVar[str] = "delivery.copy_gone"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID


@dataclass(frozen=True)
class ExpiryDue:
    """A platform takes a delivery away by itself about now: write down that nothing of it is left
    outside."""

    kind: ClassVar[str] = "delivery.end"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CopyAddressDue:
    """Listener of `copy.addressed`: a platform told where people find a copy; the subject is its
    permit."""

    kind: ClassVar[str] = "delivery.address_known"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    before: str
    native_id: str
    url: str


@dataclass(frozen=True)
class ManualOutcomeDue:
    """Listener of `handover.ended`: a person said what became of a post; the subject is their
    task."""

    kind: ClassVar[str] = "delivery.handed_back"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    end: str
    why: str
    by: str
    native_id: str
    url: str
