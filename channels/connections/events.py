"""Events of connections: account setup and disconnection, renewals, checks of a destination."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class AccountSetupRequested:
    """Sign in as a person asked; `subject_id` is the enrolment."""

    kind: ClassVar[str] = "channel.connect"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OwnPageRequested:
    """A person wants a page of its own for the creator `subject_id`, at the address `slug`."""

    kind: ClassVar[str] = "channel.own_page"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    slug: str


@dataclass(frozen=True)
class AdultAreaRequested:
    """A person wants the part for adults of the page of the creator `subject_id`."""

    kind: ClassVar[str] = "channel.adult_area"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AccountTestRequested:
    """A person wants to know whether the account `subject_id` works."""

    kind: ClassVar[str] = "channel.test"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class DisconnectionRequested:
    """A person, named `by`, disconnected the account `subject_id` at `at` (UTC-aware): tell its
    platform, forget its credentials."""

    kind: ClassVar[str] = "channel.disconnect"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str
    at: datetime


@dataclass(frozen=True)
class DestinationCheckDue:
    """See what the place the account `subject_id` posts to is set to."""

    kind: ClassVar[str] = "channel.look"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PlatformLimitsDue:
    """Read what the account `subject_id` may do on its platform."""

    kind: ClassVar[str] = "channel.measure"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class TenantLimitsDue:
    """Have the limits of the tenant's accounts read where that is long ago; the subject is the
    tenant."""

    kind: ClassVar[str] = "limits.due"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class DestinationChecked:
    """Fact: somebody sees again what the place the account `subject_id` posts to is set to."""

    kind: ClassVar[str] = "channel.seen"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CommandMenuDue:
    """See that the account `subject_id` offers the commands it understands, and says what it is."""

    kind: ClassVar[str] = "menu.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class TokenRenewalDue:
    """The tokens of the account `subject_id` are near their end, or the platform refused them: get
    a new pair.

    `outlive`: a post needs them that long (UTC-aware), so that they are renewed though their end is
    not that near."""

    kind: ClassVar[str] = "token.refresh"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    outlive: datetime | None = None
