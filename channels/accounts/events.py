"""The room's event kinds and facts; their handlers are in `channels/sending/handlers.py`."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ChannelConnected:
    """Fact: an account can be used; `subject_id` is the channel."""

    kind: ClassVar[str] = "channel.connected"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


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
    """A person, named `by`, disconnected the account `subject_id` at `at` (UTC-aware): tell its platform, forget its
    credentials."""

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
    """Have the limits of the tenant's accounts read where that is long ago; the subject is the tenant."""

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
class BrakeProbeDue:
    """A platform was down: read something harmless of the account `subject_id`; once it answers, posts leave again."""

    kind: ClassVar[str] = "channel.probe"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ReaderRoleDue:
    """A reader should bear a role of an account's place, or no more; the subject is the wish. Lane `role:<channel>`."""

    kind: ClassVar[str] = "role.due"
    queue: ClassVar[outbox.Queue] = "urgent"
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
    """The tokens of the account `subject_id` are near their end, or the platform refused them: get a new pair.

    `outlive`: a post needs them that long (UTC-aware), so that they are renewed though their end is not that near."""

    kind: ClassVar[str] = "token.refresh"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID
    outlive: datetime | None = None


@dataclass(frozen=True)
class CopyRemovalDue:
    """Take one copy away; `subject_id` is the permit under which it went out, `at` when somebody asked (UTC-aware)."""

    kind: ClassVar[str] = "takedown.remove"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    at: datetime | None = None


@dataclass(frozen=True)
class CopyRemoved:
    """Fact: a copy is proven gone. `subject_id` is its permit; what it was a copy of is `of_kind` and `of_id`."""

    kind: ClassVar[str] = "copy.removed"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    channel_id: UUID


@dataclass(frozen=True)
class CopyAddressed:
    """Fact: a platform told where people find a copy. `subject_id` is its permit; what it is a copy of is `of_kind` and
    `of_id`; `before` is what it was called when it went out, `native_id` what it is called now."""

    kind: ClassVar[str] = "copy.addressed"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    before: str
    native_id: str
    url: str


@dataclass(frozen=True)
class DeliveryVerificationDue:
    """See that the delivery `subject_id` stands outside as it was sent."""

    kind: ClassVar[str] = "delivery.verify"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ManualTaskCheckDue:
    """A task of a person: remind them, or close it when nobody opened it in time; `subject_id` is the task."""

    kind: ClassVar[str] = "handover.look"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class FileDownloadRequested:
    """A phone wants a file of a task: decide again; `subject_id` is the wish, which waits on somebody's screen."""

    kind: ClassVar[str] = "handover.save"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ManualTaskEnded:
    """Fact: a person's task has an end; `subject_id` is the task, what was handed over is `of_kind` and `of_id`.

    `end` is posted, linked (the address of what was posted, told later), cannot, late or recalled; `why` the code of
    the sentence that says so, `by` the actor.
    """

    kind: ClassVar[str] = "handover.ended"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    end: str
    why: str
    by: str
    native_id: str
    url: str


@dataclass(frozen=True)
class AgeProviderTestDue:
    """Try the credential of a provider of age checks: one that was just typed, or the one we have."""

    kind: ClassVar[str] = "age.provider"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeCheckRequested:
    """A viewer wants to prove their age; `subject_id` is the check, `page` the address of ours they come back to."""

    kind: ClassVar[str] = "age.begin"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    page: str


@dataclass(frozen=True)
class AgeCheckResultDue:
    """See how a check stands; `called`: the provider asked us to, so that one look is enough."""

    kind: ClassVar[str] = "age.look"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    called: bool = False


@dataclass(frozen=True)
class WebhookSubscriptionDue:
    """Have the platform call about the account `subject_id`, or no more."""

    kind: ClassVar[str] = "channel.calls"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeRetentionDue:
    """Forget checks nobody needs any more, and readers whose proof never came or ran out long ago."""

    kind: ClassVar[str] = "age.forget"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeCheckEnded:
    """Fact: the check `subject_id`, asked for in a chat of `channel_id` by the viewer `user_id`, has an end."""

    kind: ClassVar[str] = "age.answered"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
    user_id: str
    state: str
