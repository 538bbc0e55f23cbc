"""Send a report to its recipient: by email with the files as attachments, or as a Telegram message
with a link. Numbers and texts come from the stored report."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from connectors.contract.connector import (
    Response,
    StepAnswerLost,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.member_notices import SupportsMemberNotices
from connectors.transport.smtp import Attachment, OutgoingReport
from connectors.transport.transport import AccountTarget
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import NoticeOrder, ReportOrder
from insights.reports import brief, deliveries, runs
from insights.reports.deliveries import LINK_PATH, DeliveryContent, DeliveryResult, PendingDelivery
from insights.reports.documents import ReportDocument, render_email
from insights.reports.events import ReportDeliveryDue
from insights.reports.fact_texts import render_text
from insights.reports.options import ReportFormat
from insights.reports.post_facts import NOTICE_SURFACE
from insights.reports.report_files import MEDIA_TYPES, render_report
from insights.reports.runs import REPORTING
from tenants.notices.preferences import Route

TELEGRAM_STEP = "report"
MAX_TELEGRAM = 3500
"""Maximum length of a Telegram message in characters, below the platform's 4,096."""


@dataclass(frozen=True)
class ReportSenders:
    """The routes of reports. `bot` returns the connector and the account of a linked bot, or
    None."""

    email: Callable[[OutgoingReport, ReportOrder], StepResult]
    telegram: Callable[[WireStep, NoticeOrder, AccountTarget], StepResult]
    bot: Callable[[UUID, UUID], tuple[SupportsMemberNotices, AccountTarget] | None]


def send_report(
    event: ReportDeliveryDue, *, tenant: OpenScope, senders: ReportSenders, pages: str
) -> None:
    """Send a report once. `pages` is the base URL of the public pages.

    Its files are rendered before it is claimed: if that fails, nothing was sent and it still waits.
    Raises `outbox.RetryLater` if it was certainly not sent.
    """
    with tenant(event.tenant_id, REPORTING) as scope:
        content = deliveries.find_content(scope, event.subject_id)
        run = (
            runs.get_shown_run(scope, content.run_id, NOTICE_SURFACE)
            if content is not None
            else None
        )
    if content is None or run is None:
        return
    document = run.document(content.language, content.zone)
    files = render_attachments(content, document)
    with tenant(event.tenant_id, REPORTING) as scope:
        due = deliveries.start_delivery(scope, event.subject_id)
    if due is None:
        return
    link = f"{pages.rstrip('/')}{LINK_PATH}{due.token}"
    if due.route == Route.TELEGRAM:
        answer, result = _send_telegram(due, document, link, senders)
    else:
        order = ReportOrder(due.tenant_id, due.delivery_id)
        answer = senders.email(build_email(due, document, link, files), order)
        result = _email_result(answer)
    with tenant(event.tenant_id, REPORTING) as scope:
        wait = deliveries.finish_delivery(scope, due, result, _describe_failure(due, answer))
    if wait is not None:
        raise outbox.RetryLater(wait)


def fail_report(event: ReportDeliveryDue, *, tenant: OpenScope) -> None:
    """Record that a report could not be sent because of an internal error."""
    with tenant(event.tenant_id, REPORTING) as scope:
        deliveries.abandon_delivery(scope, event.subject_id)


def render_attachments(content: DeliveryContent, document: ReportDocument) -> list[Attachment]:
    """Return the chosen files of a report that is sent by email. Pure."""
    if content.route != Route.EMAIL:
        return []
    return [
        Attachment(
            f"{file_stem(document)}.{form}", MEDIA_TYPES[form], render_report(document, form)
        )
        for form in map(ReportFormat, content.formats)
    ]


def build_email(
    due: PendingDelivery, document: ReportDocument, link: str, files: list[Attachment]
) -> OutgoingReport:
    """Return the email of a report: its brief and a link, as text and as HTML with a table of the
    facts, and its files. Pure."""
    language = document.language
    return OutgoingReport(
        id=due.delivery_id,
        tenant_id=due.tenant_id,
        to=due.address,
        sender=_one_line(document.brand.name),
        subject=_one_line(document.title),
        text="\n\n".join(
            (document.brief.text, render_text("reports.email_link", language, link=link))
        ),
        html=render_email(document, link),
        at=due.at,
        attachments=files,
    )


def build_telegram_text(document: ReportDocument, link: str) -> str:
    """Return the Telegram message of a report: title, brief and link. Pure.

    A notice carries texts of the catalogue, so the brief is not the one that a model phrased.
    """
    foot = render_text("reports.telegram_link", document.language, link=link)
    told = brief.build_brief(document.facts, document.language)
    said = f"{_one_line(document.title)}\n\n{told.text}"
    return f"{said[:MAX_TELEGRAM]}\n\n{foot}"


def file_stem(document: ReportDocument) -> str:
    """Return the name of the files of a report, without its suffix."""
    return f"report-{document.facts.kind}-{document.facts.first}"


def _send_telegram(
    due: PendingDelivery, document: ReportDocument, link: str, senders: ReportSenders
) -> tuple[StepResult, DeliveryResult]:
    found = senders.bot(due.tenant_id, due.channel_id) if due.channel_id is not None else None
    if found is None or due.member_id is None:
        return StepNotSent(TELEGRAM_STEP, "no bot"), "refused"
    connector, account = found
    step = connector.build_member_notice(due.chat, build_telegram_text(document, link))
    answer = senders.telegram(step, NoticeOrder(due.tenant_id, due.member_id), account)
    return answer, _telegram_result(answer)


def _email_result(answer: StepResult) -> DeliveryResult:
    if isinstance(answer, StepAnswerLost):
        return "lost"
    if not isinstance(answer, Response):
        return "retry"
    if answer.is_success:
        return "sent"
    return "refused" if answer.status >= 500 else "retry"


def _telegram_result(answer: StepResult) -> DeliveryResult:
    if isinstance(answer, StepAnswerLost):
        return "lost"
    if not isinstance(answer, Response):
        return "retry"
    if answer.is_success:
        return "sent"
    final = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)
    return "refused" if answer.status in final else "retry"


def _describe_failure(due: PendingDelivery, answer: StepResult) -> Message:
    """Return why a report was not accepted, without any text of the service."""
    if isinstance(answer, StepAnswerLost):
        return Message("reports.lost")
    if isinstance(answer, Response):
        return Message("reports.refused", {"status": answer.status})
    if answer.detail in ("no mail server", "no bot"):
        code = "no_mail_server" if due.route == Route.EMAIL else "no_chat"
        return Message(f"reports.{code}")
    return Message("reports.unreachable")


def _one_line(words: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in words).split())
