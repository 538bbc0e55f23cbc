"""The doctor on what is over: how many rows the next turn deletes, of which tables; nothing is changed."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from foundation.database import Database
from foundation.settings import Settings
from tenants import reads as tenants
from tenants import scope as tenant_scope
from workers import keeping
from workers.findings import Finding, fine


def rows(settings: Settings) -> Iterator[Finding]:
    """A line for each agency; nothing while the database is away, which is said elsewhere."""
    url = settings.database.work_url.get_secret_value()
    if not url:
        return
    database = Database(url, application="doctor")
    tenant = tenant_scope.opener(database)
    try:
        for tenant_id in tenant_scope.all_tenants(tenant):
            with tenant(tenant_id, "system:doctor") as scope:
                found, name = keeping.overdue(scope), tenants.agency(scope).name
            listed = ", ".join(f"{table} {count}" for table, count in sorted(found.items()))
            yield fine(f"keeping {name}", "keeping.due" if found else "keeping.nothing", tables=listed)
    except SQLAlchemyError:
        return
    finally:
        database.close()
