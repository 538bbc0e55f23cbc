"""Access to stored reports. What a report contains decides who may read and receive it: its
schedule may have been changed to other creators or to another audience since."""

from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from insights.reports import schedules
from insights.reports.models import ReportRunRow
from insights.reports.schedules import ReportForm
from tenants.agencies import queries
from tenants.agencies.queries import Member


def get_row(scope: Scope, run_id: UUID, member: Member | None = None) -> ReportRunRow:
    """Return a stored report. Raises NotFound for an unknown one and, for a member, if it is about
    creators to whom they have no access or its schedule has ended."""
    row = scope.session.get(ReportRunRow, (scope.tenant_id, run_id), populate_existing=True)
    if row is None:
        raise NotFound("reports.unknown_report")
    if member is not None:
        schedules.get_schedule(scope, row.schedule_id)
        if not schedules.has_access(member, list_creators(row), queries.list_creators(scope)):
            raise NotFound("reports.unknown_report")
    return row


def list_creators(row: ReportRunRow) -> tuple[UUID, ...]:
    """Return the IDs of the creators that a stored report is about."""
    return tuple(map(UUID, row.facts["creators"]))


def has_form(row: ReportRunRow, form: ReportForm) -> bool:
    """Return True if a stored report is one for the audience of a form, with the same internal
    facts, and about no other creators."""
    if row.facts["audience"] != form.audience:
        return False
    if form.audience == "client" and set(row.facts.get("allowed", ())) != form.allowed:
        return False
    return not form.creators or set(list_creators(row)) <= set(form.creators)


def check_form(row: ReportRunRow, form: ReportForm) -> None:
    """Raise Conflict unless a stored report may be passed on as one of this form."""
    if not has_form(row, form):
        raise Conflict("reports.other_form")
