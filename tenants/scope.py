"""Opening the scope of a tenant: the one way to the database."""

from collections.abc import Sequence
from uuid import UUID

from foundation.database import Database, OpenScope, Scope
from foundation.ids import HOUSE


def opener(database: Database) -> OpenScope:
    """`tenant(tenant_id, actor)` over this login's pool."""
    return database.scope


def all_tenants(tenant: OpenScope) -> Sequence[UUID]:
    """Every tenant of the house, for ticks that write one due row for each; read as `door`."""
    with tenant(HOUSE, "system:beat", role="door") as scope:
        return list(scope.run("SELECT tenant_id FROM agencies ORDER BY tenant_id").scalars())


__all__ = ["OpenScope", "Scope", "all_tenants", "opener"]
