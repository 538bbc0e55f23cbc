"""Events of feeds."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class FeedReadDue:
    """A feed is due to be read; the subject is the feed."""

    kind: ClassVar[str] = "feed.read"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
