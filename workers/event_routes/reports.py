"""Routes of scheduled reports: creating them, and sending them to their recipients."""

from functools import partial
from uuid import UUID

from connectors.contract.connector import StepResult
from connectors.transport.smtp import OutgoingReport
from gate.contract.permit import ReportOrder
from gate.surfaces.model_texts import load_text_judge
from insights.reports import outgoing_reports, runs
from insights.reports.brief import Brief, build_brief, phrase_brief
from insights.reports.events import ReportDeliveryDue, ReportDue
from insights.reports.facts import ReportFacts
from insights.reports.outgoing_reports import ReportSenders
from insights.reports.runs import REPORTING
from studio.costs.text_requests import TextPurpose, TextSession
from workers.event_routes.notifications import bot_finder, email_transports, telegram_sender
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

SEEDS = 2**31

CREATE_SECONDS = 300
"""Maximum time to create a report, with its charts in both languages and the texts of a model."""


def report_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes that create and send reports."""
    pages = s.settings.web.public_url
    find_transport = email_transports(s, s.settings.dashboard.public_url, pages)

    def send_email(letter: OutgoingReport, order: ReportOrder) -> StepResult:
        return find_transport(letter.tenant_id).send_report(letter, order)

    senders = ReportSenders(send_email, telegram_sender(s), bot_finder(s))
    return (
        EventRoute(
            ReportDue,
            partial(runs.create_report, tenant=s.tenant, phrase=partial(_phrase_brief, s)),
            deadline_seconds=CREATE_SECONDS,
        ),
        EventRoute(
            ReportDeliveryDue,
            partial(outgoing_reports.send_report, tenant=s.tenant, senders=senders, pages=pages),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(outgoing_reports.fail_report, tenant=s.tenant),
        ),
    )


def _phrase_brief(
    s: Services, tenant_id: UUID, report_id: UUID, facts: ReportFacts, language: str
) -> Brief:
    """Return the brief as the text engine phrases it. Its requests are costs of the first creator.
    The template brief is used without an engine that writes freely in this language."""
    engine = s.text_engine()
    if not facts.creators or not engine.converses:
        return build_brief(facts, language)
    creator_id = UUID(next(iter(facts.creators)))
    sitting = TextSession(s.tenant, tenant_id, creator_id, TextPurpose.REPORT, report_id, s.billing)
    with s.tenant(tenant_id, REPORTING) as scope:
        judge = load_text_judge(scope, "model.suggestion")
    write = sitting.counted_writer(engine.write)
    found = phrase_brief(facts, language, write, seed=report_id.int % SEEDS, judge=judge)
    if found.phrased:
        with s.tenant(tenant_id, REPORTING) as scope:
            sitting.mark_used(scope)
    return found
