"""The doctor on the people of each agency: what they can do now, and for what somebody is missing."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from foundation.database import Database, Scope
from foundation.settings import Settings
from gate import needed
from gate.needed import Needed, State
from tenants import reads as tenants
from tenants import scope as tenant_scope
from workers.findings import Finding, fine, warn


def people(settings: Settings) -> Iterator[Finding]:
    """A line for each act; nothing while the database is away, which is said elsewhere."""
    url = settings.database.work_url.get_secret_value()
    if not url:
        return
    database = Database(url, application="doctor")
    tenant = tenant_scope.opener(database)
    try:
        for tenant_id in tenant_scope.all_tenants(tenant):
            with tenant(tenant_id, "system:doctor") as scope:
                found = _lines(scope)
            yield from found
    except SQLAlchemyError:
        return
    finally:
        database.close()


def _lines(scope: Scope) -> list[Finding]:
    """What can be done and what lacks somebody; what is closed for everybody stands on Team alone."""
    part = f"people {tenants.agency(scope).name}"
    return [_line(part, row) for row in needed.table(scope) if row.state is not State.CLOSED]


def _line(part: str, row: Needed) -> Finding:
    judge = warn if row.state is State.MISSING else fine
    return judge(part, f"needed.{row.act}.{row.state}", by=", ".join(row.by))
