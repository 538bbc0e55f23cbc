"""The room's event kinds."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox

READING_AGES = (1, 24, 168)
"""Hours after publication at which a post is read."""


@dataclass(frozen=True)
class ReadingDue:
    """Listener of `delivery.published`, later: read the numbers of the post at an age of so many
    hours."""

    kind: ClassVar[str] = "readings.read"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    age_hours: int


@dataclass(frozen=True)
class DeletionRecheckDue:
    """A post was missing where it stood: look a second time, after `looks` that settled nothing."""

    kind: ClassVar[str] = "post.look_again"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    looks: int


@dataclass(frozen=True)
class FollowersDue:
    """Ask how many follow an account; the subject is the channel."""

    kind: ClassVar[str] = "followers.count"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RollupDue:
    """Bring a creator's local day up to date; the subject is the creator."""

    kind: ClassVar[str] = "day.rollup"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    day: date
