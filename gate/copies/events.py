"""Events of live copies."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.db.database import Scope
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class CopiesRereadDue:
    """Judge live copies again, because the agency bans a word or a person; `subject_id` is the
    permit after which to continue, `FIRST_COPY` for all."""

    kind: ClassVar[str] = "copies.reread"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


FIRST_COPY = UUID(int=0)


def request_reread(scope: Scope) -> None:
    """Request that the live copies of the agency are judged again."""
    outbox.put(scope, CopiesRereadDue(scope.tenant_id, FIRST_COPY), lane=reread_lane(scope))


def reread_lane(scope: Scope) -> str:
    """Return the lane in which one run of copies follows the other."""
    return f"reread:{scope.tenant_id}"
