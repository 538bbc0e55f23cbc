"""Reports of past periods: which are due, how they are created and stored, and how they are read.

A report is stored once for each schedule and period, with its facts, charts and brand, so that it
shows the same later. It is created in three steps, because charts are rendered outside any
transaction: read the facts, render, store unless another worker stored it first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import select

from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import LANGUAGES
from foundation.ids import derived_uuid
from foundation.ops.wall_time import day_bounds, local_day
from insights.reports import brief, charts, deliveries, due_reports, run_access, schedules
from insights.reports.brief import Brief
from insights.reports.documents import ReportBrand, ReportDocument, shrink_logo
from insights.reports.events import ReportDue
from insights.reports.facts import FactsRequest, ReportFacts, load_report_facts, show_facts
from insights.reports.models import ReportRunRow
from insights.reports.options import Audience
from insights.reports.periods import DuePeriod, ReportKind, period_before
from insights.reports.schedules import ReportForm, ReportSchedule
from insights.rollups import daily_rollups
from insights.rollups.periods import DateRange
from tenants.agencies import agency_settings, queries
from tenants.agencies.queries import Creator, Member

REPORTING = "system:reports"
RUNS_SHOWN = 30

PhraseBrief = Callable[[UUID, UUID, ReportFacts, str], Brief]
"""Function that phrases the brief of a report with a model: tenant, report, facts, language."""


@dataclass(frozen=True)
class RunSummary:
    """A stored report without its content. `made_at` is UTC-aware."""

    id: UUID
    period: DateRange
    made_at: datetime


@dataclass(frozen=True)
class ReportRun:
    """A stored report. `made_at` is UTC-aware."""

    id: UUID
    schedule_id: UUID
    period: DateRange
    made_at: datetime
    facts: ReportFacts
    brand: ReportBrand
    charts: dict[str, dict[str, str]]
    briefs: dict[str, Brief]

    def document(self, language: str, zone: str) -> ReportDocument:
        """Return the report in a language, with times in a time zone."""
        told = self.briefs.get(language) or brief.build_brief(self.facts, language)
        return ReportDocument(
            self.facts, self.brand, told, self.charts.get(language, {}), language, zone
        )


def create_report(
    event: ReportDue, *, tenant: OpenScope, phrase: PhraseBrief | None = None
) -> None:
    """Create and store the report of a period, and queue its deliveries. A repeated event, even
    after a crash, changes nothing, nor does one that would send the report of a paused schedule."""
    period = DateRange(event.first, event.last)
    with tenant(event.tenant_id, REPORTING) as scope:
        if _find_row(scope, event.subject_id, period) is not None:
            return
        try:
            schedule = schedules.get_schedule(scope, event.subject_id)
        except NotFound:  # It ended while the event was waiting.
            return
        if event.send and schedule.state != "active":
            return
        creators = schedules.select_creators(scope, schedule.form)
        _rebuild_last_day(scope, creators, period)
        facts = load_report_facts(scope, creators, facts_request(scope, schedule.form, period))
        brand = load_brand(scope)
        languages = deliveries.list_languages(scope, schedule.form)
    run_id = derived_uuid(schedule.id, "report", period.first, period.last)
    pictures = {one: charts.render_charts(facts, one, brand.accent) for one in LANGUAGES}
    briefs = {one: brief.build_brief(facts, one) for one in LANGUAGES}
    if phrase is not None and schedule.form.phrased:
        for language in languages:
            briefs[language] = phrase(event.tenant_id, run_id, facts, language)
    with tenant(event.tenant_id, REPORTING) as scope:
        scope.lock(f"report:{schedule.id}")
        if _find_row(scope, schedule.id, period) is not None:
            return
        scope.add(
            ReportRunRow(
                tenant_id=scope.tenant_id,
                id=run_id,
                schedule_id=schedule.id,
                first_day=period.first,
                last_day=period.last,
                facts=facts.to_json(),
                charts=pictures,
                briefs={key: _brief_to_json(one) for key, one in briefs.items()},
                brand=brand.to_json(),
                made_at=datetime.fromisoformat(facts.made_at),
            )
        )
        scope.session.flush()
        if event.send:
            deliveries.queue_deliveries(scope, run_id, schedule.form)


def create_last_report(
    scope: Scope, schedule_id: UUID, member: Member, *, send: bool
) -> DuePeriod | None:
    """Queue the report of the last period that has ended, and return it; None if it exists already.

    A report that the relay is about to send is sent in any case. Raises NotFound, and Conflict
    before the report is due.
    """
    schedule = schedules.get_schedule(scope, schedule_id, member)
    period = last_period(scope, schedule.form)
    if _find_row(scope, schedule_id, period) is not None:
        return None
    if not _can_create(scope, schedule, period):
        raise Conflict("reports.not_due")
    due = DuePeriod(period, scope.now)
    newest = due_reports.list_due(scope, schedule)[-1:]
    planned = any(one.period == period for one in newest)
    due_reports.queue_report(scope, schedule, due, send=send or planned)
    return due


def is_last_report_missing(scope: Scope, schedule: ReportSchedule) -> bool:
    """Return True if `create_last_report` would create a report."""
    period = last_period(scope, schedule.form)
    return _can_create(scope, schedule, period) and (_find_row(scope, schedule.id, period) is None)


def _can_create(scope: Scope, schedule: ReportSchedule, period: DateRange) -> bool:
    """Return True if a period is over for all creators and its report is not still to come: one
    that is created before its time would be incomplete, and would never be sent."""
    upcoming = schedules.find_next_period(scope, schedule)
    if upcoming is not None and upcoming.period.first <= period.first:
        return False
    zones = {one.zone for one in schedules.select_creators(scope, schedule.form)}
    return all(day_bounds(period.last, zone)[1] <= scope.now for zone in zones)


def last_period(scope: Scope, form: ReportForm) -> DateRange:
    """Return the last period that has ended in the time zone of the schedule."""
    return period_before(form.kind, local_day(scope.now, form.zone))


def facts_request(scope: Scope, form: ReportForm, period: DateRange) -> FactsRequest:
    """Return what a report of this form is about."""
    return FactsRequest(
        kind=form.kind,
        period=period,
        audience=form.audience,
        currency=agency_settings.get_agency_settings(scope).currency,
        allowed=form.allowed,
    )


def load_direct_report(
    scope: Scope,
    creators: Sequence[Creator],
    kind: ReportKind,
    period: DateRange,
    audience: Audience,
) -> tuple[ReportFacts, ReportBrand]:
    """Return the facts and brand of any period without storing them, for a file that a member
    downloads. A client's report contains no internal facts."""
    currency = agency_settings.get_agency_settings(scope).currency
    asked = FactsRequest(kind, period, audience, currency, frozenset())
    return load_report_facts(scope, creators, asked), load_brand(scope)


def load_brand(scope: Scope) -> ReportBrand:
    """Return the name, colour and logo of the agency."""
    settings = agency_settings.get_agency_settings(scope)
    return ReportBrand(
        " ".join(settings.name.split()),
        settings.accent,
        shrink_logo(agency_settings.get_logo(scope)),
    )


def _rebuild_last_day(scope: Scope, creators: Sequence[Creator], period: DateRange) -> None:
    """Roll up the last day again: events of its last minutes may still be waiting."""
    for one in creators:
        daily_rollups.rebuild_day(scope, one.id, period.last)


def list_runs(
    scope: Scope, schedule_id: UUID, member: Member | None = None, *, most: int = RUNS_SHOWN
) -> list[RunSummary]:
    """Return the newest reports of a schedule, newest first; those that a member may read."""
    theirs = None
    if member is not None and member.creators:
        creators = queries.list_creators(scope)
        theirs = [str(one.id) for one in creators if member.works_for(one.slug)]
    rows = scope.run(
        "SELECT id, first_day, last_day, made_at FROM report_runs WHERE tenant_id = :tenant"
        " AND schedule_id = :schedule AND (CAST(:theirs AS text[]) IS NULL OR"
        " (facts -> 'creators' <> '{}' AND ARRAY(SELECT jsonb_object_keys(facts -> 'creators'))"
        " <@ CAST(:theirs AS text[]))) ORDER BY last_day DESC, first_day DESC LIMIT :most",
        tenant=scope.tenant_id,
        schedule=schedule_id,
        theirs=theirs,
        most=most,
    )
    return [RunSummary(row.id, DateRange(row.first_day, row.last_day), row.made_at) for row in rows]


def get_run(scope: Scope, run_id: UUID, member: Member | None = None) -> ReportRun:
    """Return a stored report. Raises NotFound for an unknown one, and for one that the member may
    not see."""
    return _run_from_row(run_access.get_row(scope, run_id, member))


def get_shown_run(scope: Scope, run_id: UUID, surface: str) -> ReportRun:
    """Return a stored report as readers outside the agency may see it now, on a surface of the
    policy. Raises NotFound for an unknown one."""
    run = get_run(scope, run_id)
    return replace(run, facts=show_facts(scope, run.facts, surface))


def _find_row(scope: Scope, schedule_id: UUID, period: DateRange) -> UUID | None:
    return scope.session.exec(
        select(ReportRunRow.id).where(
            ReportRunRow.tenant_id == scope.tenant_id,
            ReportRunRow.schedule_id == schedule_id,
            ReportRunRow.first_day == period.first,
            ReportRunRow.last_day == period.last,
        )
    ).first()


def _run_from_row(row: ReportRunRow) -> ReportRun:
    return ReportRun(
        id=row.id,
        schedule_id=row.schedule_id,
        period=DateRange(row.first_day, row.last_day),
        made_at=row.made_at,
        facts=ReportFacts.from_json(row.facts),
        brand=ReportBrand.from_json(row.brand),
        charts=row.charts,
        briefs={
            language: Brief(tuple(one["lines"]), one["phrased"])
            for language, one in row.briefs.items()
        },
    )


def _brief_to_json(one: Brief) -> dict[str, Any]:
    return {"lines": list(one.lines), "phrased": one.phrased}
