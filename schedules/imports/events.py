"""Events of imports: a file to validate, a file to apply."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ImportCheck:
    """A file was uploaded and must be validated. No posts are written."""

    kind: ClassVar[str] = "import.check"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ImportApply:
    """A member (`by`, an actor) confirmed an import, and its posts must be written."""

    kind: ClassVar[str] = "import.apply"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    by: str
