"""Schedules of reports with their next and stored reports, and the choices of the forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from insights.reports import deliveries, runs, schedules
from insights.reports.deliveries import ReportDelivery
from insights.reports.periods import DuePeriod
from insights.reports.runs import RunSummary
from insights.reports.schedules import ReportSchedule
from tenants.agencies import agency_settings, queries
from tenants.agencies.agency_settings import AgencySettings
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right
from tenants.notices import telegram_links

RUNS_SHOWN = 12


@dataclass(frozen=True)
class ScheduleView:
    """A schedule with its stored reports, newest first, and the deliveries of the newest one.
    `next_due` is None while it is paused; `is_missing` is True if the report of the last period was
    not created and will not be by itself."""

    schedule: ReportSchedule
    next_due: DuePeriod | None
    runs: Sequence[RunSummary]
    deliveries: Sequence[ReportDelivery]
    is_missing: bool


@dataclass(frozen=True)
class ReportsView:
    """The values of the page. `members` are those who may see sales, `chats` those of them with a
    linked Telegram chat."""

    schedules: Sequence[ScheduleView]
    creators: Sequence[Creator]
    members: Mapping[UUID, Member]
    chats: Sequence[UUID]
    agency: AgencySettings
    now: datetime

    def creator_names(self, schedule: ReportSchedule) -> str:
        """Return the names of the creators of a schedule, or "" if it is about all."""
        wanted = set(schedule.form.creators)
        return ", ".join(one.name for one in self.creators if one.id in wanted)

    def recipient_names(self, schedule: ReportSchedule) -> list[tuple[str, str]]:
        """Return the route and the name or address of each recipient."""
        return [
            (one.route, one.address or self._member_name(one.member_id))
            for one in schedule.form.recipients
        ]

    def _member_name(self, member_id: UUID | None) -> str:
        found = self.members.get(member_id) if member_id is not None else None
        return found.name if found is not None else "–"


def load_reports(page: PageContext, scope: Scope) -> ReportsView:
    """Return the schedules that the member may see, and the choices of the forms."""
    member = queries.get_member(scope, page.viewer.member.id)
    members = {
        one.id: one for one in queries.list_members(scope) if has_right(one.role, Right.MONEY)
    }
    return ReportsView(
        schedules=[
            _load_schedule(scope, one, member) for one in schedules.list_schedules(scope, member)
        ],
        creators=page.list_creators(scope),
        members=members,
        chats=[one for one in members if telegram_links.find_chat(scope, one) is not None],
        agency=agency_settings.get_agency_settings(scope),
        now=scope.now,
    )


def _load_schedule(scope: Scope, schedule: ReportSchedule, member: Member) -> ScheduleView:
    found = runs.list_runs(scope, schedule.id, member, most=RUNS_SHOWN)
    return ScheduleView(
        schedule,
        schedules.find_next_period(scope, schedule),
        found,
        deliveries.list_deliveries(scope, [found[0].id]) if found else [],
        is_missing=runs.is_last_report_missing(scope, schedule),
    )
