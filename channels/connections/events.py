"""Events of connections: account setup, tests and disconnection, token renewals, limits, and checks
of a destination."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class AccountSetupRequested:
    """A member requests the setup of an account; `subject_id` is the setup."""

    kind: ClassVar[str] = "channel.connect"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OwnPageRequested:
    """A member requests a page on this installation for the creator `subject_id`, under the path
    `slug`."""

    kind: ClassVar[str] = "channel.own_page"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    slug: str


@dataclass(frozen=True)
class AdultAreaRequested:
    """A member requests the adult area of the page of the creator `subject_id`."""

    kind: ClassVar[str] = "channel.adult_area"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AccountTestRequested:
    """A member requests a test of the account `subject_id`."""

    kind: ClassVar[str] = "channel.test"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class DisconnectionRequested:
    """A member, named `by`, disconnected the account `subject_id` at `at` (UTC-aware): revoke its
    grant and delete its credentials."""

    kind: ClassVar[str] = "channel.disconnect"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str
    at: datetime


@dataclass(frozen=True)
class DestinationCheckDue:
    """Check the settings of the destination of the account `subject_id`."""

    kind: ClassVar[str] = "channel.look"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PlatformLimitsDue:
    """Read the limits of the account `subject_id` from its platform."""

    kind: ClassVar[str] = "channel.measure"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class TenantLimitsDue:
    """Schedule reads of the stale limits of the tenant's accounts; the subject is the tenant."""

    kind: ClassVar[str] = "limits.due"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class DestinationChecked:
    """The destination of the account `subject_id` can be checked again."""

    kind: ClassVar[str] = "channel.seen"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CommandMenuDue:
    """Update the command menu and description of the account `subject_id`."""

    kind: ClassVar[str] = "menu.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class TokenRenewalDue:
    """The tokens of the account `subject_id` expire soon, or the platform refused them: get a new
    pair.

    `outlive` is the time until which a post needs them (UTC-aware): they are renewed if they expire
    before it.
    """

    kind: ClassVar[str] = "token.refresh"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    outlive: datetime | None = None
