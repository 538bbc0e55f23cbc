"""Events of metrics and rollups."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox

READING_AGES = (1, 3, 12, 24, 168)
"""Ages of a post in hours at which posts are compared."""

REQUIRED_AGES = frozenset({1, 24, 168})
"""Ages at which every post is read. Further readings need a budget, see
`channels.limits.reading_budget`."""

LAST_READING_AGE = 90 * 24
"""Age in hours of the last reading of a post."""


@dataclass(frozen=True)
class ReadingDue:
    """Read the metrics of a post at an age of `age_hours`; the subject is the delivery. The ages of
    `READING_AGES` follow `delivery.published`, later ones follow the reading before."""

    kind: ClassVar[str] = "readings.read"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    age_hours: int


@dataclass(frozen=True)
class DeletionRecheckDue:
    """Check again if a post is missing, after `looks` checks without a result."""

    kind: ClassVar[str] = "post.look_again"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    looks: int


@dataclass(frozen=True)
class FollowersDue:
    """Count the followers of an account; the subject is the channel."""

    kind: ClassVar[str] = "followers.count"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RollupDue:
    """Rebuild a local day of a creator; the subject is the creator."""

    kind: ClassVar[str] = "day.rollup"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    day: date
