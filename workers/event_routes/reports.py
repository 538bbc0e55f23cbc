"""Routes of scheduled reports: creating them, and sending them to their recipients."""

from functools import partial

from connectors.contract.connector import StepResult
from connectors.transport.smtp import OutgoingReport
from gate.contract.permit import ReportOrder
from insights.reports import outgoing_reports, runs
from insights.reports.events import ReportDeliveryDue, ReportDue
from insights.reports.outgoing_reports import ReportSenders
from workers.event_routes.notifications import bot_finder, email_transports, telegram_sender
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

CREATE_SECONDS = 120
"""Maximum time to create a report, with its charts in both languages."""


def report_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes that create and send reports."""
    pages = s.settings.web.public_url
    find_transport = email_transports(s, s.settings.dashboard.public_url, pages)

    def send_email(letter: OutgoingReport, order: ReportOrder) -> StepResult:
        return find_transport(letter.tenant_id).send_report(letter, order)

    senders = ReportSenders(send_email, telegram_sender(s), bot_finder(s))
    return (
        EventRoute(
            ReportDue, partial(runs.create_report, tenant=s.tenant), deadline_seconds=CREATE_SECONDS
        ),
        EventRoute(
            ReportDeliveryDue,
            partial(outgoing_reports.send_report, tenant=s.tenant, senders=senders, pages=pages),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=partial(outgoing_reports.fail_report, tenant=s.tenant),
        ),
    )
