"""Opening the scope of a tenant: the one way to the database."""

from collections.abc import Sequence
from uuid import UUID

from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import INSTALLATION_ID


def scope_opener(database: Database) -> OpenScope:
    """`tenant(tenant_id, actor)` over this login's pool."""
    return database.scope


def list_tenant_ids(tenant: OpenScope) -> Sequence[UUID]:
    """Every tenant of the house, for ticks that write one due row for each; read as `door`."""
    with tenant(INSTALLATION_ID, "system:beat", role="door") as scope:
        return list(scope.run("SELECT tenant_id FROM agencies ORDER BY tenant_id").scalars())


__all__ = ["OpenScope", "Scope", "list_tenant_ids", "scope_opener"]
