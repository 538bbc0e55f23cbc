"""Scheduled reports of the demo: a weekly report for the team and a monthly one for a client, with
the reports of the last periods. They have no recipients, because the demo sends no emails."""

from demo.agency.cast import LUMIERE, AgencyProfile
from demo.agency.people import DEMO_ACTOR, creator_id_of, first_member_with_role
from foundation.db.database import OpenScope
from foundation.ids import derived_uuid
from insights.reports import runs, schedules
from insights.reports.events import ReportDue
from insights.reports.periods import ReportKind
from insights.reports.schedules import ReportForm
from tenants.agencies.rights import Role

NAMES = {
    "fr": ("Point de la semaine", "Rapport client"),
    "en": ("Weekly review", "Client report"),
}


def schedule_reports(tenant: OpenScope, company: AgencyProfile) -> None:
    """Schedule both reports and create the ones of the last week and month. Repeatable."""
    if company is not LUMIERE:
        return
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        owner = first_member_with_role(scope, Role.OWNER)
        weekly, monthly = NAMES[owner.language]
        client = creator_id_of(scope, company.creators[0])
        forms = (
            ReportForm(*(weekly, ReportKind.WEEKLY, "team", (), 8, company.zone, owner.language)),
            ReportForm(
                *(monthly, ReportKind.MONTHLY, "client", (client,), 9, company.zone),
                owner.language,
            ),
        )
        wanted: list[ReportDue] = []
        for form in forms:
            made = derived_uuid(company.tenant_id, "demo report", form.kind)
            schedules.create_schedule(scope, made, form, owner)
            period = runs.last_period(scope, form)
            wanted.append(ReportDue(scope.tenant_id, made, period.first, period.last, send=False))
    for event in wanted:
        runs.create_report(event, tenant=tenant)
