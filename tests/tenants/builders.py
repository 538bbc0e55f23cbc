"""A small agency with one creator and two members."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from tenants.agencies import agencies
from tenants.agencies.rights import Role


@dataclass(frozen=True)
class Agency:
    """A tenant with the IDs of its creator and members."""

    open: OpenScope
    tenant_id: UUID
    creator_id: UUID
    owner: UUID
    chatter: UUID

    def scope(self, actor: str = "system:test", **role: Any) -> Any:
        return self.open(self.tenant_id, actor, **role)


def create_small_agency(
    tenant: OpenScope, tenant_id: UUID | None = None, *, name: str = "Lumière"
) -> Agency:
    """Create an agency, by default for a new tenant."""
    tenant_id = tenant_id or uuid7()
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name=name, language="fr", zone="Europe/Paris")
        creator = agencies.add_creator(
            scope,
            slug="mia",
            name="Mia Laurent",
            kind="human",
            zone="Europe/Paris",
            languages=["fr"],
        )
        owner, chatter = (
            agencies.add_member(
                scope,
                name=str(role),
                email=f"{role}@example.test",
                role=role,
                language="fr",
                zone="UTC",
            )
            for role in (Role.OWNER, Role.CHATTER)
        )
    return Agency(tenant, tenant_id, creator, owner, chatter)
