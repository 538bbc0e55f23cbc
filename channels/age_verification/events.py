"""Events of age verification: a provider to test, a check to open, a result to fetch, and the end
of a check."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class AgeProviderTestDue:
    """Test the credentials of a provider: those of a submitted form, or the stored ones."""

    kind: ClassVar[str] = "age.provider"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeCheckRequested:
    """A viewer requests an age check; `subject_id` is the check, `page` the URL they return to."""

    kind: ClassVar[str] = "age.begin"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    page: str


@dataclass(frozen=True)
class AgeCheckResultDue:
    """Fetch the result of a check.

    With `called`, the provider sent a webhook, so that one request is enough.
    """

    kind: ClassVar[str] = "age.look"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    called: bool = False


@dataclass(frozen=True)
class AgeRetentionDue:
    """Delete old checks, and age records of viewers that were never completed or expired long
    ago."""

    kind: ClassVar[str] = "age.forget"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeCheckEnded:
    """The check `subject_id`, requested in a chat of `channel_id` by the viewer `user_id`,
    ended."""

    kind: ClassVar[str] = "age.answered"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
    user_id: str
    state: str
