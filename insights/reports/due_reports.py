"""Reports that are due: the relay calls `plan_due_reports` for each agency."""

from datetime import date, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.outbox import outbox
from insights.reports import schedules
from insights.reports.events import ReportDue
from insights.reports.periods import CATCH_UP, SPAN_DAYS, DuePeriod, list_due_periods
from insights.reports.schedules import ReportSchedule
from insights.rollups.periods import DateRange


def plan_due_reports(scope: Scope) -> int:
    """Queue the reports that are due and have not been created; return their number.

    After a downtime the reports of all missed periods are created, at most `CATCH_UP`, but only the
    newest is sent. Repeated calls have no effect.
    """
    made = 0
    for one in schedules.list_schedules(scope):
        made += _plan_schedule(scope, one)
    return made


def _plan_schedule(scope: Scope, schedule: ReportSchedule) -> int:
    timing = schedule.form.timing
    due = list_due(scope, schedule)
    earliest = scope.now.date() - timedelta(
        days=SPAN_DAYS[timing.kind] * (CATCH_UP[timing.kind] + 3)
    )
    known = _list_known_periods(scope, schedule.id, earliest)
    missing = [one for one in due if one.period not in known]
    for one in missing:
        queue_report(scope, schedule, one, send=one is due[-1])
    return len(missing)


def list_due(scope: Scope, schedule: ReportSchedule) -> list[DuePeriod]:
    """Return the periods whose reports the relay creates, earliest first; it sends the last one."""
    zones = {one.zone for one in schedules.select_creators(scope, schedule.form)}
    if schedule.state != "active" or not zones:
        return []
    return list_due_periods(schedule.form.timing, zones, schedule.active_since, scope.now)


def queue_report(scope: Scope, schedule: ReportSchedule, due: DuePeriod, *, send: bool) -> None:
    """Queue the creation of a report. A repeated call has no effect while it is waiting."""
    outbox.put(
        scope,
        ReportDue(scope.tenant_id, schedule.id, due.period.first, due.period.last, send),
        lane=f"report:{schedule.id}",
        dedupe=f"report:{schedule.id}:{due.period.first}:{due.period.last}",
    )


def _list_known_periods(scope: Scope, schedule_id: UUID, earliest: date) -> set[DateRange]:
    rows = scope.run(
        "SELECT first_day, last_day FROM report_runs WHERE tenant_id = :tenant"
        " AND schedule_id = :schedule AND first_day >= :earliest",
        tenant=scope.tenant_id,
        schedule=schedule_id,
        earliest=earliest,
    )
    return {DateRange(row.first_day, row.last_day) for row in rows}
