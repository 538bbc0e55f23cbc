"""Events of routines: a day to plan, and a step to run."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class RoutineDayDue:
    """A local day begins and its steps are planned; the subject is the routine."""

    kind: ClassVar[str] = "routine.day"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RoutineStepDue:
    """A step of a routine is due; the subject is the step."""

    kind: ClassVar[str] = "routine.step"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
