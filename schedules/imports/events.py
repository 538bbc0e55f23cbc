"""Events of imports: a file to validate, a file to apply."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ImportCheck:
    """A file was uploaded: validate it, write no posts."""

    kind: ClassVar[str] = "import.check"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ImportApply:
    """A member confirmed an import: write its posts; `by` is the actor."""

    kind: ClassVar[str] = "import.apply"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    by: str
