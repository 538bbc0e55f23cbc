"""Events of age verification: a provider to test, a check to open, a result to fetch."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class AgeProviderTestDue:
    """Try the credential of a provider of age checks: one that was just typed, or the one we
    have."""

    kind: ClassVar[str] = "age.provider"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeCheckRequested:
    """A viewer wants to prove their age; `subject_id` is the check, `page` the address of ours they
    come back to."""

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
class AgeRetentionDue:
    """Forget checks nobody needs any more, and readers whose proof never came or ran out long
    ago."""

    kind: ClassVar[str] = "age.forget"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeCheckEnded:
    """Fact: the check `subject_id`, asked for in a chat of `channel_id` by the viewer `user_id`,
    has an end."""

    kind: ClassVar[str] = "age.answered"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
    user_id: str
    state: str
