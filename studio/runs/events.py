"""Events of runs: a run to draw or to buy, an answer of a seller, a style score."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class RunDue:
    """A run of a recipe waits for an engine. `pause`: one picture in so many seconds, for others
    need the machine."""

    kind: ClassVar[str] = "job.run"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID
    pause: int = 0


@dataclass(frozen=True)
class HostedRunDue:
    """A run of a recipe waits to be bought of somebody else's engine; `pause` as of `JobDue`."""

    kind: ClassVar[str] = "job.buy"
    queue: ClassVar[outbox.Queue] = "buy"
    tenant_id: UUID
    subject_id: UUID
    pause: int = 0


@dataclass(frozen=True)
class SellerAnswerStored:
    """What a seller answered was kept for who comes after a death, and goes; `subject_id` is the
    order."""

    kind: ClassVar[str] = "answer.forget"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class StyleScoreDue:
    """A picture, the subject, was made after others: how alike it is to the look among them is to
    be measured."""

    kind: ClassVar[str] = "look.score"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
