"""Check of retention: the rows that the next run deletes, by table. Deletes nothing."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import Database
from foundation.ops.settings import Settings
from tenants.agencies import queries
from tenants.scope import list_tenant_ids, scope_opener
from workers.doctor.findings import Finding, finding_ok
from workers.event_handlers import retention


def check_retention_backlog(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each agency. Yields none while the database does not respond, which
    another check reports."""
    url = settings.database.work_url.get_secret_value()
    if not url:
        return
    database = Database(url, application="doctor")
    tenant = scope_opener(database)
    try:
        for tenant_id in list_tenant_ids(tenant):
            with tenant(tenant_id, "system:doctor") as scope:
                found = retention.count_expired_rows(scope)
                name = queries.get_agency(scope).name
            listed = ", ".join(f"{table} {count}" for table, count in sorted(found.items()))
            yield finding_ok(
                f"keeping {name}", "keeping.due" if found else "keeping.nothing", tables=listed
            )
    except SQLAlchemyError:
        return
    finally:
        database.close()
