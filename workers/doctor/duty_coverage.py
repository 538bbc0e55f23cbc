"""Checks of each agency's team: which duties a member can perform, and which have no member."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import Database, Scope
from foundation.ops.settings import Settings
from gate.reviews import duty_coverage
from gate.reviews.duty_coverage import DutyCoverage, DutyStatus
from tenants.agencies import queries
from tenants.scope import list_tenant_ids, scope_opener
from workers.doctor.findings import Finding, finding_ok, finding_warning


def check_duty_coverage(settings: Settings) -> Iterator[Finding]:
    """Yield a finding for each duty of each agency. Yields none while the database does not
    respond, which another check reports."""
    url = settings.database.work_url.get_secret_value()
    if not url:
        return
    database = Database(url, application="doctor")
    tenant = scope_opener(database)
    try:
        for tenant_id in list_tenant_ids(tenant):
            with tenant(tenant_id, "system:doctor") as scope:
                found = _list_findings(scope)
            yield from found
    except SQLAlchemyError:
        return
    finally:
        database.close()


def _list_findings(scope: Scope) -> list[Finding]:
    """Return the duties that have a member or lack one. Duties that are closed to everyone are
    shown on the Team page only."""
    part = f"people {queries.get_agency(scope).name}"
    return [
        _build_finding(part, row)
        for row in duty_coverage.agency_duty_coverage(scope)
        if row.state is not DutyStatus.CLOSED
    ]


def _build_finding(part: str, row: DutyCoverage) -> Finding:
    judge = finding_warning if row.state is DutyStatus.MISSING else finding_ok
    return judge(part, f"needed.{row.act}.{row.state}", by=", ".join(row.by))
