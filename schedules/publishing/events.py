"""Events of publishing: sweeps, published and expired posts, uncertain deliveries."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SweepDue:
    """The sweep for deliveries without an outbox row is due, once a minute."""

    kind: ClassVar[str] = "delivery.sweep"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class UncertainDeliveryResolved:
    """A member resolved an uncertain delivery: `url` is its address, or "" if it is not published.

    `by` is the actor and `at` the time of the statement.
    """

    kind: ClassVar[str] = "delivery.end_doubt"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    url: str
    by: str
    at: datetime | None = None


@dataclass(frozen=True)
class DeliveryPublished:
    """A delivery was published."""

    kind: ClassVar[str] = "delivery.published"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AccountReconnected:
    """Listener of `channel.connected`: an account can send again; the subject is the channel."""

    kind: ClassVar[str] = "delivery.account_back"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CreatorHoldsDue:
    """Listener of `creator.state_changed`: a creator was deactivated, reactivated or archived; the
    subject is the creator."""

    kind: ClassVar[str] = "delivery.creator_changed"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    state: str


@dataclass(frozen=True)
class ApprovalHoldsDue:
    """Listener of `creator.approvals_raised`: posts of a creator need more approvals; the subject
    is the creator."""

    kind: ClassVar[str] = "delivery.approvals_raised"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class LinkHoldsDue:
    """Listener of `link.registered`: a link was added to a creator's list; the subject is the
    creator."""

    kind: ClassVar[str] = "delivery.link_known"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    url: str


@dataclass(frozen=True)
class RuleHoldsDue:
    """Listener of `rule.confirmed`: the rules of a platform were confirmed; the subject is the
    owner's principal."""

    kind: ClassVar[str] = "delivery.rules_confirmed"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    platform: str


@dataclass(frozen=True)
class RemovedCopyDue:
    """Listener of `copy.removed`: a published copy is proven removed; the subject is its permit."""

    kind: ClassVar[str] = "delivery.copy_gone"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID


@dataclass(frozen=True)
class ExpiryDue:
    """The platform deletes a post at about this time; its copies must be recorded as removed."""

    kind: ClassVar[str] = "delivery.end"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CopyAddressDue:
    """Listener of `copy.addressed`: a platform reported the public address of a copy; the subject
    is its permit."""

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
    """Listener of `handover.ended`: a member ended a manual task; the subject is the task."""

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
