"""Scopes of tenants, the only access to the database."""

from collections.abc import Sequence
from uuid import UUID

from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import INSTALLATION_ID


def scope_opener(database: Database) -> OpenScope:
    """Return the function that opens a scope (`tenant(tenant_id, actor)`) on the pool of this
    login."""
    return database.scope


def list_tenant_ids(tenant: OpenScope) -> Sequence[UUID]:
    """Return the IDs of all tenants of the installation, for periodic tasks that queue one event
    per tenant.

    The query runs as the database role `door`.
    """
    with tenant(INSTALLATION_ID, "system:beat", role="door") as scope:
        return list(scope.run("SELECT tenant_id FROM agencies ORDER BY tenant_id").scalars())


__all__ = ["OpenScope", "Scope", "list_tenant_ids", "scope_opener"]
