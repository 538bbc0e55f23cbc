"""Events of runs: a run to generate or buy, a stored provider response to delete, a style score."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class RunDue:
    """A run waits for an engine. `pause` is the interval in seconds between its images while others
    need the device."""

    kind: ClassVar[str] = "job.run"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID
    pause: int = 0


@dataclass(frozen=True)
class HostedRunDue:
    """A run waits for an external engine; `pause` as in `RunDue`."""

    kind: ClassVar[str] = "job.buy"
    queue: ClassVar[outbox.Queue] = "buy"
    tenant_id: UUID
    subject_id: UUID
    pause: int = 0


@dataclass(frozen=True)
class SellerAnswerStored:
    """A provider response stored for crash recovery is to be deleted; `subject_id` is the order."""

    kind: ClassVar[str] = "answer.forget"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class StyleScoreDue:
    """The style similarity of an image to its references is to be measured; `subject_id` is the
    image."""

    kind: ClassVar[str] = "look.score"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
