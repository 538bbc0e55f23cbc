"""Event of safety: the roles of a fan have to be checked."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class RolesDue:
    """Compare who bears a role of proven age with whose proof stands; the subject is the tenant, or
    the account that was just connected."""

    kind: ClassVar[str] = "roles.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
