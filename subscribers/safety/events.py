"""Event of safety: the roles of a fan have to be checked."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class RolesDue:
    """Compare the readers with a role to those entitled to it. The subject is the tenant, or an
    account that was just connected."""

    kind: ClassVar[str] = "roles.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
